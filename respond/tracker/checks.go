package tracker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/respond/deliver"
)

// Checks are what this package can show of itself by trying.
func (s *Service) Checks() []tutela.Check {
	return []tutela.Check{{
		ID: "respond.trackers-in-step", Title: "Tickets say there what findings and steps are here",
		Controls: []string{"W03", "45 CFR 164.308(a)(6)(ii)"}, Fresh: 24 * time.Hour, Try: s.inStep, // security incident procedures: response and reporting
	}}
}

// The bounds of the check.
const (
	maxCompared = 50        // tickets of a tracker, the newest that are not over
	waitedLong  = time.Hour // for a tracker to take a ticket
	maxProblems = 10        // that are told
)

// inStep asks every tracker for its tickets, and compares.
func (s *Service) inStep(ctx context.Context) tutela.Evidence {
	e := tutela.Evidence{On: fmt.Sprintf("%d trackers", len(s.desks))}
	if len(s.desks) == 0 {
		e.Verdict, e.Observed = tutela.NotApplicable, "no tracker is configured"
		return e
	}
	var problems []string
	compared := 0
	for _, name := range s.names() {
		n, found, err := s.compare(ctx, s.desks[name])
		if err != nil {
			e.Observed = err.Error()
			return e
		}
		compared += n
		problems = append(problems, found...)
	}
	e.Verdict, e.Observed = tutela.Pass, fmt.Sprintf("%d open tickets say what is so here", compared)
	if len(problems) > 0 {
		more := ""
		if len(problems) > maxProblems {
			problems, more = problems[:maxProblems], "; and more"
		}
		e.Verdict, e.Observed = tutela.Fail, deliver.Line(strings.Join(problems, "; ")+more, 2000)
	}
	return e
}

// compare looks at a tracker's tickets as they are there now. It changes none.
func (s *Service) compare(ctx context.Context, d *desk) (compared int, problems []string, err error) {
	if err := d.to.test(ctx); err != nil {
		return 0, []string{d.name + ": " + err.Error()}, nil //nolint:nilerr // it is what was observed
	}
	old, err := s.rows(ctx, ` WHERE tracker = ? AND next > 0 AND (number = 0 OR tries > 0) AND written < ? LIMIT 1`, s.hash("tracker", d.name), s.now().Add(-waitedLong).UnixMilli())
	if err != nil {
		return 0, nil, err
	}
	if len(old) > 0 {
		problems = append(problems, fmt.Sprintf("%s: ticket %s has waited since %s", d.name, old[0].ID, old[0].written.Format(time.RFC3339)))
	}
	list, err := s.rows(ctx, ` WHERE tracker = ? AND number <> 0 AND next > 0 ORDER BY written DESC, id LIMIT ?`, s.hash("tracker", d.name), int64(maxCompared))
	if err != nil {
		return 0, nil, err
	}
	for _, t := range list {
		there, err := d.to.look(ctx, t.Number)
		switch {
		case errors.Is(err, errGone):
			problems = append(problems, fmt.Sprintf("%s: %s is not there any more", d.name, t.Number))
		case err != nil:
			return compared, append(problems, d.name+": "+err.Error()), nil //nolint:nilerr // it is what was observed
		case there != t.Here:
			problems = append(problems, fmt.Sprintf("%s: %s is %s there and %s here", d.name, t.Number, there, t.Here))
		}
		compared++
	}
	return compared, problems, nil
}

// Measure is how a tracker is doing.
type Measure struct {
	Tracker string
	Waiting int
}

// Measures tell how many tickets wait for each tracker.
func (s *Service) Measures(ctx context.Context) ([]Measure, error) {
	var list []Measure
	for _, name := range s.names() {
		n, err := s.waiting(ctx, name)
		if err != nil {
			return nil, err
		}
		list = append(list, Measure{name, n})
	}
	return list, nil
}
