package server_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/detect"
	"github.com/tutela-health/tutela/detect/baseline"
	"github.com/tutela-health/tutela/detect/intake/gate"
	"github.com/tutela-health/tutela/detect/roster"
	"github.com/tutela-health/tutela/detect/rules"
	"github.com/tutela-health/tutela/internal/rig"
)

// post sends lines as the loader.
func post(t *testing.T, r *rig.Rig, as, id, encoding string, body []byte) rig.Answer {
	t.Helper()
	h := map[string]string{"Content-Type": "application/x-ndjson"}
	if id != "" {
		h["Idempotency-Key"] = id
	}
	if encoding != "" {
		h["Content-Encoding"] = encoding
	}
	return r.Do(t, rig.Call{As: as, Method: http.MethodPost, Path: "/api/v1/events", Header: h, Body: string(body)})
}

type foundEvents struct {
	Events []struct {
		ID, Source string
		Event      map[string]any
	}
	Next string
}

// sentLines are of a web server, a database and an EHR.
const sentLines = `{"remote_addr":"203.0.113.9","request_method":"GET","request_uri":"/p?id=1%27%20OR%20%271%27=%271","status":200}
connect with password=hunter2secret for Mrs. Meier
{"class_uid":6005,"activity_id":1,"time":1795339815250,"metadata":{"uid":"a-1"},"user":{"uid":"u-17"},"resources":[{"uid":"4711","namespace":"HOSP"}]}
{"kind":"relation","relation":"admission","patient":"4711","authority":"HOSP","unit":"ward 3","from":"2026-11-20"}
{"cut":
`

// TestWhatOtherSystemsSendIsKeptFoundAndWatched goes the whole way: sent twice, searched, found out by rules.
func TestWhatOtherSystemsSendIsKeptFoundAndWatched(t *testing.T) {
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t, rig.Config{Engine: engine, Sources: []gate.Source{{Name: "web", Client: "rig"}}, Watch: func() (detect.Watch, error) {
				people := roster.New()
				return detect.Watch{Roster: people, Model: baseline.New(baseline.Config{}, people), Detectors: []detect.Part{{Name: "rules", Detector: rules.New(rules.Open(nil), people)}}}, nil
			}})
			for _, repeated := range []bool{false, true} {
				a := post(t, r, rig.Loader, "d-1", "", []byte(sentLines))
				expect(t, a, http.StatusOK)
				got := decode[struct {
					Source         string
					Taken, Refused int
					Repeated       bool
				}](t, a.Body)
				if got.Source != "web" || got.Taken != 4 || got.Refused != 1 || got.Repeated != repeated {
					t.Errorf("%+v", got)
				}
			}
			a := r.Get(t, "auditor", "/api/v1/events?text=connect")
			expect(t, a, http.StatusOK)
			found := decode[foundEvents](t, a.Body)
			if len(found.Events) != 1 || found.Events[0].Event["message"] != "connect with password=[tutela:secret] for Mrs. [tutela:name]" {
				t.Errorf("%s", a.Body)
			}
			if a := r.Get(t, "auditor", "/api/v1/ledger/entries?actor=u-17"); !strings.Contains(string(a.Body), `"foreign"`) {
				t.Errorf("the access is not in the ledger: %s", a.Body)
			}
			if a := r.Get(t, "auditor", "/api/v1/ledger/entries?action=events.search"); !strings.Contains(string(a.Body), "1 found") {
				t.Errorf("the search is not in the ledger: %s", a.Body)
			}
			if err := r.Findings.Work(t.Context()); err != nil {
				t.Fatal(err)
			}
			a = r.Get(t, "auditor", "/api/v1/findings")
			for _, want := range []string{"SQL injection attempt", "Secret in a log", "log-1-0", "log-1-1"} {
				if !strings.Contains(string(a.Body), want) {
					t.Errorf("no finding has %s: %s", want, a.Body)
				}
			}
		})
	}
}

// TestOnlyReadersSeeASourcesEvents, and nobody else learns that they are there.
func TestOnlyReadersSeeASourcesEvents(t *testing.T) {
	r := rig.Open(t, rig.Config{Sources: []gate.Source{{Name: "payroll", Client: "rig", Readers: []string{"privacy"}}}})
	expect(t, post(t, r, rig.Loader, "", "", []byte("salaries were computed\n")), http.StatusOK)
	nothing := r.Get(t, "auditor", "/api/v1/events?text=unheard").Body
	for _, query := range []string{"", "?text=salaries", "?id=log-1-0", "?source=payroll"} {
		if d := cmp.Diff(string(nothing), string(r.Get(t, "auditor", "/api/v1/events"+query).Body)); d != "" {
			t.Errorf("%s: %s", query, d)
		}
	}
	if a := r.Get(t, "auditor", "/api/v1/events/sources"); strings.Contains(string(a.Body), "payroll") {
		t.Errorf("%s", a.Body)
	}
	if a := r.Get(t, "privacy", "/api/v1/events?"+url.Values{"text": {"salaries"}}.Encode()); !strings.Contains(string(a.Body), "salaries") {
		t.Errorf("%s", a.Body)
	}
	for _, who := range []string{"admin", "nurse", rig.Loader, "developer"} {
		expect(t, r.Get(t, who, "/api/v1/events"), http.StatusForbidden)
		expect(t, r.Get(t, who, "/api/v1/events/sources"), http.StatusForbidden)
	}
}

// TestHostileDeliveriesAreRefused holds who may send, and the limits of what is unpacked.
func TestHostileDeliveriesAreRefused(t *testing.T) {
	r := rig.Open(t, rig.Config{Sources: []gate.Source{{Name: "web", Client: "rig"}}})
	for _, who := range []string{"admin", "auditor", "nurse"} {
		expect(t, post(t, r, who, "", "", []byte("x\n")), http.StatusForbidden)
	}
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	row := bytes.Repeat([]byte{' '}, 1<<19)
	row[len(row)-1] = '\n'
	for range 200 {
		if _, err := w.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	expect(t, post(t, r, rig.Loader, "", "gzip", bomb.Bytes()), http.StatusRequestEntityTooLarge)
	expect(t, post(t, r, rig.Loader, "", "gzip", []byte("no gzip")), http.StatusBadRequest)
	expect(t, post(t, r, rig.Loader, "", "br", []byte("x\n")), http.StatusBadRequest)
	expect(t, post(t, r, rig.Loader, strings.Repeat("x", 257), "", []byte("x\n")), http.StatusBadRequest)
	expect(t, post(t, r, rig.Loader, "", "", bytes.Repeat([]byte("x\n"), 20_001)), http.StatusRequestEntityTooLarge)
	other := rig.Open(t, rig.Config{Sources: []gate.Source{{Name: "web", Client: "another"}}})
	expect(t, post(t, other, rig.Loader, "", "", []byte("x\n")), http.StatusForbidden)
}
