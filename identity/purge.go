package identity

import (
	"context"
	"log/slog"
	"time"
)

// purgeEvery is how often expired rows are deleted. That they count for nothing does not wait for it.
const purgeEvery = time.Hour

// Run deletes what has expired, until ctx ends.
func (s *Service) Run(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(purgeEvery)
	defer tick.Stop()
	for {
		if err := s.purge(ctx); err != nil && ctx.Err() == nil {
			log.LogAttrs(ctx, slog.LevelWarn, "expired sessions and tokens were not deleted", slog.String("error", err.Error()))
		}
		if !s.lapseUntil(ctx, tick.C, log) {
			return
		}
	}
}
