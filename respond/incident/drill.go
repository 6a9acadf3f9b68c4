package incident

import (
	"context"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/internal/errs"
)

// Drill opens an incident that is not real, to be worked through by a runbook as if it were. It holds nobody's
// evidence, and no finding joins it.
func (s *Service) Drill(ctx context.Context, base tutela.Entry, runbook string) (Incident, error) {
	list, err := s.Runbooks()
	if err != nil {
		return Incident{}, err
	}
	r, found := list.Find(runbook)
	if !found {
		return Incident{}, errs.New(errs.NotFound, "no such runbook")
	}
	now := s.now()
	in := Incident{
		ID: audit.NewID(), Title: "Drill: " + r.Title, Kind: r.Kind, Severity: finding.Informational, State: Open, Source: FromPerson,
		Drill: true, OpenedBy: base.Actor, Opened: now, Discovered: now,
	}
	s.follow(&in, r)
	base.Action = tutela.ActionIncidentOpen
	return s.opened(ctx, change{in: in, kind: Beginning, text: "a drill by runbook " + in.Runbook, entry: base, detail: "a drill by runbook " + in.Runbook})
}

// Score says how an incident or a drill went, by its clocks, its steps and what was learned.
type Score struct {
	Incident string   `json:"incident"`
	Runbook  string   `json:"runbook,omitempty"`
	Drill    bool     `json:"drill,omitempty"`
	State    State    `json:"state"`
	Clocks   []Timing `json:"clocks"`
	Steps    []Timing `json:"steps"`
	Skipped  int      `json:"skipped"`
	Left     int      `json:"left"`
	Told     int      `json:"told"`    // communications
	Lessons  int      `json:"lessons"` // written down
	Points   int      `json:"points"`
	Of       int      `json:"of"`
	Passed   bool     `json:"passed"`
}

// Timing is when something was due and when it was reached. Minutes count from the discovery, rounded down.
type Timing struct {
	ID      string    `json:"id"`
	Title   string    `json:"title"`
	Cite    string    `json:"cite,omitempty"`
	Due     time.Time `json:"due,omitzero"`
	Reached time.Time `json:"reached,omitzero"`
	Minutes int       `json:"minutes"`
	Result  Result    `json:"result,omitempty"` // of a step
	Late    bool      `json:"late"`             // it was reached after it was due, or is due and not reached
}

// What is worth how many points. A step that is done late is worth half.
const (
	pointsClock  = 3
	pointsStep   = 2
	pointsLesson = 2
	passMark     = 80 // of a hundred
)

// Score scores an incident. What may be the caller's own doing is not there.
func (s *Service) Score(ctx context.Context, by tutela.Principal, id string) (Score, error) {
	w, err := s.Find(ctx, by, id)
	if err != nil {
		return Score{}, err
	}
	return w.score(s.now()), nil
}

// score is pure. An incident has passed when it is closed, no clock was missed, and 80 of 100 points are reached.
func (w *Whole) score(now time.Time) Score {
	sc := Score{Incident: w.ID, Runbook: w.Runbook, Drill: w.Drill, State: w.State, Clocks: []Timing{}, Steps: []Timing{}, Of: pointsLesson}
	missed := false
	for _, c := range w.Clocks {
		t := w.timing(c.ID, c.Title, c.Due, w.reached(c.Until), now)
		t.Cite = c.Cite
		sc.Clocks, sc.Of, missed = append(sc.Clocks, t), sc.Of+pointsClock, missed || t.Late
		if !t.Late && !t.Reached.IsZero() {
			sc.Points += pointsClock
		}
	}
	for _, p := range w.Steps {
		sc.step(p, w.timing(p.ID, p.Title, p.Due, p.At, now))
	}
	for _, item := range w.Timeline {
		switch item.Kind {
		case Communication:
			sc.Told++
		case Lesson:
			sc.Lessons++
		}
	}
	if sc.Lessons > 0 {
		sc.Points += pointsLesson
	}
	sc.Passed = w.Over() && !missed && sc.Points*100 >= passMark*sc.Of
	return sc
}

func (sc *Score) step(p Progress, t Timing) {
	t.Result = p.Result
	sc.Steps, sc.Of = append(sc.Steps, t), sc.Of+pointsStep
	switch {
	case p.Result == Skipped:
		sc.Skipped++
	case p.Result == "":
		sc.Left++
	case t.Late:
		sc.Points += pointsStep / 2
	default:
		sc.Points += pointsStep
	}
}

// timing holds a moment to when it was due; one on the stroke is in time.
func (w *Whole) timing(id, title string, due, reached, now time.Time) Timing {
	t := Timing{ID: id, Title: title, Due: due, Reached: reached}
	end := reached
	if end.IsZero() {
		end = now
	}
	t.Minutes = int(end.Sub(w.Discovered) / time.Minute)
	t.Late = !due.IsZero() && end.After(due)
	return t
}

// reached is when what a clock runs until was reached; zero: it is not. A skipped step has been decided on.
func (in *Incident) reached(until string) time.Time {
	switch State(until) {
	case Contained:
		return in.Contained
	case Recovered:
		return in.Recovered
	case Closed:
		return in.Closed
	}
	for _, p := range in.Steps {
		if p.ID == strings.TrimPrefix(until, "step ") {
			return p.At
		}
	}
	return time.Time{}
}

// overdue are the clocks that have run out before what they run until was reached.
func (in *Incident) overdue(now time.Time) []Running {
	var list []Running
	for _, c := range in.Clocks {
		if in.reached(c.Until).IsZero() && now.After(c.Due) {
			list = append(list, c)
		}
	}
	return list
}
