package incident

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/respond/trail"
	"github.com/tutela-health/tutela/store"
)

// What the node that works holds, and for how long it outlives a node that died.
const (
	placeName = "incident"
	leaseName = "respond/incident"
	leaseFor  = 10 * time.Second
)

// Run opens incidents for findings until ctx ends, and lets another node take over.
func (s *Service) Run(ctx context.Context) {
	tick := time.NewTicker(s.cfg.Every)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := s.Work(ctx); err != nil && ctx.Err() == nil && !errs.Is(err, errs.Conflict) {
			s.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "incidents are not opened for findings; trying again", slog.String("error", err.Error()))
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lease.Name != "" {
		_ = s.cfg.DB.Release(context.WithoutCancel(ctx), s.lease) // it ends by itself
	}
}

// maxEntries is how many entries are looked at between two writes of the place.
const maxEntries = 4096

// errEnough ends a look at the ledger.
var errEnough = errors.New("enough")

// Work opens incidents for what was found since the last time. While another node works the error's kind is
// errs.Conflict.
func (s *Service) Work(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if err := s.hold(ctx); err != nil {
			return err
		}
		place, err := s.place(ctx)
		if err != nil {
			return err
		}
		next, seen, err := s.look(ctx, place.At)
		if err != nil {
			return err
		}
		if next == place.At {
			return nil
		}
		if _, err = s.move(ctx, place, next); err != nil || seen < maxEntries {
			return err
		}
	}
}

// look takes up the findings that entries from a place on tell of.
func (s *Service) look(ctx context.Context, from audit.Cursor) (next audit.Cursor, seen int, err error) {
	next, err = s.cfg.Audit.Follow(ctx, from, func(o audit.Opened) error {
		if seen == maxEntries {
			return errEnough
		}
		seen++
		if told, ok := trail.Told(o.Entry); ok {
			return s.takeUp(ctx, told.ID, told.Entry.Time)
		}
		return nil
	})
	if errors.Is(err, audit.ErrTampered) {
		return next + 1, maxEntries, nil // detection tells of it
	}
	if errors.Is(err, errEnough) {
		err = nil
	}
	return next, seen, err
}

// hold makes sure that this node works for a while yet.
func (s *Service) hold(ctx context.Context) error {
	if s.lease.Expires.Sub(s.cfg.Clock()) > leaseFor/2 {
		return nil
	}
	var err error
	s.lease, err = s.cfg.DB.Acquire(ctx, leaseName, s.cfg.Node, leaseFor)
	return err
}

// place gives where to go on. What was found before this began to watch opens nothing.
func (s *Service) place(ctx context.Context) (trail.Place, error) {
	p, err := s.book.Read(ctx, placeName)
	if err != nil || p.Known() {
		return p, err
	}
	end, err := s.cfg.Audit.Size(ctx)
	if err != nil {
		return p, err
	}
	return s.move(ctx, p, end)
}

func (s *Service) move(ctx context.Context, p trail.Place, to audit.Cursor) (trail.Place, error) {
	next, claim := s.book.Move(p, to, s.now())
	if err := s.cfg.DB.Commit(ctx, store.Op{Claims: []store.Claim{claim}}); err != nil {
		return p, err
	}
	return next, nil
}
