package answer

import "context"

// Rewind has the next round look at the whole ledger again, as after a crash before any place was written.
func (s *Service) Rewind(ctx context.Context) error { return s.follower.Rewind(ctx) }
