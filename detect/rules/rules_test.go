package rules_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/detect/rules"
)

func TestShippedRulesAreInForce(t *testing.T) {
	for _, p := range rules.Open(nil).Edition().Problems {
		t.Error(p)
	}
}

// Every rule that can be reported is complete, and has events beside it that it must and must not take offence at.
func TestShippedRulesAreWhole(t *testing.T) {
	tried := map[string]bool{}
	for _, c := range append(ledgerCases(), logCases()...) {
		tried[c.rule] = true
	}
	for _, r := range rules.Open(nil).Edition().Set.Rules() {
		if len(r.ID) != 36 || r.Description == "" || r.Level == "" {
			t.Errorf("%s: id %q, description %q, level %q", r.Title, r.ID, r.Description, r.Level)
		}
		if r.Level == finding.Informational {
			continue
		}
		if r.Answer == "" || r.Likelihood == 0 {
			t.Errorf("%s: says not what to do, or not how likely it is", r.Title)
		}
		if !tried[r.Title] {
			t.Errorf("%s: no events beside it", r.Title)
		}
	}
}

// scenario is events that follow each other a second apart, unless they say otherwise.
type scenario struct {
	rule   string // title
	hits   []*event.Event
	misses []*event.Event
}

func TestRulesOfTheLedger(t *testing.T) { try(t, ledgerCases()) }

func TestRulesOfLogs(t *testing.T) { try(t, logCases()) }

func try(t *testing.T, cases []scenario) {
	book := rules.Open(nil)
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			if got := titles(rules.New(book, nil), c.hits); !slices.Contains(got, c.rule) {
				t.Errorf("no hit, but %q", got)
			}
			if got := titles(rules.New(book, nil), c.misses); slices.Contains(got, c.rule) {
				t.Error("a hit where there must be none")
			}
		})
	}
}

// titles are those of what a detector says of events.
func titles(d *rules.Detector, events []*event.Event) []string {
	seen := map[string]bool{}
	for i, e := range events {
		e.ID = fmt.Sprint("e", i)
		for _, h := range d.Observe(e) {
			seen[h.Title] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

func start() time.Time { return time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC) }

// entry makes an entry of the ledger by a nurse.
func entry(action tutela.Action, changes ...func(*event.Event)) *event.Event {
	e := &event.Event{Entry: tutela.Entry{
		ID: "e", Time: start(), Node: "node-1", Action: action, Outcome: tutela.OutcomeSuccess, Address: "192.0.2.7", Status: 200, Session: "s-1",
		Actor: tutela.Actor{ID: "u-17", Kind: tutela.ActorPerson, Roles: []string{"nurse"}, Unit: "ward 3"},
	}}
	for _, c := range changes {
		c(e)
	}
	return e
}

func by(id string) func(*event.Event) {
	return func(e *event.Event) { e.Actor.ID = tutela.UserID(id) }
}

func anonymous(e *event.Event) { e.Actor = tutela.Actor{Kind: tutela.ActorAnonymous} }

func role(name string) func(*event.Event) {
	return func(e *event.Event) { e.Actor.Roles = []string{name} }
}

func denied(e *event.Event) { e.Outcome, e.Status = tutela.OutcomeDenied, 403 }

func notFound(e *event.Event) { e.Outcome, e.Status = tutela.OutcomeFailed, 404 }

func from(address string) func(*event.Event) { return func(e *event.Event) { e.Address = address } }

func counted(n int) func(*event.Event) { return func(e *event.Event) { e.Count = n } }

func bytes(n int64) func(*event.Event) { return func(e *event.Event) { e.Bytes = n } }

func at(after time.Duration) func(*event.Event) {
	return func(e *event.Event) { e.Time = start().Add(after) }
}

func about(kind, id, detail string) func(*event.Event) {
	return func(e *event.Event) { e.Subject = &tutela.Subject{Kind: kind, ID: id, Detail: detail} }
}

func patient(n int, flags ...string) func(*event.Event) {
	return func(e *event.Event) {
		e.Patients = append(e.Patients, tutela.Touched{Patient: tutela.Bucket(1000 + n), Flags: flags})
	}
}

func evidence(check string, v tutela.Verdict) func(*event.Event) {
	return func(e *event.Event) {
		e.Actor = tutela.Actor{ID: "assess", Kind: tutela.ActorSystem}
		e.Evidence = &tutela.Evidence{Check: check, Verdict: v}
	}
}

// many repeats an event a second apart.
func many(n int, one func(i int) *event.Event) []*event.Event { return every(time.Second, n, one) }

func every(gap time.Duration, n int, one func(i int) *event.Event) []*event.Event {
	var list []*event.Event
	for i := range n {
		e := one(i)
		e.Time = e.Time.Add(time.Duration(i) * gap)
		list = append(list, e)
	}
	return list
}

func one(e *event.Event) []*event.Event { return []*event.Event{e} }

func failedLogin(id string, changes ...func(*event.Event)) *event.Event {
	return entry(tutela.ActionAuthenticate, append([]func(*event.Event){anonymous, denied, about("user", id, "wrong password")}, changes...)...)
}

// log makes a line of a web server's log.
func log(text string) *event.Event {
	return &event.Event{Entry: tutela.Entry{ID: "l", Time: start(), Action: event.ActionLog}, Source: "web", Log: &event.Log{App: "nginx", Text: text}}
}

// TestRestartLosesNothing stops at every place of a scenario and goes on from a snapshot.
func TestRestartLosesNothing(t *testing.T) {
	book := rules.Open(nil)
	var events []*event.Event
	for _, c := range ledgerCases() {
		events = append(events, c.hits...)
	}
	slices.SortStableFunc(events, func(a, b *event.Event) int { return a.Time.Compare(b.Time) })
	for i, e := range events {
		e.ID = fmt.Sprint("e", i)
	}
	whole := rules.New(book, nil)
	var want, got []finding.Hit
	for _, e := range events {
		want = append(want, whole.Observe(e)...)
	}
	d := rules.New(book, nil)
	for i, e := range events {
		if i%50 == 7 {
			var kept strings.Builder
			if err := d.Snapshot(&kept); err != nil {
				t.Fatal(err)
			}
			d = rules.New(book, nil)
			if err := d.Restore(strings.NewReader(kept.String())); err != nil {
				t.Fatal(err)
			}
		}
		got = append(got, d.Observe(e)...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("hits (-of one run +of many):\n%s", diff)
	}
}

func TestForeignSnapshotIsRefusedAndNothingIsRemembered(t *testing.T) {
	book := rules.Open(nil)
	for _, text := range []string{"", "x", `{"Form":2}`, `{"Form":1,"Sigma":[]}`, `{"Form":1,"Sigma":{"Form":9}}`} {
		if err := rules.New(book, nil).Restore(strings.NewReader(text)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
