package logs

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/store"
)

// deliveriesFor is how long a delivery is known that is sent again.
const deliveriesFor = 14 * 24 * time.Hour

// Run forgets what is too old, every hour, until the context ends.
func (s *Store) Run(ctx context.Context) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if err := s.Forget(ctx); err != nil && ctx.Err() == nil {
			s.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "lines of logs whose time is over are still there; trying again", slog.String("error", err.Error()))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Forget takes batches away that came longer ago than lines are kept, each lot with an entry in the ledger.
func (s *Store) Forget(ctx context.Context) error {
	for {
		keys, err := s.expired(ctx, `SELECT seq FROM log_batches WHERE seq > 0 AND at < ? ORDER BY seq LIMIT ?`, s.cfg.Clock().Add(-s.cfg.Keep))
		if err != nil || len(keys) == 0 {
			return errsOr(err, s.forgetDeliveries(ctx))
		}
		if err := s.forget(ctx, keys); err != nil {
			return fmt.Errorf("forget lines of logs: %w", err)
		}
	}
}

func (s *Store) forget(ctx context.Context, keys [][]any) error {
	first, last := keys[0][0].(int64), keys[len(keys)-1][0].(int64)
	lines, err := s.sum(ctx, first, last)
	if err != nil {
		return err
	}
	leaves, err := s.cfg.Audit.Encode(ctx, tutela.Entry{
		Time: s.cfg.Clock(), Actor: tutela.Actor{ID: "system:detect", Kind: tutela.ActorSystem}, Action: tutela.ActionEventsExpire, Outcome: tutela.OutcomeSuccess, Count: int(lines),
		Subject: &tutela.Subject{Kind: "log-batches", ID: fmt.Sprintf("%d-%d", first, last), Detail: fmt.Sprintf("%d lines, kept for %s", lines, s.cfg.Keep)},
	}, nil, nil)
	if err != nil {
		return err
	}
	return s.cfg.DB.Commit(ctx, store.Op{Deletes: []store.Rows{{Table: batchesTable(), Rows: keys}}, Entries: leaves})
}

func (s *Store) forgetDeliveries(ctx context.Context) error {
	keys, err := s.expired(ctx, `SELECT delivery FROM log_received WHERE at < ? LIMIT ?`, s.cfg.Clock().Add(-deliveriesFor))
	if err != nil || len(keys) == 0 {
		return err
	}
	return s.cfg.DB.Commit(ctx, store.Op{Deletes: []store.Rows{{Table: receivedTable(), Rows: keys}}})
}
