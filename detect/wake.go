package detect

import (
	"context"
	"errors"
	"log/slog"

	"github.com/tutela-health/tutela/detect/event"
)

// relearn is how many lines of a stream are looked at again when there is no memory to go on with.
const relearn = 5_000_000

// wake brings the detectors to where the store says that the streams are: it takes their memory back
// and shows them again what came after it. What they say of that is written already.
func (s *Service) wake(ctx context.Context) error {
	p, err := s.readProgress(ctx)
	if err != nil {
		return err
	}
	if s.watch, err = s.cfg.Watch(); err != nil {
		return err
	}
	from := p.Saved
	if p.Memory > 0 {
		if err := s.recall(ctx, p.Memory, &s.watch); err != nil {
			s.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "what detection had learned cannot be used and is learned again", slog.String("error", err.Error()))
			if s.watch, err = s.cfg.Watch(); err != nil {
				return err
			}
			from = nil
		}
	}
	s.since = 0
	for _, stream := range s.cfg.Streams {
		to := p.Places[stream.Name()]
		start, known := from[stream.Name()]
		if !known {
			start = max(0, to-relearn)
		}
		if err := s.again(ctx, stream, start, to); err != nil {
			return err
		}
	}
	s.done, s.ready, s.kept = p, true, s.cfg.Clock()
	for _, stream := range s.cfg.Streams {
		s.seen.reached(stream.Name(), s.at(stream))
	}
	return nil
}

// again shows the detectors what they have seen before.
func (s *Service) again(ctx context.Context, stream Stream, from, to int64) error {
	for from < to {
		next, err := stream.Follow(ctx, from, func(at int64, l event.Line) error {
			if at >= to {
				return errEnough
			}
			s.watch.Take(l)
			s.since++
			if s.since%100_000 == 0 {
				s.cfg.Log.LogAttrs(ctx, slog.LevelInfo, "detection looks again at what came after its memory", slog.String("stream", stream.Name()), slog.Int64("left", to-at))
			}
			return ctx.Err()
		})
		switch {
		case errors.Is(err, ErrDamaged):
			next = max(next, from) + 1 // it was told when it was met first
		case err != nil && !errors.Is(err, errEnough):
			return err
		case next == from:
			return nil // the stream is shorter than it was: there is nothing to look at
		}
		from = next
	}
	return nil
}
