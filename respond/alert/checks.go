package alert

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
)

// Checks are what this package can show of itself by trying. A try-out system need tell nobody.
func (s *Service) Checks(tryOut bool) []tutela.Check {
	return []tutela.Check{{
		ID: "respond.alerts-arrive", Title: "A test alert arrives in every channel",
		Controls: []string{"W03", "45 CFR 164.308(a)(6)(ii)"}, Fresh: 24 * time.Hour, Try: func(ctx context.Context) tutela.Evidence { return s.arrive(ctx, tryOut) }, // security incident procedures: response and reporting
	}}
}

// arrive sends a test alert into every channel.
func (s *Service) arrive(ctx context.Context, tryOut bool) tutela.Evidence {
	e := tutela.Evidence{On: fmt.Sprintf("%d alert channels", len(s.channels))}
	if len(s.channels) == 0 {
		e.Verdict, e.Observed = tutela.Fail, "no channel is configured: nobody is told of findings"
		if tryOut {
			e.Verdict = tutela.NotApplicable
		}
		return e
	}
	list, err := s.Test(ctx)
	if err != nil {
		e.Observed = err.Error()
		return e
	}
	var failed []string
	waiting := 0
	for _, t := range list {
		waiting += t.Waiting
		if !t.Took {
			failed = append(failed, t.Channel+": "+t.Error)
		}
	}
	if len(failed) > 0 {
		e.Verdict, e.Observed = tutela.Fail, title(fmt.Sprintf("%d of %d did not take it: %s", len(failed), len(list), strings.Join(failed, "; ")))
		return e
	}
	e.Verdict, e.Observed = tutela.Pass, fmt.Sprintf("every channel took it; %d messages wait", waiting)
	return e
}

// Measure is how a channel is doing.
type Measure struct {
	Channel string
	Waiting int
}

// Measures tell how many messages wait for each channel.
func (s *Service) Measures(ctx context.Context) ([]Measure, error) {
	var list []Measure
	for _, name := range slices.Sorted(maps.Keys(s.channels)) {
		n, err := s.backlog(ctx, name)
		if err != nil {
			return nil, err
		}
		list = append(list, Measure{name, n})
	}
	return list, nil
}
