package main

import (
	"context"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/catalog"
	"github.com/tutela-health/tutela/assure/duty"
	"github.com/tutela-health/tutela/assure/review"
	"github.com/tutela-health/tutela/respond/alert"
)

// govern makes what people look at again and again, over registers that are there.
func (s *system) govern() {
	s.reviews = review.New(review.Config{
		Register: s.register, Ledger: s.audit, Accounts: s.identity, Users: s.identity.Users, Person: s.identity.PersonNamed, Clock: s.clock,
		Tried:       func(ctx context.Context) (map[string]tutela.Evidence, error) { return s.controls.Tried(ctx) },
		Regulations: func() []catalog.Regulation { return s.controls.Regulations() },
	})
	s.duties = duty.New(duty.Config{
		Register: s.register, Clock: s.clock, Sources: []duty.Source{s.risks.Duties, s.vendors.Duties, s.reviews.Duties},
		Tell: func(ctx context.Context, t duty.Telling) error {
			return s.response.alerts.Remind(ctx, alert.Reminder(t))
		},
	})
}

// remind tells people of what is to be done.
func (s *system) remind(ctx context.Context) {
	s.duties.Run(ctx, func(err error) { s.log.WarnContext(ctx, "people are not reminded", "error", err) })
}
