package incident

import (
	"context"
	"time"
)

// MoveTo is the state machine alone.
func (in *Incident) MoveTo(to State, at time.Time) error { return in.move(to, at) }

// Rewind has the next round look at the whole ledger again, as after a crash before any place was written.
func (s *Service) Rewind(ctx context.Context) error { return s.follower.Rewind(ctx) }
