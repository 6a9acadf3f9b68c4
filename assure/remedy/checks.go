package remedy

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
)

// Checks are what the register can show of gaps and of tests.
func (s *Service) Checks() []tutela.Check {
	return []tutela.Check{
		{
			ID: "govern.gaps-closed", Title: "Every gap is closed by its day, or is somebody's who still has time",
			Controls: []string{"G07", "45 CFR 164.308(a)(1)(ii)(B)"}, Fresh: 24 * time.Hour, Try: s.tryGaps,
		},
		{
			ID: "govern.scores-kept", Title: "How everything stands is kept every day, the sector's goals among it",
			Controls: []string{"G08"}, Fresh: 24 * time.Hour, Try: s.tryScores,
		},
		{
			ID: "govern.tests-run", Title: "What others test was tested in time, and what they found was closed in time",
			Controls: []string{"B13", "45 CFR 164.308(a)(8)"}, Fresh: 24 * time.Hour, Try: s.tryTests,
		},
	}
}

// unclaimed is how long a gap may be nobody's.
const unclaimed = 7 * 24 * time.Hour

func (s *Service) tryGaps(ctx context.Context) tutela.Evidence {
	e := tutela.Evidence{On: "the register of gaps"}
	list, err := s.List(ctx, true)
	if err != nil {
		e.Verdict, e.Observed = tutela.CouldNotCheck, fmt.Sprintf("the register could not be read: %v", err)
		return e
	}
	var wrong []string
	open := 0
	for _, k := range list {
		if k.State == Closed || k.Check == "govern.gaps-closed" {
			continue // this check's own gap closes when no other is overdue
		}
		open++
		switch {
		case k.Overdue:
			wrong = append(wrong, fmt.Sprintf("%s was to be closed by %s", k.ID, k.Until.Format(time.DateOnly)))
		case k.Owner == "" && s.cfg.Clock().Sub(k.Opened) > unclaimed:
			wrong = append(wrong, k.ID+" is nobody's")
		}
	}
	switch {
	case len(wrong) > 0:
		e.Verdict, e.Observed = tutela.Fail, strings.Join(wrong, "; ")
	case len(list) == 0:
		e.Verdict, e.Observed = tutela.NotApplicable, "no gap was ever seen"
	default:
		e.Verdict, e.Observed = tutela.Pass, fmt.Sprintf("%d gaps are open, and none is overdue", open)
	}
	return e
}

// young is how long there may be no score: of a system that has just begun.
const young = 48 * time.Hour

func (s *Service) tryScores(ctx context.Context) tutela.Evidence {
	e := tutela.Evidence{On: "the register of scores"}
	t, err := s.Trend(ctx, 3660)
	n := len(t.Scores)
	switch {
	case err != nil:
		e.Verdict, e.Observed = tutela.CouldNotCheck, fmt.Sprintf("the register could not be read: %v", err)
	case n == 0:
		e.Verdict, e.Observed = tutela.NotApplicable, "none is kept yet: the first one comes some minutes after the first checks"
	case s.now().Sub(t.Scores[n-1].At) > young:
		e.Verdict, e.Observed = tutela.Fail, fmt.Sprintf("the newest score is of %s", t.Scores[n-1].Day)
	case t.Scores[n-1].Regulations["hph"] == nil:
		e.Verdict, e.Observed = tutela.Fail, "the sector's goals are not in the newest score"
	default:
		e.Verdict, e.Observed = tutela.Pass, fmt.Sprintf("%d days, the newest of them %s", n, t.Scores[n-1].Day)
	}
	return e
}

func (s *Service) tryTests(ctx context.Context) tutela.Evidence {
	e := tutela.Evidence{On: "the register of tests"}
	tests, err := s.Tests(ctx)
	if err == nil && len(tests) == 0 {
		e.Verdict, e.Observed = tutela.NotApplicable, "no test is planned: tutela tests plan"
		return e
	}
	var gaps []Kept
	if err == nil {
		gaps, err = s.List(ctx, false)
	}
	if err != nil {
		e.Verdict, e.Observed = tutela.CouldNotCheck, fmt.Sprintf("the register could not be read: %v", err)
		return e
	}
	var wrong []string
	for _, t := range tests {
		if t.Overdue {
			wrong = append(wrong, fmt.Sprintf("%s was to be run by %s", t.ID, t.Due.Format(time.DateOnly)))
		}
	}
	for _, k := range gaps {
		if k.Test != "" && k.Overdue {
			wrong = append(wrong, fmt.Sprintf("%s was to be closed by %s", k.ID, k.Until.Format(time.DateOnly)))
		}
	}
	if len(wrong) > 0 {
		e.Verdict, e.Observed = tutela.Fail, strings.Join(wrong, "; ")
		return e
	}
	e.Verdict, e.Observed = tutela.Pass, fmt.Sprintf("%d tests, all run in time", len(tests))
	return e
}
