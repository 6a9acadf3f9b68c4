package detect_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/detect/roster"
	"github.com/tutela-health/tutela/detect/rules"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
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

// blindfolded are the shipped rules, which see nothing while they are covered.
type blindfolded struct {
	*rules.Detector
	covered *atomic.Bool
}

func (b blindfolded) Observe(ev *event.Event) []finding.Hit {
	if b.covered.Load() {
		return nil
	}
	return b.Detector.Observe(ev)
}

// Where detection sees nothing, the planted misuse is not found, and the checks say so until it sees again.
func TestChecksCatchDetectionThatSeesNothing(t *testing.T) {
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			covered := &atomic.Bool{}
			h := &house{}
			h.Rig = rig.Open(t, rig.Config{Engine: engine, Clock: h.Now, Watch: func() (detect.Watch, error) {
				people := roster.New()
				return detect.Watch{Roster: people, Detectors: []detect.Part{{Name: "rules", Detector: blindfolded{rules.New(rules.Open(nil), people), covered}}}}, nil
			}})
			guesser, snoop := testkit.Sabotage(t, "watch.brute-force-found"), testkit.Sabotage(t, "watch.snoop-found")
			for _, step := range []struct {
				covered bool
				want    tutela.Verdict
				say     string
			}{{false, tutela.Pass, "found in"}, {true, tutela.Fail, "nothing was found"}, {false, tutela.Pass, "found in"}} {
				covered.Store(step.covered)
				guesser.Expect(tries(t, h.Findings, "watch.brute-force-found"), step.want, step.say)
				snoop.Expect(tries(t, h.Findings, "watch.snoop-found"), step.want, step.say)
			}
		})
	}
}

func TestChecksCatchAFollowerThatStopped(t *testing.T) {
	each(t, sevenths, func(t *testing.T, h *house) {
		h.happened(t, "u-ann", 3)
		must(t, h.Findings.Work(t.Context()))
		other := h.Detection("looks", h.config) // holds no lease, and cannot work itself
		seen := testkit.Sabotage(t, "watch.keeps-up")
		seen.Expect(tries(t, other, "watch.keeps-up"), tutela.Pass)
		h.Advance(2 * minute)
		lease, err := h.DB.Acquire(t.Context(), "detect", "hangs", 10*time.Second) // and does nothing
		must(t, err)
		seen.Expect(tries(t, other, "watch.keeps-up"), tutela.Fail, "no sign of life")
		must(t, h.DB.Release(t.Context(), lease))
		h.happened(t, "u-ann", 1)
		must(t, h.Findings.Work(t.Context()))
		seen.Expect(tries(t, other, "watch.keeps-up"), tutela.Pass)
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
		seen := testkit.Sabotage(t, "watch.ledger-whole")
		seen.Expect(tries(t, h.Findings, "watch.ledger-whole"), tutela.Fail, "does not open, or is missing")
		page, err := h.Findings.List(t.Context(), tutela.Principal{}, detect.Filter{Rule: detect.RuleDamaged, State: finding.Open})
		must(t, err)
		for _, f := range page.Findings { // somebody looked into it
			_, err := h.Findings.Judge(t.Context(), rig.Principal(), tutela.Entry{Actor: tutela.Actor{ID: "u-eve"}, Action: tutela.ActionFindingFeedback}, f.ID, finding.True, "restored from a backup")
			must(t, err)
		}
		seen.Expect(tries(t, h.Findings, "watch.ledger-whole"), tutela.Pass)
	})
}

func TestChecksCatchRulesThatDoNotParse(t *testing.T) {
	seen := testkit.Sabotage(t, "watch.rules-in-force")
	for _, c := range []struct {
		want  tutela.Verdict
		rules func() (int, []string)
	}{
		{tutela.NotApplicable, nil},
		{tutela.Pass, func() (int, []string) { return 30, nil }},
		{tutela.Fail, func() (int, []string) { return 30, []string{"own.yml:3: no such modifier"} }},
		{tutela.Fail, func() (int, []string) { return 0, nil }},
		{tutela.Pass, func() (int, []string) { return 31, nil }},
	} {
		s := detect.New(detect.Config{Rules: c.rules, Clock: time.Now})
		seen.Expect(tries(t, s, "watch.rules-in-force"), c.want)
	}
}
