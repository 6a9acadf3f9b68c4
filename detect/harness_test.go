package detect_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// nth takes offence at every n-th event of an account: a detector that remembers, and of which every
// lost or repeated event is seen in what it says next.
type nth struct {
	N    int
	Seen map[tutela.UserID]int
}

func (d *nth) Observe(ev *event.Event) []finding.Hit {
	if ev.Action != tutela.ActionRead {
		return nil
	}
	d.Seen[ev.Actor.ID]++
	if d.Seen[ev.Actor.ID]%d.N != 0 {
		return nil
	}
	return []finding.Hit{{
		Rule: "nth", Title: "Many events", Level: finding.Medium, Actor: ev.Actor.ID, Entries: []string{ev.ID}, At: ev.Time,
		Reasons: []string{"there are many"}, Answer: "count again",
	}}
}

func (d *nth) Snapshot(w io.Writer) error { return json.NewEncoder(w).Encode(d.Seen) }
func (d *nth) Restore(r io.Reader) error  { return json.NewDecoder(r).Decode(&d.Seen) }

// every takes offence at everything that anybody does, in a group of its own.
type every struct{}

func (every) Observe(ev *event.Event) []finding.Hit {
	return []finding.Hit{{Rule: "every", Level: finding.Low, Actor: ev.Actor.ID, Group: ev.ID, Entries: []string{ev.ID}, At: ev.Time}}
}
func (every) Snapshot(io.Writer) error { return nil }
func (every) Restore(io.Reader) error  { return nil }

func sevenths() (detect.Watch, error) {
	return detect.Watch{Detectors: []detect.Part{{Name: "nth", Detector: &nth{N: 7, Seen: map[tutela.UserID]int{}}}}}, nil
}

func everything() (detect.Watch, error) {
	return detect.Watch{Detectors: []detect.Part{{Name: "every", Detector: every{}}}}, nil
}

// house is a rigged system on a clock that tests move.
type house struct {
	*rig.Rig
	testkit.Clock

	config rig.Config
}

// each runs f against a fresh house on every engine.
func each(t *testing.T, watch func() (detect.Watch, error), f func(t *testing.T, h *house)) {
	t.Helper()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			h := &house{}
			h.config = rig.Config{Engine: engine, Clock: h.Now, Watch: watch}
			h.Rig = rig.Open(t, h.config)
			f(t, h)
		})
	}
}

// happened writes n events of an account into the ledger, and sequences it.
func (h *house) happened(t *testing.T, actor tutela.UserID, n int) {
	t.Helper()
	for range n {
		_, err := h.Audit.Append(t.Context(), tutela.Entry{
			Actor: tutela.Actor{ID: actor, Kind: tutela.ActorPerson, Name: strings.TrimPrefix(string(actor), "u-")}, Action: tutela.ActionRead, Outcome: tutela.OutcomeSuccess,
		}, nil)
		must(t, err)
	}
	h.sequence(t)
}

func (h *house) sequence(t *testing.T) {
	t.Helper()
	_, err := h.Audit.Sequence(t.Context())
	must(t, err)
}

// watched is what a service found, in the eyes of the auditor.
func watched(t *testing.T, s *detect.Service) []finding.Finding {
	t.Helper()
	page, err := s.List(t.Context(), tutela.Principal{ID: "auditor"}, detect.Filter{Limit: 500})
	must(t, err)
	return page.Findings
}

// told lists the entries of an action, in the ledger's order.
func (h *house) told(t *testing.T, action tutela.Action) []tutela.Entry {
	t.Helper()
	var list []tutela.Entry
	must(t, h.Audit.Search(t.Context(), audit.Query{}, func(o audit.Opened) error {
		if o.Entry.Action == action {
			list = append(list, o.Entry)
		}
		return nil
	}))
	slices.SortStableFunc(list, func(a, b tutela.Entry) int { return a.Time.Compare(b.Time) })
	return list
}

// asks calls the API as a role.
func (h *house) asks(t *testing.T, as, method, path, body string) rig.Answer {
	t.Helper()
	return h.Do(t, rig.Call{As: as, Method: method, Path: "/api/v1/findings" + path, Body: body, Header: map[string]string{"Content-Type": "application/json"}})
}

// lists gives the findings that a role sees.
func (h *house) lists(t *testing.T, as, query string) []finding.Finding {
	t.Helper()
	a := h.asks(t, as, http.MethodGet, query, "")
	if a.Status != http.StatusOK {
		t.Fatalf("%s: %d %s", as, a.Status, a.Body)
	}
	var page detect.Page
	must(t, json.Unmarshal(a.Body, &page))
	return page.Findings
}

func summary(list []finding.Finding) string {
	var b strings.Builder
	for _, f := range list {
		fmt.Fprintf(&b, "%s %s %d hits %d entries; ", f.Actor, f.State, f.Hits, f.Shown)
	}
	return b.String()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const minute = time.Minute
