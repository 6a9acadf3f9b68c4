package logs

import (
	"context"
	"log/slog"
	"time"

	"github.com/tutela-health/tutela/store"
)

// Queue takes events of senders that wait for no answer, as syslog's do. It holds few: when the store cannot take more,
// senders wait.
type Queue struct {
	store *Store
	in    chan Event
}

// NewQueue returns a queue that Run must empty.
func NewQueue(s *Store) *Queue { return &Queue{store: s, in: make(chan Event, 2*perBatch)} }

// Put waits for a place.
func (q *Queue) Put(ctx context.Context, e Event) error {
	select {
	case q.in <- e:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// together is how long an event waits for others: a batch is a row.
const together = 250 * time.Millisecond

// Run writes what is put until the context ends, and then what was put before. While the store takes nothing, it tries
// again every second.
func (q *Queue) Run(ctx context.Context) {
	for {
		select {
		case first := <-q.in:
			q.write(ctx, q.gather(ctx, first))
		case <-ctx.Done():
			for len(q.in) > 0 {
				q.write(ctx, q.gather(ctx, <-q.in))
			}
			return
		}
	}
}

// gather takes what comes together, or what is there once the context has ended.
func (q *Queue) gather(ctx context.Context, first Event) []Event {
	list, due := []Event{first}, time.NewTimer(together)
	defer due.Stop()
	for len(list) < perBatch {
		select {
		case next := <-q.in:
			list = append(list, next)
			continue
		default:
		}
		if ctx.Err() != nil {
			return list
		}
		select {
		case next := <-q.in:
			list = append(list, next)
		case <-due.C:
			return list
		case <-ctx.Done():
		}
	}
	return list
}

func (q *Queue) write(ctx context.Context, list []Event) {
	for {
		err := q.store.Take(context.WithoutCancel(ctx), list, store.Op{})
		if err == nil {
			return
		}
		q.store.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "the store takes no lines; trying again", slog.String("error", err.Error()))
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			q.store.cfg.Log.LogAttrs(ctx, slog.LevelError, "lines of logs are lost", slog.Int("lines", len(list)))
			return
		}
	}
}
