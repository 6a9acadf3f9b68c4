package trail

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// Follower follows the ledger under a name. Of a tenant's nodes one works at a time. Safe for concurrent use.
type Follower struct {
	Book  Book
	Audit *audit.Log
	Clock clock.Clock
	Name  string        // of the place; the lease is respond/Name
	Node  string        // who holds the lease
	For   time.Duration // how long the lease outlives a node that died

	round sync.Mutex // one at a time
	mu    sync.Mutex // guards lease
	lease store.Lease
}

// maxEntries is how many entries are looked at between two writes of the place.
const maxEntries = 4096

// errEnough ends a look at the ledger.
var errEnough = errors.New("enough")

// Repeat works until ctx ends, and says in the log what held it up. That another node works holds nothing up.
func Repeat(ctx context.Context, every time.Duration, log *slog.Logger, said string, work func(context.Context) error) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := work(ctx); err != nil && ctx.Err() == nil && !errs.Is(err, errs.Conflict) {
			log.LogAttrs(ctx, slog.LevelWarn, said+"; trying again", slog.String("error", err.Error()))
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// Hold makes sure that this node is the one that works, for a while yet. While another works the error's kind is errs.Conflict.
func (f *Follower) Hold(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lease.Expires.Sub(f.Clock()) > f.For/2 {
		return nil
	}
	var err error
	f.lease, err = f.Book.DB.Acquire(ctx, "respond/"+f.Name, f.Node, f.For)
	return err
}

// Release lets another node take over at once.
func (f *Follower) Release(ctx context.Context) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lease.Name != "" {
		_ = f.Book.DB.Release(context.WithoutCancel(ctx), f.lease) // it ends by itself
	}
}

// Follow gives each finding that the ledger told of since the last time, as Entries gives entries.
func (f *Follower) Follow(ctx context.Context, take func(context.Context, Finding) error) error {
	return f.Entries(ctx, func(ctx context.Context, e tutela.Entry) error {
		if told, ok := Told(e); ok {
			return take(ctx, told)
		}
		return nil
	})
}

// Entries gives each entry of the ledger since the last time. One that take fails for is given again, and those behind it
// wait. What was there before the first time is not given.
func (f *Follower) Entries(ctx context.Context, take func(context.Context, tutela.Entry) error) error {
	f.round.Lock()
	defer f.round.Unlock()
	for {
		if err := f.Hold(ctx); err != nil {
			return err
		}
		place, err := f.place(ctx)
		if err != nil {
			return err
		}
		next, more, err := f.look(ctx, place.At, take)
		if err != nil {
			return err
		}
		if next == place.At {
			return nil
		}
		if err := f.move(ctx, place, next); err != nil || !more {
			return err
		}
	}
}

// look gives what entries from a place on tell, and says whether there may be more.
func (f *Follower) look(ctx context.Context, from audit.Cursor, take func(context.Context, tutela.Entry) error) (next audit.Cursor, more bool, err error) {
	seen := 0
	var failed error
	next, err = f.Audit.Follow(ctx, from, func(o audit.Opened) error {
		if seen == maxEntries {
			return errEnough
		}
		seen++
		failed = take(ctx, o.Entry)
		return failed
	})
	switch {
	case failed != nil:
		return from, false, failed
	case errors.Is(err, errEnough):
		return next, true, nil
	case errors.Is(err, audit.ErrTampered):
		next, err = Past(ctx, f.Audit, next, err)
		return next, err == nil, err
	}
	return next, false, err
}

// Past is the place behind an entry that was tampered with, which detection tells of. It is never beyond the ledger's
// end: what is not there yet would be passed over when it comes. Then the error stays.
func Past(ctx context.Context, log *audit.Log, at audit.Cursor, tampered error) (audit.Cursor, error) {
	end, err := log.Size(ctx)
	if err != nil || at >= end {
		return at, tampered
	}
	return at + 1, nil
}

// place gives where to go on: the ledger's end, where nobody has followed yet.
func (f *Follower) place(ctx context.Context) (Place, error) {
	p, err := f.Book.Read(ctx, f.Name)
	if err != nil || p.Known() {
		return p, err
	}
	end, err := f.Audit.Size(ctx)
	if err != nil {
		return p, err
	}
	if err := f.move(ctx, p, end); err != nil {
		return p, err
	}
	return f.Book.Read(ctx, f.Name)
}

func (f *Follower) move(ctx context.Context, p Place, to audit.Cursor) error {
	_, claim := f.Book.Move(p, to, f.Clock())
	return f.Book.DB.Commit(ctx, store.Op{Claims: []store.Claim{claim}})
}

// Rewind puts the place back to the ledger's beginning, as a node's death before it was written may have left it: those who
// take findings must bear to be given them again.
func (f *Follower) Rewind(ctx context.Context) error {
	p, err := f.Book.Read(ctx, f.Name)
	if err != nil {
		return err
	}
	return f.move(ctx, p, 0)
}
