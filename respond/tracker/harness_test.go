package tracker_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/respond/tracker"
	"github.com/tutela-health/tutela/store"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// The secrets of the tests' trackers.
const (
	token  = "token-of-the-robot-account"
	secret = "0123456789abcdef0123456789abcdef"
)

// house is a rigged system on a clock that tests move, with a tracker of each maker.
type house struct {
	*rig.Rig
	testkit.Clock

	hub    *hub
	site   *site
	config rig.Config
}

const toBoth = `version: 1
console: https://ehr.example.org/console/
trackers:
  github: {kind: github, url: "HUB", project: clinic/security, user: tutela-bot, token_file: token, secret_file: secret, ca_file: ca-hub, private: true, labels: [tutela], findings: {level: high}, steps: {level: high}}
  jira: {kind: jira, url: "SITE", project: SEC, user: bot@clinic.example, token_file: token, secret_file: secret, ca_file: ca-site, private: true, findings: {level: high}, steps: {level: high}}
`

// each runs f against a fresh house on every engine.
func each(t *testing.T, f func(t *testing.T, h *house)) {
	t.Helper()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			f(t, open(t, engine, rig.Touchy))
		})
	}
}

func open(t *testing.T, engine store.Engine, watch func() (detect.Watch, error)) *house {
	t.Helper()
	h := &house{}
	h.hub, h.site = startHub(t, &h.Clock), startSite(t)
	h.config = rig.Config{Engine: engine, Clock: h.Now, Watch: watch, Tracks: h.plan(t, toBoth), Files: map[string][]byte{
		"ca-hub": h.hub.PEM(), "ca-site": h.site.PEM(), "token": []byte(token + "\n"), "secret": []byte(secret + "\n"),
	}}
	h.Rig = rig.Open(t, h.config)
	h.Put(t, `{"resourceType":"Patient","id":"p","name":[{"family":"Mustermann"}]}`)
	h.settle(t)
	return h
}

// plan is one whose trackers are the tests' own.
func (h *house) plan(t *testing.T, text string) *tracker.Plan {
	t.Helper()
	p, err := tracker.Parse([]byte(strings.NewReplacer("HUB", h.hub.URL, "SITE", h.site.URL).Replace(text)))
	must(t, err)
	return p
}

// offend has something found.
func (h *house) offend(t *testing.T) {
	t.Helper()
	if a := h.Get(t, "billing", "Patient/p"); a.Status != http.StatusOK {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	h.settle(t)
}

// settle has everything that was done watched, what was found written into the outbox, and what is due tried.
func (h *house) settle(t *testing.T) {
	t.Helper()
	h.Detect(t)
	must(t, h.Incidents.Work(t.Context()))
	h.Sequence(t)
	must(t, h.Trackers.Work(t.Context()))
	_ = h.Trackers.Deliver(t.Context()) // what fails is tried again
	h.Sequence(t)
}

// later lets time pass, and tries what is due.
func (h *house) later(t *testing.T, d time.Duration) {
	t.Helper()
	h.Advance(d)
	h.settle(t)
}

// tickets are all those of a tracker.
func (h *house) tickets(t *testing.T, name string) []tracker.ShownTicket {
	t.Helper()
	var list []tracker.ShownTicket
	l, err := h.Trackers.List(t.Context(), tutela.Principal{})
	must(t, err)
	for _, tk := range l.Tickets {
		if tk.Tracker == name {
			list = append(list, tk)
		}
	}
	return list
}

// ticket is a tracker's one ticket.
func (h *house) ticket(t *testing.T, name string) tracker.ShownTicket {
	t.Helper()
	list := h.tickets(t, name)
	if len(list) != 1 {
		t.Fatalf("%d tickets in %s", len(list), name)
	}
	return list[0]
}

// do calls the API and wants 200.
func (h *house) do(t *testing.T, as, method, path string, body any) rig.Answer {
	t.Helper()
	a := h.call(t, as, method, path, body)
	if a.Status != http.StatusOK {
		t.Fatalf("%s %s: %d %s", method, path, a.Status, a.Body)
	}
	return a
}

func (h *house) call(t *testing.T, as, method, path string, body any) rig.Answer {
	t.Helper()
	text := ""
	if body != nil {
		b, err := json.Marshal(body)
		must(t, err)
		text = string(b)
	}
	return h.Do(t, rig.Call{As: as, Method: method, Path: "/api/v1" + path, Body: text, Header: map[string]string{"Content-Type": "application/json"}})
}

// back is a callback as a tracker sends it.
func (h *house) back(t *testing.T, name string, header map[string]string, body string) rig.Answer {
	t.Helper()
	return h.Do(t, rig.Call{As: rig.Nobody, Method: http.MethodPost, Path: "/intake/tracker/" + name, Body: body, Header: header})
}

// hub's and site's headers.
func fromHub(body string) map[string]string {
	return map[string]string{"Content-Type": "application/json", "X-GitHub-Event": "issues", "X-GitHub-Delivery": "7", "X-Hub-Signature-256": sign(secret, body)}
}

func fromSite(body string) map[string]string {
	return map[string]string{"Content-Type": "application/json", "X-Hub-Signature": sign(secret, body)}
}

func sign(secret, body string) string {
	m := hmac.New(sha256.New, []byte(secret))
	_, _ = m.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(m.Sum(nil))
}

// told are the details of the entries of an action, the oldest first.
func (h *house) told(t *testing.T, action tutela.Action) (list []string) {
	t.Helper()
	must(t, h.Audit.Search(context.WithoutCancel(t.Context()), audit.Query{Action: action}, func(o audit.Opened) error {
		list = append(list, o.Entry.Subject.Detail)
		return nil
	}))
	return list
}

// found is the one finding there is.
func (h *house) found(t *testing.T) finding.Finding {
	t.Helper()
	p, err := h.Findings.List(t.Context(), tutela.Principal{}, detect.Filter{})
	must(t, err)
	if len(p.Findings) != 1 {
		t.Fatalf("%d findings", len(p.Findings))
	}
	return p.Findings[0]
}

func decoded[T any](t *testing.T, a rig.Answer) (v T) {
	t.Helper()
	must(t, json.Unmarshal(a.Body, &v))
	return v
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
