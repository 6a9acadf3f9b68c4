package store

import (
	"context"
	"sync/atomic"

	"github.com/tutela-health/tutela/internal/errs"
)

// request is an Op on its way through a lane.
type request struct {
	op    *Op
	state atomic.Int32
	done  chan error // buffered: a lane never waits for a caller who left
}

// The states of a request. It leaves waiting exactly once.
const (
	waiting int32 = iota
	taken
	abandoned
)

func newRequest(op *Op) *request {
	return &request{op: op, done: make(chan error, 1)}
}

// take is false when the caller left before.
func (r *request) take() bool { return r.state.CompareAndSwap(waiting, taken) }

// abandon is false when a lane took the request before.
func (r *request) abandon() bool { return r.state.CompareAndSwap(waiting, abandoned) }

// Commit makes op happen, durably, or returns why not. Concurrent Ops share transactions (those
// that are not Alone); an Op that cannot happen does not affect the others.
//
// The kind of the error is errs.Conflict when a Claim does not hold (ErrClaim) or an inserted
// row's key is taken (ErrDuplicate), and errs.Unavailable when the storage is full (ErrFull), out
// of reach, or the outcome is not known (ErrUnknown). When ctx ends first, an Op that no lane has
// taken does not happen and ctx.Err is returned; one that was taken may, and that is ErrUnknown.
func (db *DB) Commit(ctx context.Context, op Op) error {
	if err := op.check(); err != nil {
		return err
	}
	r := newRequest(&op)
	if err := db.enqueue(ctx, r); err != nil {
		return err
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		if r.abandon() {
			return ctx.Err()
		}
		return unknown(ctx.Err())
	}
}

func (db *DB) enqueue(ctx context.Context, r *request) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	db.mu.RLock()
	defer db.mu.RUnlock()
	if db.closed {
		return closed()
	}
	select {
	case db.queues[classOf(r.op)] <- r:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// check refuses an Op whose rows do not fit their tables, before it can spoil a batch.
func (op *Op) check() error {
	for _, c := range op.Claims {
		if c.Table == nil || len(c.Key) != c.Table.Key || len(c.Set) != len(c.Table.Columns) ||
			len(c.Key)+len(c.Expect) > len(c.Table.Columns) {
			return errs.New(errs.Internal, "a claim does not fit its table")
		}
	}
	for _, r := range op.Inserts {
		if !r.fits(func(t *Table, n int) bool { return n == len(t.Columns) }) {
			return errs.New(errs.Internal, "an inserted row does not fit its table")
		}
	}
	for _, r := range op.Deletes {
		if !r.fits(func(t *Table, n int) bool { return n > 0 && n <= t.Key }) {
			return errs.New(errs.Internal, "a deleted key does not fit its table")
		}
	}
	return nil
}

func (r Rows) fits(width func(t *Table, n int) bool) bool {
	if r.Table == nil {
		return false
	}
	for _, row := range r.Rows {
		if !width(r.Table, len(row)) {
			return false
		}
	}
	return true
}
