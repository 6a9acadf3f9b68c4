package records_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/store"
)

// Whatever room the disk of data and keys has left at a rotation: what was stored opens, and with room again the rotation ends.
func TestRotationSurvivesAFullDisk(t *testing.T) {
	testkit.OnSmallDisk(t, 48<<20, func(t *testing.T, d *testkit.Disk) {
		r := rig.Open(t, rig.Config{Engine: store.SQLite, Dir: d.Dir})
		for i := range 200 {
			id := string(rune('a'+i%26)) + string(rune('a'+i/26))
			send(t, r, http.MethodPut, id, observation(id, "kept", "p-"+id))
		}
		failed := 0
		for leave := int64(0); leave <= 512<<10; leave += 24 << 10 {
			d.Fill(leave)
			_, err := r.Ring.Rotate(t.Context())
			err = errors.Join(err, r.Ring.Rewrap(t.Context(), func(int) {}))
			_, retired := r.Ring.Retire(t.Context())
			if err = errors.Join(err, retired, destroy(t, r.Ring)); err != nil {
				failed++
			}
			d.Free()
			if a := r.Do(t, rig.Call{As: rig.Loader, Method: http.MethodGet, Path: "Observation/aa"}); a.Status != http.StatusOK {
				t.Fatalf("with %d bytes left, afterwards: %d %s", leave, a.Status, a.Body)
			}
		}
		if failed == 0 {
			t.Error("nothing failed")
		}
		turn(t, r.Ring)
		old, left, err := r.Ring.Outdated(t.Context())
		if err != nil || old > 0 || len(left) > 0 {
			t.Errorf("%d keys and generations %v are left: %v", old, left, err)
		}
		r.Verify(t)
	})
}
