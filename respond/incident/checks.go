package incident

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
)

// Our own policy, and no regulation's: how old a drill and the reading of a runbook may be, and how long a report
// may wait for somebody to look.
const (
	maxAgeMonths = 12
	maxWaiting   = 24 * time.Hour
)

// Checks are what this package can show of itself by trying.
func (s *Service) Checks() []tutela.Check {
	law := "45 CFR 164.308(a)(6)(ii)" // response and reporting
	return []tutela.Check{
		{
			ID: "respond.runbooks-owned", Title: "Every runbook has an owner who can sign in, and was read within a year",
			Controls: []string{"W08", law}, Fresh: 24 * time.Hour, Try: s.owned,
		},
		{
			ID: "respond.clocks-kept", Title: "No clock of an open incident has run out, and no report waits",
			Controls: []string{"W08", law}, Fresh: time.Hour, Try: s.kept,
		},
		{
			ID: "respond.drilled", Title: "An incident was drilled within a year, and the drill was passed",
			Controls: []string{"W08", "45 CFR 164.308(a)(7)(ii)(D)"}, Fresh: 24 * time.Hour, Try: s.drilled,
		},
	}
}

// owned looks for somebody who can sign in behind each runbook, and when it was read last.
func (s *Service) owned(ctx context.Context) tutela.Evidence {
	e := tutela.Evidence{On: "the runbooks in force"}
	list, err := s.Runbooks()
	var users []identity.User
	if err == nil {
		users, err = s.cfg.People.Users(ctx)
	}
	if err != nil {
		e.Verdict, e.Observed = tutela.CouldNotCheck, err.Error()
		return e
	}
	var wrong []string
	for _, r := range list {
		if !slices.ContainsFunc(users, func(u identity.User) bool { return owns(u, r.Owner) }) {
			wrong = append(wrong, fmt.Sprintf("%s belongs to %s, which is nobody who can sign in", r.ID, r.Owner))
		}
		if read, err := time.Parse(time.DateOnly, r.Reviewed); err != nil || read.AddDate(0, maxAgeMonths, 0).Before(s.now()) {
			wrong = append(wrong, fmt.Sprintf("%s was read last on %s", r.ID, r.Reviewed))
		}
	}
	for _, k := range Kinds() {
		if _, found := list.of(k); !found && k != Other {
			wrong = append(wrong, fmt.Sprintf("no runbook is for %s", k))
		}
	}
	return judged(e, wrong, fmt.Sprintf("%d runbooks have owners, and were read within %d months", len(list), maxAgeMonths))
}

// owns reports whether somebody is a living owner.
func owns(u identity.User, owner string) bool {
	living := u.Kind == tutela.ActorPerson && !u.Disabled && !u.Waiting
	return living && (u.Username == owner || slices.Contains(u.Roles, owner))
}

// kept looks for clocks that have run out, and for reports that nobody took up.
func (s *Service) kept(ctx context.Context) tutela.Evidence {
	e := tutela.Evidence{On: "incidents that are not closed"}
	open, err := s.rows(ctx, ` WHERE state <> ? AND drill = 0 ORDER BY opened, id`, rowClosed())
	if err != nil {
		e.Verdict, e.Observed = tutela.CouldNotCheck, err.Error()
		return e
	}
	var wrong []string
	now := s.now()
	for _, in := range open {
		for _, c := range in.overdue(now) {
			wrong = append(wrong, fmt.Sprintf("clock %s of %s ran out at %s", c.ID, in.ID, c.Due.Format(time.RFC3339)))
		}
		if in.State == Reported && now.Sub(in.Opened) > maxWaiting {
			wrong = append(wrong, fmt.Sprintf("report %s has waited since %s", in.ID, in.Opened.Format(time.RFC3339)))
		}
	}
	return judged(e, wrong, fmt.Sprintf("%d incidents are open, and no clock has run out", len(open)))
}

// drilled looks for the last drill that was closed.
func (s *Service) drilled(ctx context.Context) tutela.Evidence {
	e := tutela.Evidence{On: "drills that were closed"}
	list, err := s.rows(ctx, ` WHERE drill = 1 AND state = ? ORDER BY opened DESC, id LIMIT 100`, rowClosed())
	if err != nil {
		e.Verdict, e.Observed = tutela.CouldNotCheck, err.Error()
		return e
	}
	switch {
	case len(list) == 0 && s.cfg.TryOut:
		e.Verdict, e.Observed = tutela.NotApplicable, "a try-out system: no drill was finished"
		return e
	case len(list) == 0:
		return judged(e, []string{"no drill was ever finished: tutela incidents drill RUNBOOK"}, "")
	}
	last := slices.MaxFunc(list, func(a, b Incident) int { return a.Closed.Compare(b.Closed) })
	items, err := s.items(ctx, last)
	if err != nil {
		e.Verdict, e.Observed = tutela.CouldNotCheck, err.Error()
		return e
	}
	var wrong []string
	if last.Closed.AddDate(0, maxAgeMonths, 0).Before(s.now()) {
		wrong = append(wrong, fmt.Sprintf("the last drill was closed on %s", last.Closed.Format(time.DateOnly)))
	}
	sc := (&Whole{last, items}).score(s.now())
	if !sc.Passed {
		wrong = append(wrong, fmt.Sprintf("the last drill has %d of %d points", sc.Points, sc.Of))
	}
	return judged(e, wrong, fmt.Sprintf("the last drill, of %s, was closed on %s with %d of %d points", last.Kind, last.Closed.Format(time.DateOnly), sc.Points, sc.Of))
}

// maxTold bounds how much is wrong that evidence names.
const maxTold = 10

func judged(e tutela.Evidence, wrong []string, well string) tutela.Evidence {
	if len(wrong) == 0 {
		e.Verdict, e.Observed = tutela.Pass, well
		return e
	}
	e.Verdict, e.Observed = tutela.Fail, strings.Join(wrong[:min(len(wrong), maxTold)], "; ")
	if more := len(wrong) - maxTold; more > 0 {
		e.Observed += fmt.Sprintf("; and %d more", more)
	}
	return e
}
