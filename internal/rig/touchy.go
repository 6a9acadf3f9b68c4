package rig

import (
	"io"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/finding"
)

// touchy takes offence at every read of a chart ("read"), by whoever reads, and at every failed login ("guess"), by
// whoever was named: critically, each a finding of its own.
type touchy struct{}

// Touchy is a Watch that finds something in nearly everything.
func Touchy() (detect.Watch, error) {
	return detect.Watch{Detectors: []detect.Part{{Name: "touchy", Detector: touchy{}}}}, nil
}

// Observe takes offence.
func (touchy) Observe(ev *event.Event) []finding.Hit {
	h := finding.Hit{Title: "Something", Level: finding.Critical, Likelihood: 0.9, Entries: []string{ev.ID}, Group: ev.ID, At: ev.Time}
	switch {
	case ev.Action == tutela.ActionRead:
		h.Rule, h.Actor = "read", ev.Actor.ID
	case ev.Action == tutela.ActionAuthenticate && ev.Outcome == tutela.OutcomeDenied && ev.Subject != nil:
		h.Rule, h.Actor = "guess", tutela.UserID(ev.Subject.ID)
	default:
		return nil
	}
	return []finding.Hit{h}
}

// Snapshot remembers nothing.
func (touchy) Snapshot(io.Writer) error { return nil }

// Restore remembers nothing.
func (touchy) Restore(io.Reader) error { return nil }

// Detect has everything that was done watched, and what was found told in the ledger.
func (r *Rig) Detect(t testing.TB) {
	t.Helper()
	r.Sequence(t)
	if err := r.Findings.Work(t.Context()); err != nil {
		t.Fatalf("detect: %v", err)
	}
	r.Sequence(t)
}

// Sequence brings every entry into the tree.
func (r *Rig) Sequence(t testing.TB) {
	t.Helper()
	for {
		n, err := r.Audit.Sequence(t.Context())
		if err != nil {
			t.Fatalf("sequence: %v", err)
		}
		if n == 0 {
			return
		}
	}
}
