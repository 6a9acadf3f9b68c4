package erasure_test

import (
	"context"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/privacy/erasure"
	"github.com/tutela-health/tutela/store"
)

// tried runs a check.
func tried(t *testing.T, s *erasure.Service, id string) tutela.Evidence {
	t.Helper()
	for _, c := range s.Checks() {
		if c.ID == id {
			return c.Try(t.Context())
		}
	}
	t.Fatalf("no check %s", id)
	return tutela.Evidence{}
}

// An erased patient whose rows open, and a provider that kept what it was to destroy, are found.
func TestErasedStaysShutCheckCatchesSabotage(t *testing.T) {
	t.Parallel()
	h := &house{}
	h.Rig = rig.Open(t, rig.Config{Engine: store.SQLite, Clock: h.Now})
	h.service = h.open(nil)
	h.chart(t)
	const id = "protect.erased-stays-shut"
	seen := testkit.Sabotage(t, id)
	seen.Expect(tried(t, h.service, id), tutela.NotApplicable, "nobody")
	h.approved(t, "ann")
	h.work(t)
	seen.Expect(tried(t, h.service, id), tutela.Pass, "none of")
	seen.Expect(tried(t, h.open(func(c *erasure.Config) { c.Held = func(context.Context) ([]int, error) { return []int{1, 2}, nil } }), id), tutela.Fail, "the provider has it")
	seen.Expect(tried(t, h.service, id), tutela.Pass)
	e := h.approved(t, "ben")
	if err := h.service.Pretend(t.Context(), e.ID); err != nil {
		t.Fatal(err)
	}
	seen.Expect(tried(t, h.service, id), tutela.Fail, "open")
}

// A generation that has grown old, and one that still wraps keys long after the next was opened, are found.
func TestKeysRotatedCheckCatchesSabotage(t *testing.T) {
	t.Parallel()
	h := &house{}
	h.Rig = rig.Open(t, rig.Config{Engine: store.SQLite, Clock: h.Now})
	s := h.open(func(c *erasure.Config) { c.Rotate = 365 * 24 * time.Hour })
	h.Put(t, `{"resourceType":"Patient","id":"ann"}`)
	const id = "protect.keys-rotated"
	seen := testkit.Sabotage(t, id)
	seen.Expect(tried(t, h.open(nil), id), tutela.NotApplicable, "rotate_days")
	seen.Expect(tried(t, s, id), tutela.Pass, "generation 1")
	h.Advance(373 * 24 * time.Hour)
	seen.Expect(tried(t, s, id), tutela.Fail, "is to be replaced")
	if _, err := h.Ring.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen.Expect(tried(t, s, id), tutela.Pass, "generation 2")
	h.Advance(8 * 24 * time.Hour)
	seen.Expect(tried(t, s, id), tutela.Fail, "still wraps keys")
}
