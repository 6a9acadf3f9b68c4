package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
)

// watchProvider asks the key provider regularly whether it still gives the keyring key, until ctx ends.
func (s *system) watchProvider(ctx context.Context) {
	s.ring.Watch(ctx, s.config.Keys.outage(), func(h keys.Health) {
		switch {
		case h.Failed == nil:
			s.log.LogAttrs(ctx, slog.LevelWarn, "the key provider answers again", slog.String("provider", s.provider.Name()))
		case h.Shut:
			s.log.LogAttrs(ctx, slog.LevelError, "the key provider does not answer, and opened keys were let go of: requests fail until it does",
				slog.String("provider", s.provider.Name()), slog.String("error", h.Failed.Error()))
		default:
			s.log.LogAttrs(ctx, slog.LevelError, "the key provider does not answer; opened keys are used for now",
				slog.String("provider", s.provider.Name()), slog.String("error", h.Failed.Error()), slog.Time("until", h.Answered.Add(s.config.Keys.outage()).Truncate(time.Second)))
		}
	})
}

// ready fails while requests would: without the database, or without keys.
func (s *system) ready(ctx context.Context) error {
	if s.ring.Health().Shut {
		return errs.New(errs.Unavailable, "the key provider does not answer")
	}
	var one int64
	_, err := s.db.QueryRow(ctx, "SELECT 1", nil, &one)
	return err
}

// harden protects the memory of a server before keys are opened, and says what it could not have.
func harden(log *slog.Logger) {
	if err := hardenMemory(); err != nil {
		log.Warn("memory is not protected as it should be", slog.String("error", err.Error()))
	}
}
