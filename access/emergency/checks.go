package emergency

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/store"
)

// Checks are what emergencies can show of themselves by trying. policies gives those in force.
func (s *Service) Checks(policies func() *access.Policies) []tutela.Check {
	c := expiryCheck{s: s, clock: s.cfg.Clock, policies: policies}
	return []tutela.Check{{
		ID: "access.break-glass-expires", Title: "An emergency access that is over opens nothing",
		Controls: []string{"P17", "45 CFR 164.312(a)(2)(ii)"}, Fresh: 24 * time.Hour, Try: c.try,
	}}
}

// expiryCheck opens an emergency of an invented person for a patient whom there is not, sees that it
// counts, has it end, and sees that it counts no more. It is nobody's access to anything, so it is no
// alert and no case.
type expiryCheck struct {
	s        *Service
	clock    clock.Clock
	policies func() *access.Policies
}

// trial is one run of the check.
type trial struct {
	expiryCheck
	who        tutela.Principal
	row        row
	authorizer *access.Authorizer
	loggedOut  bool
}

func (c expiryCheck) try(ctx context.Context) tutela.Evidence {
	e := tutela.Evidence{On: "decisions over the emergencies that are stored"}
	t := c.begin()
	wrong, err := t.run(ctx)
	err = errors.Join(err, t.sweep(context.WithoutCancel(ctx)))
	switch {
	case err != nil:
		e.Verdict, e.Observed = tutela.CouldNotCheck, err.Error()
	case wrong != "":
		e.Verdict, e.Observed = tutela.Fail, wrong
	default:
		e.Verdict = tutela.Pass
		e.Observed = "an emergency access admitted its patient while it was open; a second after its end it admitted nothing, nor after a logout"
	}
	return e
}

// begin invents a physician, a session and a patient.
func (c expiryCheck) begin() *trial {
	t := &trial{expiryCheck: c, who: tutela.Principal{
		ID: tutela.UserID("check-" + rand.Text()), Kind: tutela.ActorPerson, Roles: []string{string(access.RolePhysician)},
		Scopes: []string{"user/*.rs"}, Session: "check-" + rand.Text(), Assurance: "aal2",
	}}
	probe := &Service{cfg: c.s.cfg}
	probe.cfg.Session = func(context.Context, string) (Login, error) {
		if t.loggedOut {
			return Login{}, nil // nobody's
		}
		return Login{User: t.who.ID, Proved: c.clock()}, nil
	}
	probe.cfg.Fresh = func() bool { return false } // each question goes to the store
	t.authorizer = access.New(access.Config{Policies: c.policies(), Locate: c.s.cfg.Locate, Emergencies: probe})
	now := c.clock().UTC().Truncate(time.Millisecond)
	t.row = row{
		id: audit.NewID(), holder: c.s.holder(t.who.ID), session: c.s.session(t.who.Session),
		patient: c.s.cfg.Locate(tutela.PatientID("check-" + rand.Text())), opened: now, reviewed: now,
	}
	return t
}

// run says what was admitted that must not be.
func (t *trial) run(ctx context.Context) (wrong string, err error) {
	if err := t.put(ctx, t.clock().Add(time.Minute)); err != nil {
		return "", err
	}
	open, err := t.admits(ctx)
	if err == nil && !open {
		err = errors.New("an open emergency access admits nothing, so that an ended one would prove nothing")
	}
	if err != nil {
		return "", err
	}
	t.loggedOut = true
	if open, err = t.admits(ctx); err != nil || open {
		return "an emergency access outlives the session that opened it", err
	}
	t.loggedOut = false
	if err := t.put(ctx, t.clock().Add(-time.Second)); err != nil {
		return "", err
	}
	if open, err = t.admits(ctx); err != nil || open {
		return "an emergency access counts after its end", err
	}
	return "", nil
}

// put has the row hold until a moment.
func (t *trial) put(ctx context.Context, until time.Time) error {
	t.row.until = until.UTC().Truncate(time.Millisecond)
	claim, err := t.s.claim(t.row)
	if err == nil {
		err = t.s.cfg.DB.Commit(ctx, store.Op{Claims: []store.Claim{claim}})
	}
	if err != nil {
		return fmt.Errorf("write the check's emergency: %w", err)
	}
	t.row.revision++
	return nil
}

// admits reports whether the invented physician may read the patient.
func (t *trial) admits(ctx context.Context) (bool, error) {
	g, err := t.authorizer.Authorize(ctx, t.who, access.Request{Action: tutela.ActionRead, Type: "Patient", Purpose: tutela.PurposeTreatment})
	if err != nil {
		return false, fmt.Errorf("decide: %w", err)
	}
	return g.Admits(access.Facts{Type: "Patient", Patients: []tutela.Bucket{t.row.patient}}), nil
}

// sweep takes the row away.
func (t *trial) sweep(ctx context.Context) error {
	claim, err := t.s.claim(t.row)
	if err != nil {
		return err
	}
	return t.s.cfg.DB.Commit(ctx, store.Op{Deletes: []store.Rows{{Table: table(), Rows: [][]any{claim.Key}}}})
}
