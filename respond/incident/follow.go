package incident

import (
	"context"
	"time"

	"github.com/tutela-health/tutela/respond/trail"
)

// The name that this follows the ledger by, and for how long its lease outlives a node that died.
const (
	placeName = "incident"
	leaseFor  = 10 * time.Second
)

// Run opens incidents for findings until ctx ends, and lets another node take over.
func (s *Service) Run(ctx context.Context) {
	trail.Repeat(ctx, s.cfg.Every, s.cfg.Log, "incidents are not opened for findings", s.Work)
	s.follower.Release(ctx)
}

// Work opens incidents for what was found since the last time. While another node works the error's kind is
// errs.Conflict.
func (s *Service) Work(ctx context.Context) error {
	return s.follower.Follow(ctx, func(ctx context.Context, told trail.Finding) error {
		return s.takeUp(ctx, told.ID, told.Entry.Time)
	})
}
