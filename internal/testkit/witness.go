package testkit

import (
	"strings"
	"sync"
	"testing"

	"github.com/tutela-health/tutela"
)

// Witness sees what one check says while a test breaks what the check guards, and heals it again.
type Witness struct {
	t     testing.TB
	check string

	mu   sync.Mutex
	seen []tutela.Verdict // guarded by mu, in order
}

// Sabotage begins the test of one check. The test fails unless its witness sees the check fail and, after that, pass: one
// that cannot fail guards nothing, and one that stays red when all is well again is soon looked at by nobody. The ID
// is written out where it is called, so that the test of all checks finds who has a witness.
func Sabotage(t testing.TB, check string) *Witness {
	t.Helper()
	w := &Witness{t: t, check: check}
	t.Cleanup(func() {
		if !t.Skipped() && !t.Failed() && !w.convinced() {
			t.Errorf("%s was not seen to fail, and to pass afterwards: %v", check, w.seen)
		}
	})
	return w
}

// Saw shows the witness what the check said, and gives it on.
func (w *Witness) Saw(e tutela.Evidence) tutela.Evidence {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, e.Verdict)
	return e
}

// Expect shows the witness what the check said, and holds that to a verdict and to what has to be in its words.
func (w *Witness) Expect(e tutela.Evidence, want tutela.Verdict, say ...string) {
	w.t.Helper()
	if w.Saw(e); e.Verdict != want || e.On == "" || e.Observed == "" {
		w.t.Errorf("%s on %q: %v, want %v: %s", w.check, e.On, e.Verdict, want, e.Observed)
	}
	for _, text := range say {
		if !strings.Contains(e.Observed, text) {
			w.t.Errorf("%s: %q does not say %q", w.check, e.Observed, text)
		}
	}
}

// convinced reports whether a pass came after a failure.
func (w *Witness) convinced() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	failed := false
	for _, v := range w.seen {
		if failed && v == tutela.Pass {
			return true
		}
		failed = failed || v == tutela.Fail
	}
	return false
}
