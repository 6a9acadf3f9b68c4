package main

import (
	"context"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/baseline"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/simulate"
)

// hospital passes the shipped simulator's history on to a trial. The simulator names what was
// misuse after each day, so scores wait until then.
type hospital struct {
	*trial
	pending []pendingScore
	misuse  map[string]string // kind, by entry
	day     time.Time
	over    bool // the day's entries are through
}

type pendingScore struct {
	ev    event.Event
	score baseline.Score
}

// runHospital plays the simulated hospital.
func runHospital(ctx context.Context, cfg simulate.Config, t *trial) error {
	h := &hospital{trial: t, misuse: map[string]string{}}
	if _, err := simulate.Run(ctx, cfg, h, func(int) {}); err != nil {
		return err
	}
	h.finish()
	return nil
}

// finish labels the day's scores and closes the day.
func (h *hospital) finish() {
	for i := range h.pending {
		p := &h.pending[i]
		h.judge(&p.ev, h.misuse[p.ev.ID], p.score)
	}
	if len(h.pending) > 0 {
		h.EndOf(h.day)
	}
	h.pending, h.over = h.pending[:0], false
	clear(h.misuse)
}

func (h *hospital) next() {
	if h.over {
		h.finish()
	}
}

// Chart takes in a chart.
func (h *hospital) Chart(c simulate.Chart) error {
	h.Directory.Chart(c.Chart)
	return nil
}

// Staff takes in a line of the roster.
func (h *hospital) Staff(s event.Staff) error {
	h.next()
	h.Directory.Staff(s)
	return nil
}

// Notice takes in a message about a relation.
func (h *hospital) Notice(n simulate.Notice) error {
	h.next()
	if n.Step == simulate.Moves {
		h.Directory.Relation(n.Before)
	}
	h.Directory.Relation(n.Relation)
	return nil
}

// Entry scores an entry.
func (h *hospital) Entry(e *tutela.Entry) error {
	h.next()
	h.day = e.Time
	ev := event.Event{Entry: *e}
	h.pending = append(h.pending, pendingScore{ev, h.model.Observe(&ev)})
	return nil
}

// Misuse keeps what the simulator says of an entry.
func (h *hospital) Misuse(m simulate.Misuse) error {
	h.over = true
	h.misuse[m.Entry] = m.Kind
	return nil
}

// StaffDay says that the day is over.
func (h *hospital) StaffDay(simulate.StaffDay) error {
	h.over = true
	return nil
}
