package detect

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/finding"
)

// batchLines is how many lines at most are between two commits, when there is something to write.
const batchLines = 1024

// batch is what some lines led to.
type batch struct {
	stream string
	place  int64 // behind the last of them
	lines  int
	hits   []finding.Hit
	keep   bool // write memory too
}

// follow works a stream off.
func (s *Service) follow(ctx context.Context, stream Stream) error {
	began, total := s.cfg.Clock(), 0
	for {
		b, err := s.read(ctx, stream)
		skipped := errors.Is(err, ErrDamaged)
		if skipped {
			err = s.damaged(ctx, stream, &b)
		}
		if err != nil && !errors.Is(err, errEnough) {
			return errors.Join(err, s.settle(ctx, b))
		}
		if failed := s.settle(ctx, b); failed != nil {
			return failed
		}
		total += b.lines
		s.seen.add(b)
		if b.lines < batchLines && !skipped {
			return nil
		}
		if s.cfg.Clock().Sub(began) > 5*time.Second {
			began = s.cfg.Clock()
			s.report(ctx, stream, total)
		}
		if err := s.hold(ctx); err != nil || !s.ready {
			return err
		}
	}
}

// read shows the detectors the next lines.
func (s *Service) read(ctx context.Context, stream Stream) (batch, error) {
	b := batch{stream: stream.Name(), place: s.at(stream)}
	next, err := stream.Follow(ctx, b.place, func(_ int64, l event.Line) error {
		if b.lines == batchLines {
			return errEnough
		}
		b.lines++
		b.hits = append(b.hits, s.watch.Take(l).Hits...)
		if l.Event != nil {
			s.seen.met(l.Event.Time, s.cfg.Clock())
		}
		return nil
	})
	b.place = next
	if err == nil || errors.Is(err, errEnough) {
		delete(s.stuck, stream.Name())
	}
	return b, err
}

// at is where a stream goes on: what is written, and what was seen since and led to nothing.
func (s *Service) at(stream Stream) int64 {
	if at, ok := s.waiting[stream.Name()]; ok {
		return at
	}
	return s.done.Places[stream.Name()]
}

// settle writes what lines led to. Where they led to nothing their place is written with what comes next.
func (s *Service) settle(ctx context.Context, b batch) error {
	s.since += b.lines
	if b.place == s.done.Places[b.stream] && len(b.hits) == 0 {
		return nil
	}
	if s.waiting == nil {
		s.waiting = map[string]int64{}
	}
	s.waiting[b.stream] = b.place
	if len(b.hits) == 0 {
		return nil
	}
	return s.commit(ctx, b)
}

// report says how far a backlog is worked off.
func (s *Service) report(ctx context.Context, stream Stream, done int) {
	left := int64(-1)
	if head, err := stream.Head(ctx); err == nil {
		left = head - s.at(stream)
	}
	s.cfg.Log.LogAttrs(ctx, slog.LevelInfo, "detection works a backlog off", slog.String("stream", stream.Name()), slog.Int("done", done), slog.Int64("left", left))
}

// patience is in how many rounds a stream must be damaged at the same place before that is believed.
const patience = 3

// damaged deals with a place that cannot be read: when it stays so there is a finding, and what comes
// after it is watched.
func (s *Service) damaged(ctx context.Context, stream Stream, b *batch) error {
	name := stream.Name()
	if s.stuck[name]++; s.stuck[name] < patience {
		return fmt.Errorf("stream %s: %w", name, ErrDamaged)
	}
	s.cfg.Log.LogAttrs(ctx, slog.LevelError, "a stream is damaged; what comes after is watched", slog.String("stream", name), slog.Int64("place", b.place))
	b.hits = append(b.hits, damage(name, b.place, s.now()))
	b.place++
	return nil
}

// damage is the hit of a place that cannot be read.
func damage(stream string, place int64, now time.Time) finding.Hit {
	return finding.Hit{
		Rule: RuleDamaged, Title: "Entries of a stream of events were changed or taken out", Level: finding.Critical, Likelihood: 0.95,
		Group: stream, Actor: tutela.UserID(""), Entries: []string{fmt.Sprintf("%s/%d", stream, place)},
		Reasons: []string{fmt.Sprintf("place %d of the stream %s does not open, or is missing", place, stream)},
		Answer:  "Take the database out of reach of whoever can write it, keep a copy, and run tutela audit verify --since with a checkpoint kept outside.",
		At:      now,
	}
}

// RuleDamaged is the rule of findings about entries that were changed or taken out.
const RuleDamaged = "ledger-damaged"
