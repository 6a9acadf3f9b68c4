package alert_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/respond/alert"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// house is a rigged system on a clock that tests move, with a webhook target.
type house struct {
	*rig.Rig
	testkit.Clock

	hook   *testkit.Target
	config rig.Config
}

const secret = "whsec_c2VjcmV0LW9mLXRoZS1ob29rLTEyMzQ1Njc4OTA="

// base is a plan with one webhook; more is what follows it.
func base(url, more string) string {
	return "version: 1\nchannels:\n  hook: {kind: webhook, url: '" + url + "', private: true, ca_file: ca, secret_file: secret}\n" + more
}

const toHook = "routes: [{when: {level: high}, to: [hook]}]\n"

// each runs f against a fresh house on every engine.
func each(t *testing.T, more string, f func(t *testing.T, h *house)) {
	t.Helper()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			h := &house{hook: testkit.StartTarget(t, nil)}
			h.config = rig.Config{Engine: engine, Clock: h.Now, Watch: rig.Touchy, Alerts: parse(t, base(h.hook.URL, more)),
				Files: map[string][]byte{"ca": h.hook.PEM(), "secret": []byte(secret + "\n")}}
			h.Rig = rig.Open(t, h.config)
			h.Put(t, `{"resourceType":"Patient","id":"p","name":[{"family":"Mustermann"}]}`)
			h.settle(t)
			f(t, h)
		})
	}
}

func parse(t *testing.T, text string) *alert.Plan {
	t.Helper()
	p, err := alert.Parse([]byte(text))
	must(t, err)
	return p
}

// offend has so many things found.
func (h *house) offend(t *testing.T, n int) {
	t.Helper()
	for range n {
		if a := h.Get(t, "billing", "Patient/p"); a.Status != http.StatusOK {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	}
}

// settle has everything that was done watched, what was found written into the outbox, and what waits there tried.
func (h *house) settle(t *testing.T) {
	t.Helper()
	h.Detect(t)
	must(t, h.Alerts.Work(t.Context()))
	_ = h.Alerts.Deliver(t.Context()) // what fails is tried again
}

// deliver lets time pass, and tries what is due, so often.
func (h *house) deliver(t *testing.T, every time.Duration, times int) {
	t.Helper()
	for range times {
		h.Advance(every)
		must(t, h.Alerts.Work(t.Context()))
		_ = h.Alerts.Deliver(t.Context()) // what fails is tried again
	}
}

// hooked are the notes that the webhook took, their signatures verified.
func (h *house) hooked(t *testing.T) []alert.Note {
	t.Helper()
	var list []alert.Note
	for _, r := range h.hook.Took() {
		var said struct {
			Type string
			Data alert.Note
		}
		must(t, json.Unmarshal(r.Body, &said))
		seconds, err := strconv.ParseInt(r.Header.Get("Webhook-Timestamp"), 10, 64)
		must(t, err)
		must(t, alert.Verify([]byte(secret), r.Header, r.Body, time.Unix(seconds, 0)))
		list = append(list, said.Data)
	}
	return list
}

// told counts the entries of an action.
func (h *house) told(t *testing.T, action tutela.Action, outcome tutela.Outcome) (n int) {
	t.Helper()
	must(t, h.Audit.Search(context.WithoutCancel(t.Context()), audit.Query{Action: action, Outcome: outcome}, func(audit.Opened) error { n++; return nil }))
	return n
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
