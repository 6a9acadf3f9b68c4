package detect_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/detect/roster"
	"github.com/tutela-health/tutela/detect/rules"
	"github.com/tutela-health/tutela/store"
)

// shippedRules watches as a running system does, without a model.
func shippedRules() (detect.Watch, error) {
	people := roster.New()
	return detect.Watch{Roster: people, Detectors: []detect.Part{{Name: "rules", Detector: rules.New(rules.Open(nil), people)}}}, nil
}

// tries runs a check.
func tries(t *testing.T, s *detect.Service, id string) tutela.Evidence {
	t.Helper()
	for _, c := range s.Checks() {
		if c.ID == id {
			return c.Try(t.Context())
		}
	}
	t.Fatalf("no check %s", id)
	return tutela.Evidence{}
}

func TestPlantedMisuseIsFoundAndPutAway(t *testing.T) {
	each(t, shippedRules, func(t *testing.T, h *house) {
		for _, id := range []string{"watch.brute-force-found", "watch.snoop-found", "watch.keeps-up", "watch.ledger-whole"} {
			if e := tries(t, h.Findings, id); e.Verdict != tutela.Pass {
				t.Errorf("%s: %s %s", id, e.Verdict, e.Observed)
			}
		}
		h.sequence(t)
		must(t, h.Findings.Work(t.Context()))
		for _, f := range watched(t, h.Findings) {
			if f.State != finding.Closed || f.Verdict != finding.Expected || !strings.HasPrefix(string(f.Actor), "tutela-assess-") {
				t.Errorf("left behind: %+v", f)
			}
		}
	})
}

// Without rules the planted misuse is not found, and the checks say so.
func TestChecksCatchDetectionThatSeesNothing(t *testing.T) {
	each(t, sevenths, func(t *testing.T, h *house) {
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); h.Findings.Run(ctx) }()
		go func() {
			for ctx.Err() == nil { // the clock runs for who waits
				h.Advance(time.Second)
				<-time.After(50 * time.Millisecond)
			}
		}()
		if e := tries(t, h.Findings, "watch.snoop-found"); e.Verdict != tutela.Fail {
			t.Errorf("%s %s", e.Verdict, e.Observed)
		}
		stop()
		<-ended
	})
}

func TestChecksCatchAFollowerThatStopped(t *testing.T) {
	each(t, sevenths, func(t *testing.T, h *house) {
		h.happened(t, "u-ann", 3)
		must(t, h.Findings.Work(t.Context()))
		other := h.Detection("looks", h.config) // holds no lease, and cannot work itself
		if e := tries(t, other, "watch.keeps-up"); e.Verdict != tutela.Pass {
			t.Errorf("while it works: %s %s", e.Verdict, e.Observed)
		}
		h.Advance(2 * minute)
		_, err := h.DB.Acquire(t.Context(), "detect", "hangs", 10*time.Second) // and does nothing
		must(t, err)
		if e := tries(t, other, "watch.keeps-up"); e.Verdict != tutela.Fail || !strings.Contains(e.Observed, "no sign of life") {
			t.Errorf("after it stopped: %s %s", e.Verdict, e.Observed)
		}
	})
}

func TestChecksCatchAnEditOfTheLedger(t *testing.T) {
	each(t, sevenths, func(t *testing.T, h *house) {
		h.happened(t, "u-ann", 3)
		must(t, h.DB.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), `DELETE FROM ledger_batches WHERE first_leaf = (SELECT MAX(first_leaf) FROM ledger_batches)`)
			return err
		}))
		for range 5 {
			_ = h.Findings.Work(t.Context()) // what is damaged is an error until it is believed
		}
		if e := tries(t, h.Findings, "watch.ledger-whole"); e.Verdict != tutela.Fail || !strings.Contains(e.Observed, "does not open, or is missing") {
			t.Errorf("%s %s", e.Verdict, e.Observed)
		}
	})
}

func TestChecksCatchRulesThatDoNotParse(t *testing.T) {
	for verdict, rules := range map[tutela.Verdict]func() (int, []string){
		tutela.NotApplicable: nil,
		tutela.Pass:          func() (int, []string) { return 30, nil },
		tutela.Fail:          func() (int, []string) { return 30, []string{"own.yml:3: no such modifier"} },
	} {
		s := detect.New(detect.Config{Rules: rules, Clock: time.Now})
		if e := tries(t, s, "watch.rules-in-force"); e.Verdict != verdict {
			t.Errorf("%s: %s %s", verdict, e.Verdict, e.Observed)
		}
	}
}
