// Package assure turns attempts to break a control into evidence.
//
// Invariant: evidence says what was observed, when and on what, and counts only until it
// expires; what could not be checked is never a pass.
//
// Nouns. A Check is code that tries something; each plane brings its own. Evidence is what
// it saw, kept as a ledger entry, and so signed by the next checkpoint.
package assure

import (
	"context"
	"fmt"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/clock"
)

// ledger is where evidence is kept.
type ledger interface {
	Append(ctx context.Context, e tutela.Entry, sections []tutela.Section) (audit.Receipt, error)
}

// Assessor runs checks and keeps their evidence.
type Assessor struct {
	ledger ledger
	clock  clock.Clock
	checks []tutela.Check
}

// New returns an Assessor over the checks that the planes brought.
func New(l ledger, c clock.Clock, checks ...tutela.Check) *Assessor {
	return &Assessor{ledger: l, clock: c, checks: checks}
}

// Run tries every check once, in order, and keeps what was observed. The error says that evidence
// could not be kept; what a check found is in its evidence.
func (a *Assessor) Run(ctx context.Context) ([]tutela.Evidence, error) {
	list := make([]tutela.Evidence, 0, len(a.checks))
	for _, c := range a.checks {
		e := a.try(ctx, c)
		_, err := a.ledger.Append(ctx, tutela.Entry{
			Time: e.At, Actor: tutela.Actor{ID: "tutela-assess", Kind: tutela.ActorSystem, Name: "tutela assess"},
			Action: tutela.ActionEvidence, Outcome: tutela.OutcomeSuccess,
			Subject: &tutela.Subject{Kind: "check", ID: c.ID}, Evidence: &e,
		}, nil)
		if err != nil {
			return list, fmt.Errorf("keep evidence of %s: %w", c.ID, err)
		}
		list = append(list, e)
	}
	return list, nil
}

// try runs one check. A check that panics could not check.
func (a *Assessor) try(ctx context.Context, c tutela.Check) (e tutela.Evidence) {
	defer func() {
		if p := recover(); p != nil {
			e = tutela.Evidence{Verdict: tutela.CouldNotCheck, Observed: fmt.Sprintf("the check ended with a panic of type %T", p)}
		}
		e.Check, e.At = c.ID, a.clock()
		e.Expires = e.At.Add(c.Fresh)
	}()
	return c.Try(ctx)
}
