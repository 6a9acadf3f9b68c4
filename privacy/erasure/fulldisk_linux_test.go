package erasure_test

import (
	"context"
	"testing"
	"time"

	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/privacy/erasure"
	"github.com/tutela-health/tutela/store"
)

// Whatever room the disk of data and keys has left when an erasure is carried out: with room again it ends in the same
// certificate, and nobody else's records are harmed.
func TestErasureSurvivesAFullDisk(t *testing.T) {
	testkit.OnSmallDisk(t, 48<<20, func(t *testing.T, d *testkit.Disk) {
		h := &house{}
		h.Rig = rig.Open(t, rig.Config{Engine: store.SQLite, Clock: h.Now, Dir: d.Dir})
		h.service = h.open(nil)
		h.chart(t)
		e := h.approved(t, "ann")
		stop := h.index(t)
		failed := 0
		for _, leave := range []int64{0, 8 << 10, 32 << 10, 64 << 10, 128 << 10, 256 << 10} {
			d.Fill(leave)
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // the index waits for room as long as it takes
			if err := h.service.Work(ctx); err != nil {
				failed++
			}
			cancel()
			d.Free()
			h.opensStill(t)
		}
		stop()
		h.work(t)
		if e, err := h.service.Find(t.Context(), e.ID); err != nil || e.State != erasure.Done || e.Certificate == nil || !e.Certificate.Final || failed == 0 {
			t.Errorf("after %d failures: %+v %v", failed, e, err)
		}
		h.opensStill(t)
		h.Verify(t)
	})
}
