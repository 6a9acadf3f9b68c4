package assure

import (
	"context"
	"errors"
	"fmt"
	"time"

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
	limit  time.Duration // for one check
	checks []tutela.Check
	served func() int64 // requests, those of checks among them; nil where nobody else is served
}

// ActorID is whose entries evidence is in.
const ActorID tutela.UserID = "tutela-assess"

// patience is how long one check may take: what takes longer could not be checked.
const patience = time.Minute

// New returns an Assessor over the checks that the planes brought.
func New(l ledger, c clock.Clock, checks ...tutela.Check) *Assessor {
	return &Assessor{ledger: l, clock: c, limit: patience, checks: checks}
}

// Beside has an assessment give way to others: served counts the requests that were answered.
func (a *Assessor) Beside(served func() int64) *Assessor {
	a.served = served
	return a
}

// Result is what a check saw, and which requirements that bears on.
type Result struct {
	tutela.Evidence
	Title    string   `json:"title"`
	Controls []string `json:"controls"`
}

// Good reports whether nothing needs to be done about it.
func (r Result) Good() bool { return r.Verdict == tutela.Pass || r.Verdict == tutela.NotApplicable }

// Run tries every check once, in order, and keeps what was observed. The error says that evidence
// could not be kept; what a check found is in its result.
func (a *Assessor) Run(ctx context.Context) ([]Result, error) {
	list := make([]Result, 0, len(a.checks))
	var worked time.Duration // since the last rest
	left := allRests
	for _, c := range a.checks {
		began := time.Now()
		r, err := a.one(ctx, c)
		if err != nil {
			return list, err
		}
		list = append(list, r)
		if worked += time.Since(began); worked >= glance {
			left -= a.giveWay(ctx, min(worked, longestRest, left))
			worked = 0
		}
	}
	return list, nil
}

// glance is how long is looked whether others are at work; longestRest is how long they are left alone at once, and allRests
// how long in all, at most: whoever waits for an assessment waits a minute.
const (
	glance      = 25 * time.Millisecond
	longestRest = 4 * time.Second
	allRests    = 20 * time.Second
)

// giveWay leaves the machine to others for some time, if there are others, and says for how long it did.
func (a *Assessor) giveWay(ctx context.Context, d time.Duration) time.Duration {
	if a.served == nil || d < glance {
		return 0
	}
	before := a.served()
	rest(ctx, glance)
	if a.served() == before {
		return 0
	}
	rest(ctx, d-glance)
	return d
}

func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// one tries a check and keeps what was observed.
func (a *Assessor) one(ctx context.Context, c tutela.Check) (Result, error) {
	e := a.try(ctx, c)
	if err := a.keep(ctx, c, e); err != nil {
		return Result{}, err
	}
	return Result{e, c.Title, c.Controls}, nil
}

// keep makes evidence durable. That a check was tried is a success, whatever it found.
func (a *Assessor) keep(ctx context.Context, c tutela.Check, e tutela.Evidence) error {
	_, err := a.ledger.Append(ctx, tutela.Entry{
		Time: e.At, Actor: tutela.Actor{ID: ActorID, Kind: tutela.ActorSystem, Name: "tutela assess"},
		Action: tutela.ActionEvidence, Outcome: tutela.OutcomeSuccess,
		Subject: &tutela.Subject{Kind: "check", ID: c.ID}, Evidence: &e,
	}, nil)
	if err != nil {
		return fmt.Errorf("keep evidence of %s: %w", c.ID, err)
	}
	return nil
}

// try runs one check. One that panics or takes too long could not check.
func (a *Assessor) try(ctx context.Context, c tutela.Check) (e tutela.Evidence) {
	ctx, cancel := context.WithTimeout(ctx, a.limit)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			e = tutela.Evidence{Observed: fmt.Sprintf("the check ended with a panic of type %T", p)}
		}
		if e.Verdict == tutela.CouldNotCheck && errors.Is(ctx.Err(), context.DeadlineExceeded) {
			e.Observed = fmt.Sprintf("not finished within %v; %s", a.limit, e.Observed)
		}
		e.Check, e.At = c.ID, a.clock()
		e.Expires = e.At.Add(c.Fresh)
	}()
	return c.Try(ctx)
}
