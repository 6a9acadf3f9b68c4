package testkit_test

import (
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/testkit"
)

// recorded is a test that keeps what was said instead of failing.
type recorded struct {
	testing.TB
	failed bool
	after  []func()
}

func (r *recorded) Helper()               {}
func (r *recorded) Skipped() bool         { return false }
func (r *recorded) Failed() bool          { return r.failed }
func (r *recorded) Cleanup(f func())      { r.after = append(r.after, f) }
func (r *recorded) Errorf(string, ...any) { r.failed = true }

// A test in which a check is not seen to fail, or not seen to pass again, is no sabotage.
func TestAWitnessWantsAFailureAndThenAPass(t *testing.T) {
	for _, c := range []struct {
		name string
		said []tutela.Verdict
		want bool // that the test passes
	}{
		{"nothing", nil, false},
		{"a pass", []tutela.Verdict{tutela.Pass}, false},
		{"a failure", []tutela.Verdict{tutela.Pass, tutela.Fail}, false},
		{"what could not be checked", []tutela.Verdict{tutela.CouldNotCheck, tutela.NotApplicable, tutela.Pass}, false},
		{"a failure, and no pass", []tutela.Verdict{tutela.Pass, tutela.Fail, tutela.NotApplicable}, false},
		{"both", []tutela.Verdict{tutela.Fail, tutela.CouldNotCheck, tutela.Pass}, true},
	} {
		r := &recorded{}
		w := testkit.Sabotage(r, "a.check")
		for _, v := range c.said {
			w.Expect(tutela.Evidence{Verdict: v, On: "here", Observed: "this"}, v, "this")
		}
		for _, f := range r.after {
			f()
		}
		if r.failed == c.want {
			t.Errorf("%s: the test passed: %v, want %v", c.name, !r.failed, c.want)
		}
	}
	for name, e := range map[string]tutela.Evidence{
		"another verdict": {Verdict: tutela.Fail, On: "here", Observed: "this"},
		"on nothing":      {Verdict: tutela.Pass, Observed: "this"},
		"other words":     {Verdict: tutela.Pass, On: "here", Observed: "that"},
	} {
		r := &recorded{}
		if testkit.Sabotage(r, "a.check").Expect(e, tutela.Pass, "this"); !r.failed {
			t.Errorf("%s is taken", name)
		}
	}
}
