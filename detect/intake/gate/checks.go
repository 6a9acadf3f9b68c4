package gate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
)

// behind is the lag from which a source tells of what can no longer be answered in time.
const behind = time.Hour

// Checks are what the gate can show of its sources.
func (g *Gate) Checks() []tutela.Check {
	return []tutela.Check{{
		ID: "watch.sources-speak", Title: "Every system that is to be watched tells what happens in it",
		Controls: []string{"W02", "45 CFR 164.308(a)(1)(ii)(D)", "45 CFR 164.312(b)"}, Fresh: time.Hour, Try: g.try,
	}}
}

// try fails for a source that is silent for longer than it may be, is behind, or sends what makes no sense more often
// than what does.
func (g *Gate) try(context.Context) tutela.Evidence {
	e := tutela.Evidence{On: fmt.Sprintf("%d sources", len(g.desks)), Verdict: tutela.Pass}
	if !slices.ContainsFunc(g.desks, (*Desk).counts) {
		e.Verdict, e.Observed = tutela.NotApplicable, "no other system is configured as a source that must speak, and none has spoken"
		return e
	}
	var wrong []string
	for _, s := range g.States() {
		switch {
		case s.Silent && s.Last.IsZero():
			wrong = append(wrong, fmt.Sprintf("%s has said nothing since %s", s.Source, s.Since.Format(time.RFC3339)))
		case s.Silent:
			wrong = append(wrong, fmt.Sprintf("%s has said nothing since %s", s.Source, s.Last.Format(time.RFC3339)))
		case s.Lag > behind:
			wrong = append(wrong, fmt.Sprintf("%s is %s behind", s.Source, s.Lag.Round(time.Minute)))
		case s.Refused > s.Taken:
			wrong = append(wrong, fmt.Sprintf("of %s %d messages made sense and %d none: %s", s.Source, s.Taken, s.Refused, s.Reason))
		}
	}
	if e.Observed = "all of them speak"; len(wrong) > 0 {
		e.Verdict, e.Observed = tutela.Fail, strings.Join(wrong, "; ")
	}
	return e
}

// counts reports whether anything can be said of a source: it may not be silent for ever, or something came.
func (d *Desk) counts() bool {
	s := d.now()
	return d.Silent > 0 || !s.Last.IsZero() || s.Refused > 0
}
