package backup

import "context"

// Turn makes what is due by a schedule, once.
func (s *Service) Turn(ctx context.Context, plan Schedule) { s.turn(ctx, plan.withDefaults()) }
