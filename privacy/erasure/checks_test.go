package erasure_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/privacy/erasure"
	"github.com/tutela-health/tutela/store"
)

// verdict runs a check and expects what it comes to.
func (h *house) verdict(t *testing.T, s *erasure.Service, id string, want tutela.Verdict, says string) {
	t.Helper()
	for _, c := range s.Checks() {
		if c.ID != id {
			continue
		}
		if e := c.Try(t.Context()); e.Verdict != want || !strings.Contains(e.Observed, says) {
			t.Errorf("%s: %s %q, want %s and %q", id, e.Verdict, e.Observed, want, says)
		}
	}
}

// An erased patient whose rows open, and a provider that kept what it was to destroy, are found.
func TestErasedStaysShutCheckCatchesSabotage(t *testing.T) {
	t.Parallel()
	h := &house{}
	h.Rig = rig.Open(t, rig.Config{Engine: store.SQLite, Clock: h.Now})
	h.service = h.open(nil)
	h.chart(t)
	const id = "protect.erased-stays-shut"
	h.verdict(t, h.service, id, tutela.NotApplicable, "nobody")
	h.approved(t, "ann")
	h.work(t)
	h.verdict(t, h.service, id, tutela.Pass, "none of")
	h.verdict(t, h.open(func(c *erasure.Config) { c.Held = func(context.Context) ([]int, error) { return []int{1, 2}, nil } }), id, tutela.Fail, "the provider has it")
	e := h.approved(t, "ben")
	if err := h.service.Pretend(t.Context(), e.ID); err != nil {
		t.Fatal(err)
	}
	h.verdict(t, h.service, id, tutela.Fail, "open")
}

// A generation that has grown old, and one that still wraps keys long after the next was opened, are found.
func TestKeysRotatedCheckCatchesSabotage(t *testing.T) {
	t.Parallel()
	h := &house{}
	h.Rig = rig.Open(t, rig.Config{Engine: store.SQLite, Clock: h.Now})
	s := h.open(func(c *erasure.Config) { c.Rotate = 365 * 24 * time.Hour })
	h.Put(t, `{"resourceType":"Patient","id":"ann"}`)
	const id = "protect.keys-rotated"
	h.verdict(t, h.open(nil), id, tutela.NotApplicable, "rotate_days")
	h.verdict(t, s, id, tutela.Pass, "generation 1")
	h.Advance(373 * 24 * time.Hour)
	h.verdict(t, s, id, tutela.Fail, "is to be replaced")
	if _, err := h.Ring.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.verdict(t, s, id, tutela.Pass, "generation 2")
	h.Advance(8 * 24 * time.Hour)
	h.verdict(t, s, id, tutela.Fail, "still wraps keys")
}
