package baseline

import (
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/finding"
)

// Detector drives a model by the events alone, for whoever follows a stream that never ends: a day
// is over once the stream has reached the next one. What it remembers is the model's.
type Detector struct{ *Model }

// sure is how many events of later days it takes to believe that a day is over: one sender whose
// clock is wrong does not end it.
const sure = 20

// Observe scores an event, and gives the hits of the days that are over with it.
func (d Detector) Observe(ev *event.Event) []finding.Hit {
	day := d.cfg.dateOf(ev.Time)
	if d.running == 0 {
		d.running = day
	}
	var hits []finding.Hit
	if day > d.running {
		d.later++
	}
	if d.later >= sure {
		hits = Hits(d.EndOf(d.cfg.midnight(d.running)))
		d.running, d.later = d.next(day), 0
	}
	d.Model.Observe(ev)
	return hits
}

// next gives the earliest day on which anybody's is open, or else the one that has begun.
func (m *Model) next(begun date) date {
	for _, p := range m.people {
		if p == nil {
			continue
		}
		for _, t := range p.open {
			begun = min(begun, t.day)
		}
	}
	return begun
}
