package detect

import (
	"fmt"
	"io"
	"time"

	"github.com/tutela-health/tutela/detect/baseline"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/detect/state"
	"github.com/tutela-health/tutela/internal/clock"
)

// detector takes offence at events. It MUST be deterministic: the same events and facts after the same
// state give the same hits. It need not be safe for concurrent use.
type detector interface {
	// Observe sees an event and gives what is offensive about it.
	Observe(ev *event.Event) []finding.Hit
	kept
}

// model knows what is usual, event by event and day by day. It MUST be as deterministic as a detector.
type model interface {
	// Observe says how far an event is from what care explains.
	Observe(ev *event.Event) baseline.Score
	// EndOf closes a day and those before it, and gives every person's whose was open. at is within it.
	EndOf(at time.Time) []baseline.Day
	kept
}

// kept is what is remembered over a restart.
type kept interface {
	// Snapshot writes what is remembered, behind a version.
	Snapshot(w io.Writer) error
	// Restore replaces what is remembered. After an error whoever asked for it starts anew.
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
	Model     model          // nil for none
	Zone      *time.Location // whose midnight ends a day; nil is UTC
	Grace     time.Duration  // how long after midnight a day is closed: events may come late
	Clock     clock.Clock    // nil believes every event's time; else none closes a day that is not over

	day time.Time // midnight of the day that is watched; zero before the first event
}

// Seen is what was made of a line.
type Seen struct {
	Score baseline.Score // the model's; without one the likelihood of the strongest hit
	Days  []baseline.Day // that are over
	Hits  []finding.Hit
}

// Take shows a line to whom it concerns.
func (w *Watch) Take(l event.Line) Seen {
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
	return Seen{}
}

func (w *Watch) observe(ev *event.Event) Seen {
	at := ev.Time
	if w.Clock != nil && at.After(w.Clock()) {
		at = w.Clock()
	}
	seen := w.Turn(at)
	for _, p := range w.Detectors {
		hits := p.Detector.Observe(ev)
		for i := range hits {
			seen.Score.Value = max(seen.Score.Value, hits[i].Likelihood)
		}
		seen.Hits = append(seen.Hits, hits...)
	}
	if w.Model != nil && !staged(ev) {
		seen.Score = w.Model.Observe(ev)
	}
	return seen
}

// Turn closes the days that are over at a moment.
func (w *Watch) Turn(at time.Time) Seen {
	midnight := w.midnight(at.Add(-w.Grace))
	if !midnight.After(w.day) {
		return Seen{}
	}
	before := w.day
	w.day = midnight
	if before.IsZero() || w.Model == nil {
		return Seen{}
	}
	return w.close(midnight.Add(-time.Hour))
}

// End closes every day that is open: the stream has ended.
func (w *Watch) End(at time.Time) Seen {
	if w.Model == nil || at.IsZero() {
		return Seen{}
	}
	return w.close(at)
}

func (w *Watch) close(at time.Time) Seen {
	days := w.Model.EndOf(at.In(w.zone()))
	return Seen{Days: days, Hits: baseline.Hits(days)}
}

func (w *Watch) zone() *time.Location {
	if w.Zone == nil {
		return time.UTC
	}
	return w.Zone
}

func (w *Watch) midnight(at time.Time) time.Time {
	y, m, d := at.In(w.zone()).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, w.zone())
}

// parts lists everything that remembers something, the directory first: detectors may look into it
// while they restore.
func (w *Watch) parts() []namedState {
	list := []namedState{{"watch", (*calendar)(w)}}
	if w.Roster != nil {
		list = append(list, namedState{"roster", w.Roster})
	}
	for _, p := range w.Detectors {
		list = append(list, namedState{p.Name, p.Detector})
	}
	if w.Model != nil {
		list = append(list, namedState{"model", w.Model})
	}
	return list
}

type namedState struct {
	name  string
	state kept
}

// calendar is which day a Watch is at, as it is kept.
type calendar Watch

// Snapshot implements kept.
func (c *calendar) Snapshot(to io.Writer) error {
	w := state.NewWriter(to, "calendar", 1)
	w.Bool(!c.day.IsZero())
	w.Int(c.day.Unix())
	return w.Close()
}

// Restore implements kept.
func (c *calendar) Restore(from io.Reader) error {
	r := state.NewReader(from, "calendar", 1)
	there, at := r.Bool(), r.Int()
	if err := r.Err(); err != nil {
		return fmt.Errorf("read the calendar: %w", err)
	}
	if there {
		c.day = (*Watch)(c).midnight(time.Unix(at, 0))
	}
	return nil
}
