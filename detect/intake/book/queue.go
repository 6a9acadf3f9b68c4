package book

import (
	"context"
	"log/slog"
	"time"

	"github.com/tutela-health/tutela/detect/intake"
)

// Queue takes records of senders that wait for no answer, as syslog's do. It holds few: when the ledger cannot take
// more, senders wait.
type Queue struct {
	book *Book
	log  *slog.Logger
	in   chan queued
}

type queued struct {
	source string
	record intake.Record
}

// NewQueue returns a queue that Run must empty.
func NewQueue(b *Book, log *slog.Logger) *Queue {
	return &Queue{book: b, log: log, in: make(chan queued, 2*maxTake)}
}

// Put waits for a place.
func (q *Queue) Put(ctx context.Context, source string, r intake.Record) error {
	select {
	case q.in <- queued{source, r}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Run writes what is put until the context ends, and then what was put before. While the ledger takes nothing, it tries
// again every second.
func (q *Queue) Run(ctx context.Context) {
	for {
		var first queued
		select {
		case first = <-q.in:
		case <-ctx.Done():
			q.rest(context.WithoutCancel(ctx))
			return
		}
		for source, list := range q.gather(first) {
			q.write(ctx, source, list)
		}
	}
}

// rest writes what is left, once.
func (q *Queue) rest(ctx context.Context) {
	for len(q.in) > 0 {
		for source, list := range q.gather(<-q.in) {
			if _, err := q.book.Take(ctx, source, list); err != nil {
				q.lost(ctx, source, len(list), err)
			}
		}
	}
}

// gather takes what waits, by source.
func (q *Queue) gather(first queued) map[string][]intake.Record {
	bySource := map[string][]intake.Record{first.source: {first.record}}
	for range maxTake - 1 {
		select {
		case next := <-q.in:
			bySource[next.source] = append(bySource[next.source], next.record)
		default:
			return bySource
		}
	}
	return bySource
}

func (q *Queue) write(ctx context.Context, source string, list []intake.Record) {
	for {
		_, err := q.book.Take(context.WithoutCancel(ctx), source, list)
		if err == nil {
			return
		}
		q.log.LogAttrs(ctx, slog.LevelWarn, "the ledger takes no records; trying again", slog.String("source", source), slog.String("error", err.Error()))
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			q.lost(ctx, source, len(list), err)
			return
		}
	}
}

func (q *Queue) lost(ctx context.Context, source string, n int, err error) {
	q.log.LogAttrs(ctx, slog.LevelError, "records are lost", slog.String("source", source), slog.Int("records", n), slog.String("error", err.Error()))
}
