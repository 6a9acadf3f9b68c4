package console

import (
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela/respond/incident"
)

// incidentLine is an incident as lists show it, with the clock that runs out first.
type incidentLine struct {
	incident.Incident
	Clock *incident.Running // nil: none runs
	Left  int               // steps that are to be done
}

// incidentLines are incidents as lists show them.
func incidentLines(list []incident.Incident) []incidentLine {
	lines := make([]incidentLine, len(list))
	for i, in := range list {
		lines[i] = incidentLine{Incident: in, Clock: nextClock(&in)}
		for _, s := range in.Steps {
			if s.Result == "" {
				lines[i].Left++
			}
		}
	}
	return lines
}

// nextClock is the clock that runs out first of those that still run.
func nextClock(in *incident.Incident) *incident.Running {
	var next *incident.Running
	for i := range in.Clocks {
		c := &in.Clocks[i]
		if reached(in, c.Until).IsZero() && (next == nil || c.Due.Before(next.Due)) {
			next = c
		}
	}
	return next
}

// reached is when an incident reached what a clock runs until; zero: it has not.
func reached(in *incident.Incident, until string) time.Time {
	switch incident.State(until) {
	case incident.Contained:
		return in.Contained
	case incident.Recovered:
		return in.Recovered
	case incident.Closed:
		return in.Closed
	}
	step, _ := strings.CutPrefix(until, "step ")
	i := slices.IndexFunc(in.Steps, func(p incident.Progress) bool { return p.ID == step })
	if i < 0 || in.Steps[i].Result == "" {
		return time.Time{}
	}
	return in.Steps[i].At
}
