package main

import (
	"context"
	"time"

	"github.com/tutela-health/tutela/access/emergency"
	"github.com/tutela-health/tutela/internal/clock"
)

// glass makes emergency access.
func (s *system) glass() (*emergency.Service, error) {
	return emergency.New(emergency.Config{
		DB: s.db, Audit: s.audit, Clock: clock.System, Fresh: s.changes.Fresh, Locate: s.records.Bucket, Alias: s.identity.Alias,
		Life: time.Duration(s.config.BreakGlassMinutes) * time.Minute,
		Session: func(ctx context.Context, id string) (emergency.Login, error) {
			session, user, err := s.identity.Session(ctx, id)
			return emergency.Login{User: user.ID, Proved: session.AuthTime}, err
		},
	})
}
