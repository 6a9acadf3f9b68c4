package detect

import (
	"io"

	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/finding"
)

// detector takes offence at events. It MUST be deterministic: the same events and facts after the same
// state give the same hits. It need not be safe for concurrent use.
type detector interface {
	// Observe sees an event and gives what is offensive about it.
	Observe(ev *event.Event) []finding.Hit
	kept
}

// kept is what is remembered over a restart.
type kept interface {
	// Snapshot writes what is remembered, behind a version.
	Snapshot(w io.Writer) error
	// Restore replaces what is remembered. What it cannot read is an error, and changes nothing that counts:
	// whoever gets the error starts anew.
	Restore(r io.Reader) error
}

// directory holds the facts that detectors ask for.
type directory interface {
	Staff(s event.Staff)
	Relation(r event.Relation)
	Chart(c event.Chart)
	kept
}

// Part is a detector under the name by which its state is kept.
type Part struct {
	Name     string
	Detector detector
}

// Watch is what a stream is watched with. Its zero value sees nothing in anything.
type Watch struct {
	Roster    directory // nil where no facts are wanted
	Detectors []Part
}

// Take shows a line to whom it concerns and gives what they say of it.
func (w *Watch) Take(l event.Line) []finding.Hit {
	switch {
	case l.Event != nil:
		return w.observe(l.Event)
	case w.Roster == nil:
	case l.Staff != nil:
		w.Roster.Staff(*l.Staff)
	case l.Relation != nil:
		w.Roster.Relation(*l.Relation)
	case l.Chart != nil:
		w.Roster.Chart(*l.Chart)
	}
	return nil
}

func (w *Watch) observe(ev *event.Event) []finding.Hit {
	var hits []finding.Hit
	for _, p := range w.Detectors {
		hits = append(hits, p.Detector.Observe(ev)...)
	}
	return hits
}

// parts lists everything that remembers something, the directory first: detectors may look into it
// while they restore.
func (w *Watch) parts() []namedState {
	var list []namedState
	if w.Roster != nil {
		list = append(list, namedState{"roster", w.Roster})
	}
	for _, p := range w.Detectors {
		list = append(list, namedState{p.Name, p.Detector})
	}
	return list
}

type namedState struct {
	name  string
	state kept
}
