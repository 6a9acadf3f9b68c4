package moving_test

import (
	"path/filepath"
	"testing"

	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/store"
)

// Whatever room the disk of data and of both providers has left: a move that it broke off opens at any time, and goes on
// with room again.
func TestAMoveSurvivesAFullDisk(t *testing.T) {
	testkit.OnSmallDisk(t, 32<<20, func(t *testing.T, d *testkit.Disk) {
		r := rig.Open(t, rig.Config{Engine: store.SQLite, Dir: d.Dir})
		r.Put(t, `{"resourceType":"Patient","id":"p"}`)
		to, err := keys.CreateLocal(filepath.Join(d.Dir, "to"))
		if err != nil {
			t.Fatal(err)
		}
		m, failed := &keys.Moving{From: r.Ring.Provider(), To: to}, 0
		for leave := int64(0); leave <= 64<<10; leave += 4 << 10 {
			d.Fill(leave)
			if err := run(t, r, m); err != nil {
				failed++
			}
			d.Free()
			if err := reopens(t.Context(), r, m); err != nil {
				t.Fatalf("with %d bytes left, afterwards: %v", leave, err)
			}
		}
		if failed == 0 {
			t.Error("nothing failed")
		}
		if err := run(t, r, m); err != nil {
			t.Fatal(err)
		}
		if err := reopens(t.Context(), r, to); err != nil || generations(t, m.From) != "[]" || generations(t, to) != "[1]" {
			t.Errorf("old %s, new %s: %v", generations(t, m.From), generations(t, to), err)
		}
		r.Verify(t)
	})
}
