package alert

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
)

// Checks are what this package can show of itself by trying. A try-out system need tell nobody.
func (s *Service) Checks(tryOut bool) []tutela.Check {
	return []tutela.Check{{
		ID: "respond.alerts-arrive", Title: "A test alert arrives in every channel",
		Controls: []string{"W03", "45 CFR 164.308(a)(6)(ii)"}, Fresh: 24 * time.Hour, Try: func(ctx context.Context) tutela.Evidence { return s.arrive(ctx, tryOut) }, // security incident procedures: response and reporting
	}, {
		ID: "respond.digest-sent", Title: "The day's digest came, and waits nowhere",
		Controls: []string{"G11", "45 CFR 164.308(a)(6)(ii)"}, Fresh: 24 * time.Hour, Try: s.summed,
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

// grace is how long after its time a digest may be on its way.
const grace = 15 * time.Minute

// summed looks into the ledger for the digest that was due last, and at the channels for one that waits.
func (s *Service) summed(ctx context.Context) tutela.Evidence {
	e := tutela.Evidence{On: "the daily digest"}
	p := s.cfg.Plan
	if p == nil || len(p.Digest.To) == 0 {
		e.Verdict, e.Observed = tutela.NotApplicable, "the plan of alerts has no digest"
		return e
	}
	at, day := p.digestBefore(s.now().Add(-grace))
	last, err := s.lastDigest(ctx)
	var waiting []posted
	if err == nil {
		waiting, err = s.notes(ctx, ` WHERE state = ? AND written < ?`, noteWaits, at.UnixMilli())
	}
	switch {
	case err != nil:
		e.Observed = err.Error()
	case last == "":
		e.Observed = "no digest has come yet"
	case last < day: // dates in order
		e.Verdict, e.Observed = tutela.Fail, fmt.Sprintf("the digest of %s was not written; the last is that of %s", day, last)
	case len(waiting) > 0:
		e.Verdict, e.Observed = tutela.Fail, fmt.Sprintf("%d messages wait since before the digest of %s", len(waiting), day)
	default:
		e.Verdict, e.Observed = tutela.Pass, "the digest of "+last+" was written, and nothing older waits"
	}
	return e
}

// lastDigest is the day of the newest digest that the ledger tells of; "" without any.
func (s *Service) lastDigest(ctx context.Context) (day string, err error) {
	err = s.cfg.Audit.Search(ctx, audit.Query{Action: tutela.ActionAlertRaise, Passing: true}, func(o audit.Opened) error {
		if about := o.Entry.Subject; about != nil && about.Kind == "digest" {
			day = max(day, about.ID)
		}
		return nil
	})
	return day, err
}
