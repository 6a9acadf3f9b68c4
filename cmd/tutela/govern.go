package main

import (
	"context"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/catalog"
	"github.com/tutela-health/tutela/assure/control"
	"github.com/tutela-health/tutela/assure/duty"
	"github.com/tutela-health/tutela/assure/policy"
	"github.com/tutela-health/tutela/assure/remedy"
	"github.com/tutela-health/tutela/assure/review"
	"github.com/tutela-health/tutela/assure/training"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/respond/alert"
	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/trial"
)

// govern makes what people look at again and again, over registers that are there.
func (s *system) govern() {
	s.reviews = review.New(review.Config{
		Register: s.register, Ledger: s.audit, Accounts: s.identity, Users: s.identity.Users, Person: s.identity.PersonNamed, Clock: s.clock,
		Tried:       func(ctx context.Context) (map[string]tutela.Evidence, error) { return s.controls.Tried(ctx) },
		Regulations: func() []catalog.Regulation { return s.controls.Regulations() },
	})
	s.gaps = remedy.New(remedy.Config{
		Register: s.register, Clock: s.clock, Board: func() *control.Board { return s.controls }, Checks: func() []tutela.Check { return s.planeChecks },
		Risks: s.risks.Left, Person: s.identity.PersonNamed, FollowUps: s.reviews.FollowUps,
	})
	s.policies = policy.New(policy.Config{
		Register: s.register, Clock: s.clock, Board: func() *control.Board { return s.controls }, Checks: func() []tutela.Check { return s.planeChecks },
		Users: s.identity.Users, Person: s.identity.PersonNamed,
	})
	s.training = training.New(training.Config{
		Register: s.register, Clock: s.clock, Users: s.identity.Users, Seal: s.packages.State,
		Scan: func(ctx context.Context, files map[string]string) ([]supply.Finding, error) {
			return trial.Look(ctx, s.clock, files)
		},
	})
	s.duties = duty.New(duty.Config{
		Register: s.register, Clock: s.clock, Sources: []duty.Source{s.risks.Duties, s.vendors.Duties, s.reviews.Duties, s.gaps.Duties, s.policies.Duties, s.training.Duties},
		Tell: func(ctx context.Context, t duty.Telling) error {
			return s.response.alerts.Remind(ctx, alert.Reminder(t))
		},
	})
}

// follow sees what has become of gaps and duties until ctx ends, and tells people.
func (s *system) follow(ctx context.Context) {
	for wait := time.Minute; ; wait = followEvery {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		for what, work := range map[string]func(context.Context) error{"gaps are not followed": s.gaps.Work, "people are not reminded": s.duties.Work} {
			if err := work(ctx); err != nil && ctx.Err() == nil && !errs.Is(err, errs.Conflict) {
				s.log.WarnContext(ctx, what, "error", err)
			}
		}
	}
}

// followEvery is how often is looked for what has become of gaps and duties.
const followEvery = 10 * time.Minute
