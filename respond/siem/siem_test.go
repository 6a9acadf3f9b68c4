package siem_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/respond/siem"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// house is a rigged system on a clock that tests move.
type house struct {
	*rig.Rig
	testkit.Clock
}

// each runs f against a fresh house on every engine.
func each(t *testing.T, f func(t *testing.T, h *house)) {
	t.Helper()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			h := &house{}
			h.Rig = rig.Open(t, rig.Config{Engine: engine, Clock: h.Now, Watch: rig.Touchy})
			h.Put(t, `{"resourceType":"Patient","id":"p","name":[{"family":"Mustermann"}]}`)
			h.Detect(t)
			f(t, h)
		})
	}
}

// export is a service of a node, of one target.
func (h *house) export(t *testing.T, node, target string, files map[string][]byte) *siem.Service {
	t.Helper()
	p, err := siem.Parse([]byte("version: 1\ntargets:\n  one: " + target + "\n"))
	must(t, err)
	s, err := siem.New(siem.Config{
		DB: h.DB, Audit: h.Audit, Clock: h.Now, Findings: h.Findings, Alias: h.Identity.Alias, Plan: p, Node: node,
		Read: func(path string) ([]byte, error) { return files[path], nil },
	})
	must(t, err)
	return s
}

// entries are the ids of what is in the ledger, in order, and of the findings that it tells of.
func (h *house) entries(t *testing.T) []string {
	t.Helper()
	var list []string
	_, err := h.Audit.Follow(t.Context(), 0, func(o audit.Opened) error {
		list = append(list, o.Entry.ID)
		if o.Entry.Action == tutela.ActionFindingOpen {
			list = append(list, o.Entry.Subject.ID+"-"+o.Entry.ID)
		}
		return nil
	})
	must(t, err)
	return list
}

// lives has so many things happen, and found.
func (h *house) lives(t *testing.T, n int) {
	t.Helper()
	h.Forget()
	for range n {
		if a := h.Get(t, "billing", "Patient/p"); a.Status != http.StatusOK {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	}
	h.Detect(t)
}

// uid is the id in an OCSF event.
func uid(t *testing.T, ocsf []byte) string {
	t.Helper()
	var e struct {
		Metadata struct{ UID string }
	}
	if err := json.Unmarshal(ocsf, &e); err != nil {
		t.Errorf("an event: %v: %s", err, ocsf)
	}
	return e.Metadata.UID
}

// form is a kind of target with what it takes and answers.
type form struct {
	config string
	files  map[string][]byte
	says   func(testkit.Taken) string
	auth   string
	path   string
	ids    func(t *testing.T, body []byte) []string // of the events in a request
}

func lines(body []byte) (list [][]byte) {
	s := bufio.NewScanner(bytes.NewReader(body))
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		list = append(list, bytes.Clone(s.Bytes()))
	}
	return list
}

func forms() map[string]form {
	return map[string]form{
		"https": {config: "kind: https", ids: func(t *testing.T, body []byte) (ids []string) {
			for _, l := range lines(body) {
				ids = append(ids, uid(t, l))
			}
			return ids
		}},
		"splunk": {
			config: "kind: splunk, index: phi, secret_file: key", files: map[string][]byte{"key": []byte("hec\n")}, auth: "Splunk hec",
			says: func(testkit.Taken) string { return `{"text":"Success","code":0}` },
			ids: func(t *testing.T, body []byte) (ids []string) {
				for d := json.NewDecoder(bytes.NewReader(body)); ; {
					var e struct {
						Time  float64
						Index string
						Event json.RawMessage
					}
					err := d.Decode(&e)
					if errors.Is(err, io.EOF) {
						return ids
					}
					must(t, err)
					if e.Time < 1e9 || e.Index != "phi" {
						t.Errorf("an event at %f in %q", e.Time, e.Index)
					}
					ids = append(ids, uid(t, e.Event))
				}
			},
		},
		"elastic": {
			config: "kind: elastic, index: ledger, secret_file: key", files: map[string][]byte{"key": []byte("api\n")}, auth: "ApiKey api",
			says: func(r testkit.Taken) string {
				var items []string
				for i := range lines(r.Body) {
					if i%2 == 0 {
						items = append(items, fmt.Sprintf(`{"create":{"status":%d}}`, []int{201, 409}[i/2%2]))
					}
				}
				return `{"errors":true,"items":[` + strings.Join(items, ",") + `]}`
			},
			ids: func(t *testing.T, body []byte) (ids []string) {
				for l := range slices.Chunk(lines(body), 2) {
					var action struct {
						Create struct {
							ID    string `json:"_id"`
							Index string `json:"_index"`
						}
					}
					var doc struct{ OCSF json.RawMessage }
					must(t, json.Unmarshal(l[0], &action))
					must(t, json.Unmarshal(l[1], &doc))
					if id := uid(t, doc.OCSF); action.Create.ID != id || action.Create.Index != "ledger" {
						t.Errorf("%+v for %s", action, id)
					}
					ids = append(ids, action.Create.ID)
				}
				return ids
			},
		},
		"otlp": {
			config: "kind: otlp, secret_file: key", files: map[string][]byte{"key": []byte("tok\n")}, auth: "Bearer tok",
			says: func(testkit.Taken) string { return `{"partialSuccess":{}}` },
			ids: func(t *testing.T, body []byte) (ids []string) {
				var r struct {
					ResourceLogs []struct {
						ScopeLogs []struct {
							LogRecords []struct {
								TimeUnixNano string
								Body         struct{ StringValue string }
							}
						}
					}
				}
				must(t, json.Unmarshal(body, &r))
				for _, l := range r.ResourceLogs[0].ScopeLogs[0].LogRecords {
					if len(l.TimeUnixNano) != 19 {
						t.Errorf("a record at %s", l.TimeUnixNano)
					}
					ids = append(ids, uid(t, []byte(l.Body.StringValue)))
				}
				return ids
			},
		},
		"azure": {
			config: "kind: azure, tenant: contoso, client: app, secret_file: key", files: map[string][]byte{"key": []byte("s3cret\n")}, auth: "Bearer given",
			says: func(r testkit.Taken) string {
				if form, _ := url.ParseQuery(string(r.Body)); form.Get("client_secret") == "s3cret" && form.Get("scope") == "https://monitor.azure.com/.default" {
					return `{"access_token":"given"}`
				}
				return ""
			},
			path: "/contoso/oauth2/v2.0/token",
			ids: func(t *testing.T, body []byte) (ids []string) {
				var list []struct {
					TimeGenerated time.Time
					Event         json.RawMessage
				}
				must(t, json.Unmarshal(body, &list))
				for _, r := range list {
					ids = append(ids, uid(t, r.Event))
				}
				return ids
			},
		},
	}
}

// A target that is down or wrong for an hour gets every entry and finding afterwards, in order and once.
func TestTargetsThatAreDownForAnHourLoseNothing(t *testing.T) {
	for name, f := range forms() {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, h *house) {
				g := testkit.StartTarget(t, f.says)
				files := map[string][]byte{"ca": g.PEM()}
				for path, b := range f.files {
					files[path] = b
				}
				config := fmt.Sprintf("{%s, url: '%s/in', from: beginning, private: true, ca_file: ca}", f.config, g.URL)
				if name == "azure" {
					config = strings.TrimSuffix(config, "}") + ", login: '" + g.URL + "'}"
				}
				s := h.export(t, "node", config, files)
				h.lives(t, 5)
				for minute := range 60 {
					g.Answer([]int{500, 503, 429, 404}[minute/15])
					h.Advance(time.Minute)
					_ = s.Work(t.Context()) // it fails, and is tried again
				}
				if n := g.Tried(); n < 5 || n > 60 {
					t.Errorf("tried %d times in an hour", n)
				}
				h.lives(t, 3)
				g.Answer(0)
				h.Advance(10 * time.Minute)
				must(t, s.Work(t.Context()))
				h.Sequence(t) // the ledger tells that the target works again
				must(t, s.Work(t.Context()))
				var got []string
				for _, r := range g.Took() {
					if r.Path == f.path {
						continue
					}
					if r.Header.Get("Authorization") != f.auth {
						t.Errorf("authorized by %q", r.Header.Get("Authorization"))
					}
					got = append(got, f.ids(t, r.Body)...)
				}
				if d := cmp.Diff(h.entries(t), got); d != "" {
					t.Error(d)
				}
				states, err := s.States(t.Context())
				must(t, err)
				if states[0].Behind != 0 {
					t.Errorf("behind by %d", states[0].Behind)
				}
			})
		})
	}
}

// What a target answers well without taking everything is not taken.
func TestWhatIsNotTakenWholeIsSentAgain(t *testing.T) {
	wrong := map[string][]string{
		"splunk":  {`{"text":"Invalid data format","code":6}`, `{}`, `<html>login</html>`},
		"elastic": {`{"errors":false,"items":[]}`, `{"items":[{"create":{"status":429}}]}`, `<html>login</html>`},
		"otlp":    {`{"partialSuccess":{"rejectedLogRecords":"3"}}`, `<html>login</html>`},
		"azure":   {`{"access_token":""}`, `<html>login</html>`},
	}
	each(t, func(t *testing.T, h *house) {
		for name, answers := range wrong {
			f := forms()[name]
			g := testkit.StartTarget(t, nil)
			files := map[string][]byte{"ca": g.PEM(), "key": f.files["key"]}
			config := fmt.Sprintf("{%s, url: '%s/in', from: beginning, private: true, ca_file: ca}", f.config, g.URL)
			if name == "azure" {
				config = strings.TrimSuffix(config, "}") + ", login: '" + g.URL + "'}"
			}
			for _, said := range answers {
				g.Say(func(testkit.Taken) string { return said })
				s := h.export(t, "node", config, files)
				h.Advance(time.Hour)
				if err := s.Work(t.Context()); err == nil {
					t.Errorf("%s: %s counts as taken", name, said)
				}
				if states, err := s.States(t.Context()); err != nil || states[0].Place != 0 {
					t.Errorf("%s: %+v %v", name, states, err)
				}
			}
		}
	})
}

// A node that dies after sending and before writing its place has sent twice what it sent, and lost nothing.
func TestKilledNodesSendAtLeastOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		g := testkit.StartTarget(t, nil)
		config, files := fmt.Sprintf("{kind: https, url: '%s', from: beginning, private: true, ca_file: ca}", g.URL), map[string][]byte{"ca": g.PEM()}
		for round := range 5 {
			h.lives(t, 2)
			h.Advance(2 * time.Minute) // the lease of the one that died has ended
			s := h.export(t, fmt.Sprint("node", round), config, files)
			if round == 3 {
				must(t, s.Rewind(t.Context(), "one", 1))
			}
			must(t, s.Work(t.Context()))
		}
		seen := map[string]bool{}
		for _, r := range g.Took() {
			for _, id := range forms()["https"].ids(t, r.Body) {
				seen[id] = true
			}
		}
		for _, id := range h.entries(t) {
			if !seen[id] {
				t.Errorf("%s was lost", id)
			}
		}
	})
}

// rsyslog takes the ledger over TLS, as OCSF and as CEF.
func TestCollectorsTakeTheLedger(t *testing.T) {
	_, _, files := testkit.Certificate(t)
	authority, err := os.ReadFile(files.Certificate)
	must(t, err)
	for _, format := range []siem.Text{siem.OCSF, siem.CEF} {
		t.Run(string(format), func(t *testing.T) {
			h := &house{}
			h.Rig = rig.Open(t, rig.Config{Clock: h.Now, Watch: rig.Touchy})
			h.Put(t, `{"resourceType":"Patient","id":"p"}`)
			h.lives(t, 3)
			c := testkit.StartCollector(t, files)
			s := h.export(t, "node", fmt.Sprintf("{kind: syslog, server: '%s', format: %s, from: beginning, ca_file: own}", c.Address, format), map[string][]byte{"own": authority})
			must(t, s.Work(t.Context()))
			want := h.entries(t)
			got := c.Await(t, len(want))
			if len(got) != len(want) {
				t.Fatalf("%d messages of %d", len(got), len(want))
			}
			for i, line := range got {
				text := line[strings.LastIndex(line, "|-|")+3:]
				if format == siem.OCSF && uid(t, []byte(text)) != want[i] || format == siem.CEF && !strings.HasPrefix(text, "CEF:0|Tutela|Tutela|1|") {
					t.Errorf("message %d: %s", i, line)
				}
			}
		})
	}
}

// A target that is down holds up no other.
func TestTargetsDoNotWaitForEachOther(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		g := testkit.StartTarget(t, nil)
		p, err := siem.Parse([]byte(fmt.Sprintf("version: 1\ntargets:\n  a: {kind: https, url: 'https://127.0.0.1:1', private: true, from: beginning}\n  b: {kind: https, url: '%s', private: true, from: beginning, ca_file: ca}\n", g.URL)))
		must(t, err)
		s, err := siem.New(siem.Config{DB: h.DB, Audit: h.Audit, Clock: h.Now, Findings: h.Findings, Alias: h.Identity.Alias, Plan: p, Node: "n",
			Read: func(string) ([]byte, error) { return g.PEM(), nil }})
		must(t, err)
		if err := s.Work(t.Context()); err == nil || !strings.Contains(err.Error(), "target a") || strings.Contains(err.Error(), "target b") {
			t.Errorf("work: %v", err)
		}
		if len(g.Took()) == 0 {
			t.Error("the other one waits")
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
