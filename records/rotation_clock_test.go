package records_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
)

// Whatever the clock is set to between the steps of rotations, and set back: they end, what was written under each generation
// opens.
func TestRotationSurvivesClockJumps(t *testing.T) {
	t.Parallel()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			var now testkit.Clock
			r := rig.Open(t, rig.Config{Engine: engine, Clock: now.Now})
			jumps, at := []time.Duration{400 * 24 * time.Hour, -400 * 24 * time.Hour, -time.Hour, time.Hour, 25 * time.Hour, -25 * time.Hour}, 0
			write := func() {
				t.Helper()
				now.Advance(jumps[at%len(jumps)])
				r.Forget()
				id := string(rune('a' + at))
				at++
				send(t, r, http.MethodPut, id, observation(id, "kept", "p-"+id))
				r.Put(t, `{"resourceType":"Organization","id":"`+id+`","name":"of nobody"}`)
			}
			for range 3 {
				write()
				if _, err := r.Ring.Rotate(t.Context()); err != nil {
					t.Fatal(err)
				}
				write()
				for err := errors.New("not yet"); err != nil; {
					if err := r.Ring.Rewrap(t.Context(), func(int) {}); err != nil {
						t.Fatal(err)
					}
					write()
					if _, err = r.Ring.Retire(t.Context()); err != nil && !errs.Is(err, errs.Conflict) {
						t.Fatal(err)
					}
				}
				if err := destroy(t, r.Ring); err != nil {
					t.Fatal(err)
				}
			}
			for i := range at {
				for _, typ := range []string{"Observation/", "Organization/"} {
					if a := r.Get(t, rig.Loader, typ+string(rune('a'+i))); a.Status != http.StatusOK {
						t.Errorf("%s%c: %d", typ, 'a'+i, a.Status)
					}
				}
			}
			r.Verify(t)
		})
	}
}
