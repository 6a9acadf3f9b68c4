package logs

import (
	"context"
	"fmt"

	"github.com/tutela-health/tutela/detect"
	"github.com/tutela-health/tutela/detect/event"
)

// sides are how often an event is given: as a line, and as what the line tells of where it tells of a login.
const sides = 2

// page is how many batches are read at once.
const page = 8

// Stream is the events as detection follows them. What retention took away is passed over; a batch that does not open
// is detect.ErrDamaged.
func (s *Store) Stream() detect.Stream { return stream{s} }

type stream struct{ *Store }

// Name implements detect.Stream.
func (stream) Name() string { return "logs" }

// Head implements detect.Stream.
func (s stream) Head(ctx context.Context) (int64, error) {
	last, err := s.last(ctx)
	return (last + 1) * perBatch * sides, err
}

// Follow implements detect.Stream.
func (s stream) Follow(ctx context.Context, from int64, f func(int64, event.Line) error) (int64, error) {
	const span = perBatch * sides
	from = max(from, span)
	p := event.NewParser()
	for {
		rows, err := s.after(ctx, from/span, page)
		if err != nil || len(rows) == 0 {
			return from, err
		}
		for _, r := range rows {
			if from, err = s.give(ctx, p, r, max(from, r.seq*span), f); err != nil {
				return from, err
			}
		}
	}
}

// give hands on the events of a batch from a place on, and returns the place behind the last one.
func (s *Store) give(ctx context.Context, p *event.Parser, r row, from int64, f func(int64, event.Line) error) (int64, error) {
	const span = perBatch * sides
	events, err := s.open(ctx, r)
	if err != nil && ctx.Err() != nil {
		return from, err
	}
	if err != nil {
		return (r.seq+1)*span - 1, fmt.Errorf("%w: %w", detect.ErrDamaged, err)
	}
	for i, e := range events {
		for side := range int64(sides) {
			at := r.seq*span + int64(i)*sides + side
			if at < from {
				continue
			}
			l, ok := asTold(p, r.seq, i, e, side)
			if !ok {
				continue
			}
			if err := f(at, l); err != nil {
				return at, err
			}
		}
	}
	return (r.seq + 1) * span, nil
}

// asTold is one side of an event. The source is who sent it, whatever the line says.
func asTold(p *event.Parser, seq int64, i int, e Event, side int64) (event.Line, bool) {
	l, err := p.Parse(e.Line)
	if err != nil || l.Event == nil {
		return event.Line{}, false
	}
	ev := l.Event
	ev.ID, ev.Source, ev.Time = ID(seq, i), e.Source, e.At
	switch {
	case side == 0:
		return l, true
	case ev.Log == nil || !login(ev):
		return event.Line{}, false
	}
	ev.Log = nil
	return l, true
}
