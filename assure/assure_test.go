package assure

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
)

// notebook is a ledger that keeps its entries, until it is full.
type notebook struct {
	entries []tutela.Entry
	room    int
}

var errFull = errors.New("disk full")

// Append implements ledger.
func (n *notebook) Append(_ context.Context, e tutela.Entry, _ []tutela.Section) (audit.Receipt, error) {
	if len(n.entries) == n.room {
		return audit.Receipt{}, errFull
	}
	n.entries = append(n.entries, e)
	return audit.Receipt{ID: "1"}, nil
}

func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

func check(id string, try func(context.Context) tutela.Evidence) tutela.Check {
	return tutela.Check{ID: id, Title: "Title of " + id, Controls: []string{"P12"}, Fresh: time.Hour, Try: try}
}

func seen(v tutela.Verdict) func(context.Context) tutela.Evidence {
	return func(context.Context) tutela.Evidence { return tutela.Evidence{On: "x", Observed: "seen", Verdict: v} }
}

func TestEveryCheckIsTriedAndKept(t *testing.T) {
	book := &notebook{room: 9}
	got, err := New(book, noon, check("a", seen(tutela.Fail)), check("b", seen(tutela.Pass))).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	evidence := func(id string, v tutela.Verdict) tutela.Evidence {
		return tutela.Evidence{Check: id, On: "x", Observed: "seen", Verdict: v, At: noon(), Expires: noon().Add(time.Hour)}
	}
	a, b := evidence("a", tutela.Fail), evidence("b", tutela.Pass)
	want := []Result{{a, "Title of a", []string{"P12"}}, {b, "Title of b", []string{"P12"}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	entry := func(e *tutela.Evidence) tutela.Entry {
		return tutela.Entry{Time: noon(), Actor: tutela.Actor{ID: "tutela-assess", Kind: tutela.ActorSystem, Name: "tutela assess"},
			Action: tutela.ActionEvidence, Outcome: tutela.OutcomeSuccess, Subject: &tutela.Subject{Kind: "check", ID: e.Check}, Evidence: e}
	}
	if d := cmp.Diff([]tutela.Entry{entry(&a), entry(&b)}, book.entries); d != "" {
		t.Error(d)
	}
}

// A check that panics could not check, and the next one is tried all the same. What it panicked
// with may hold anything, and is not kept.
// TestAnAssessmentGivesWay holds an assessment to half of the time while others are served, and to all of it while nobody is.
func TestAnAssessmentGivesWay(t *testing.T) {
	for _, tc := range []struct {
		name string
		each int64 // requests that are served between two looks
		work time.Duration
		want time.Duration // of three checks
	}{
		{"nobody is served", 0, time.Second, 3*time.Second + 3*glance},
		{"others are served", 7, time.Second, 6 * time.Second},
		{"long checks", 1, 5 * time.Second, 15*time.Second + 3*longestRest},
		{"very long checks", 1, 50 * time.Second, 150*time.Second + 3*longestRest},
		{"short checks", 7, time.Millisecond, 3 * time.Millisecond},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n int64
				slow := func(context.Context) tutela.Evidence {
					time.Sleep(tc.work)
					return tutela.Evidence{Verdict: tutela.Pass}
				}
				began := time.Now()
				list, err := New(&notebook{room: 9}, noon, check("a", slow), check("b", slow), check("c", slow)).Beside(func() int64 { n += tc.each; return n }).Run(t.Context())
				if took := time.Since(began); err != nil || len(list) != 3 || took != tc.want {
					t.Errorf("%d checks took %v, not %v: %v", len(list), took, tc.want, err)
				}
			})
		})
	}
}

func TestAPanicIsNoVerdict(t *testing.T) {
	panics := check("a", func(context.Context) tutela.Evidence { panic("Quillfeather") })
	got, err := New(&notebook{room: 9}, noon, panics, check("b", seen(tutela.Pass))).Run(t.Context())
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	if r := got[0]; r.Verdict != tutela.CouldNotCheck || r.Check != "a" || !strings.Contains(r.Observed, "panic") || strings.Contains(r.Observed, "Quill") {
		t.Errorf("%+v", r)
	}
	if got[1].Verdict != tutela.Pass {
		t.Errorf("%+v", got[1])
	}
}

func TestACheckHasItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		endless := check("a", func(ctx context.Context) tutela.Evidence {
			<-ctx.Done()
			return tutela.Evidence{Observed: "half of it"}
		})
		got, err := New(&notebook{room: 9}, time.Now, endless, check("b", seen(tutela.Pass))).Run(t.Context())
		if err != nil || got[0].Verdict != tutela.CouldNotCheck || got[0].Observed != "not finished within 1m0s; half of it" {
			t.Errorf("%+v, %v", got, err)
		}
		if got[1].Verdict != tutela.Pass {
			t.Errorf("the next has time of its own: %+v", got[1])
		}
	})
}

// What cannot be kept was not assessed.
func TestEvidenceThatIsNotKeptIsAnError(t *testing.T) {
	got, err := New(&notebook{room: 1}, noon, check("a", seen(tutela.Pass)), check("b", seen(tutela.Pass))).Run(t.Context())
	if !errors.Is(err, errFull) || len(got) != 1 || got[0].Check != "a" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestOnlyAPassAndWhatDoesNotApplyAreGood(t *testing.T) {
	for v, want := range map[tutela.Verdict]bool{tutela.Pass: true, tutela.NotApplicable: true, tutela.Fail: false, tutela.CouldNotCheck: false, "great": false} {
		if got := (Result{Evidence: tutela.Evidence{Verdict: v}}).Good(); got != want {
			t.Errorf("%v is good: %v", v, got)
		}
	}
}

// A verdict is written by its name, and what nobody knows is read as no verdict.
func TestVerdictsAreWrittenByName(t *testing.T) {
	for _, v := range []tutela.Verdict{tutela.Pass, tutela.Fail, tutela.NotApplicable, tutela.CouldNotCheck} {
		text, err := json.Marshal(tutela.Evidence{Verdict: v})
		if err != nil || !strings.Contains(string(text), `"verdict":"`+v.String()+`"`) {
			t.Errorf("%s, %v", text, err)
		}
		var back tutela.Evidence
		if err := json.Unmarshal(text, &back); err != nil || back.Verdict != v {
			t.Errorf("%s came back as %v, %v", text, back.Verdict, err)
		}
	}
	var e tutela.Evidence
	if err := json.Unmarshal([]byte(`{"verdict":"green"}`), &e); err != nil || e.Verdict != tutela.CouldNotCheck {
		t.Errorf("%v, %v", e.Verdict, err)
	}
}
