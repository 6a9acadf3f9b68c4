package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// leaseName is what one node of a tenant holds at a time; leaseFor is how long it outlives a
// node that died.
const (
	leaseName = "ledger-sequencer"
	leaseFor  = 10 * time.Second
)

// Run sequences whatever is pending, every Config.Every, until ctx ends, and then lets another
// node take over. While another node sequences it waits. What fails for a moment is logged and
// tried again; a ledger that was tampered with ends Run with ErrTampered, since nothing that
// comes after may be signed either.
func (l *Log) Run(ctx context.Context) error {
	defer l.release(context.WithoutCancel(ctx))
	tick := time.NewTicker(l.cfg.Every)
	defer tick.Stop()
	for {
		_, err := l.Sequence(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, ErrTampered):
			l.cfg.Log.ErrorContext(ctx, "ledger was tampered with; sequencing stops", slog.Any("error", err))
			return err
		case err != nil && !errs.Is(err, errs.Conflict):
			l.cfg.Log.WarnContext(ctx, "ledger not sequenced; trying again", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// hold makes sure that this node holds the lease for a while yet.
func (l *Log) hold(ctx context.Context) (store.Lease, error) {
	held := &l.sequencing.lease
	if held.Expires.Sub(l.cfg.Clock()) > leaseFor/2 {
		return *held, nil
	}
	lease, err := l.cfg.DB.Acquire(ctx, leaseName, l.owner, leaseFor)
	if err != nil {
		return store.Lease{}, fmt.Errorf("hold the sequencer's lease: %w", err)
	}
	*held = lease
	return lease, nil
}

// Release lets another node sequence at once. A Log that is not used again calls it.
func (l *Log) Release(ctx context.Context) error {
	l.sequencing.Lock()
	defer l.sequencing.Unlock()
	if l.sequencing.lease.Name == "" {
		return nil
	}
	err := l.cfg.DB.Release(ctx, l.sequencing.lease)
	l.sequencing.lease = store.Lease{}
	return err
}

func (l *Log) release(ctx context.Context) {
	if err := l.Release(ctx); err != nil {
		l.cfg.Log.WarnContext(ctx, "sequencer's lease not released; it will expire", slog.Any("error", err))
	}
}
