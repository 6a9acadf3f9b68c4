package detect

import (
	"context"
	"errors"
	"fmt"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect/event"
)

// Stream is what is followed. Its lines have places, numbers that grow; a line once given stays at its place.
type Stream interface {
	// Name tells it from other streams, for good.
	Name() string
	// Follow MUST call f for every line from a place on, in order, and return the place to go on from: behind
	// the last line for which f returned nil. When it has caught up the error is nil; otherwise it is f's or
	// the stream's own.
	Follow(ctx context.Context, from int64, f func(at int64, l event.Line) error) (next int64, err error)
	// Head MUST give the place behind the last line that can be read.
	Head(ctx context.Context) (int64, error)
}

// systemActor is who writes this plane's own entries. They are not watched: a finding must not give rise
// to findings.
const systemActor tutela.UserID = "system:detect"

// ledger is the tenant's own ledger as a Stream.
type ledger struct{ log *audit.Log }

// Ledger follows a ledger.
func Ledger(log *audit.Log) Stream { return ledger{log} }

// Name implements Stream.
func (ledger) Name() string { return "ledger" }

// Follow implements Stream. Entries that are missing are ErrDamaged.
func (l ledger) Follow(ctx context.Context, from int64, f func(int64, event.Line) error) (int64, error) {
	expected := from
	next, err := l.log.Follow(ctx, audit.Cursor(from), func(o audit.Opened) error {
		if o.Leaf != expected {
			return fmt.Errorf("%w: entry %d is missing", ErrDamaged, expected)
		}
		if err := f(o.Leaf, asTold(o.Entry)); err != nil {
			return err
		}
		expected++
		return nil
	})
	if err == nil {
		err = l.whole(ctx, int64(next))
	}
	if errors.Is(err, audit.ErrTampered) {
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return int64(next), err
}

// asTold is an entry as detectors see it. What another system told happened when that says. An account there does not
// go unwatched by calling itself as this plane does.
func asTold(e tutela.Entry) event.Line {
	ev := &event.Event{Entry: e}
	switch {
	case e.Foreign != nil:
		ev.Source, ev.Time = e.Foreign.Source, e.Foreign.Observed
	case e.Actor.ID == systemActor:
		return event.Line{}
	}
	return event.Line{Event: ev}
}

// whole finds out whether the end that was come to is the ledger's: entries behind it can be read.
func (l ledger) whole(ctx context.Context, next int64) error {
	size, err := l.log.Size(ctx)
	if err != nil || int64(size) <= next {
		return err
	}
	seen := false
	_, err = l.log.Follow(ctx, audit.Cursor(next), func(audit.Opened) error {
		seen = true
		return errEnough
	})
	switch {
	case seen:
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("%w: entry %d is missing", ErrDamaged, next)
}

// Head implements Stream.
func (l ledger) Head(ctx context.Context) (int64, error) {
	size, err := l.log.Size(ctx)
	return int64(size), err
}

// ErrDamaged says that a stream cannot be read at a place, and that it is no passing fault.
var ErrDamaged = errors.New("the stream is damaged")

// errEnough ends a look into a stream.
var errEnough = errors.New("enough")
