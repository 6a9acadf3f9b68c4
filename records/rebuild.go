package records

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/store"
)

// The index is rebuilt into the idle slot while the other serves: first every node is told to
// write into both, then a job walks all resources, then the slots change places. On its way the
// job puts right the ties that are not what the resources say.

// settle is how long a change of the index's state takes to reach every node: a node that has
// not polled for 900 ms reads the state itself.
const settle = 2 * time.Second

// rebuildJob names the job; rebuildStep is how many resources one step takes.
const (
	rebuildJob  = "index-rebuild"
	rebuildStep = 200
	rebuildTTL  = time.Minute
)

// IndexState is how far the index is.
type IndexState struct {
	Version  int64
	Building bool
	Done     int64
	Total    int64
}

// IndexState tells the version that serves searches, and how far a rebuild is.
func (s *Store) IndexState(ctx context.Context) (IndexState, error) {
	st, err := readIndexState(ctx, s.db)
	if err != nil || st.phase != phaseBuilding {
		return IndexState{Version: st.version, Building: st.phase == phaseDraining}, err
	}
	job, err := s.db.JobState(ctx, jobName(st))
	if errs.Is(err, errs.NotFound) {
		err = nil
	}
	return IndexState{Version: st.version, Building: true, Done: job.Done, Total: job.Total}, err
}

func jobName(st indexState) string { return fmt.Sprintf("%s-%d", rebuildJob, st.version+1) }

// Rebuild asks for a new version of the index; Run makes it. While one is being built that one is meant.
func (s *Store) Rebuild(ctx context.Context) error {
	return s.begin(ctx, func(st indexState) (int64, bool) { return st.made[st.slot].key, st.phase == phaseBuilding })
}

// begin starts a rebuild under a key, unless that which is under way is meant.
func (s *Store) begin(ctx context.Context, under func(indexState) (key int64, begun bool)) error {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		st, err := readIndexState(ctx, tx)
		if err != nil {
			return err
		}
		key, begun := under(st)
		switch {
		case begun:
			return nil
		case st.phase == phaseBuilding:
			return errs.New(errs.Conflict, "the index is being rebuilt; try again when that has ended")
		case st.phase == phaseDraining:
			return errs.New(errs.Conflict, "a rebuild has just ended; try again in a few seconds")
		}
		if _, err := tx.Exec(ctx, "DELETE FROM "+s.tables.terms[1-st.slot].Name); err != nil {
			return err
		}
		st.phase, st.made[1-st.slot] = phaseBuilding, making{layoutNow, key}
		return s.announce(ctx, tx, st)
	})
	s.index.forget()
	return err
}

func (s *Store) announce(ctx context.Context, tx *store.Tx, st indexState) error {
	if err := writeIndexState(ctx, tx, st); err != nil {
		return err
	}
	return tx.Insert(ctx, s.db.Publish(store.Invalidation{Topic: Topic}))
}

// Run rebuilds the index whenever that was asked for, until ctx ends.
func (s *Store) Run(ctx context.Context, owner string, log *slog.Logger) {
	tick := time.NewTicker(settle)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.rebuildOnce(ctx, owner, log); err != nil && ctx.Err() == nil && !errs.Is(err, errs.Conflict) {
			log.LogAttrs(ctx, slog.LevelWarn, "index not rebuilt; trying again", slog.String("error", err.Error()))
		}
	}
}

// rebuildOnce carries a rebuild to its end, if one was asked for. It asks for one where the index is of
// an older making.
func (s *Store) rebuildOnce(ctx context.Context, owner string, log *slog.Logger) error {
	st, err := readIndexState(ctx, s.db)
	if err != nil || st.phase == phaseIdle && st.made[st.slot].layout == layoutNow {
		return err
	}
	if st.phase == phaseIdle {
		log.LogAttrs(ctx, slog.LevelInfo, "the index is of an older making, and is made anew", slog.Int64("version", st.version))
		return s.Rebuild(ctx)
	}
	if err := wait(ctx, settle); err != nil { // every node knows of the phase
		return err
	}
	if st.phase == phaseDraining {
		return s.drain(ctx, st)
	}
	job, err := s.db.StartJob(ctx, jobName(st), owner, rebuildTTL)
	if err != nil {
		return err
	}
	if err := job.Run(ctx, s.rebuildStep(st, log)); err != nil {
		return err
	}
	if err := s.catchUp(ctx, st); err != nil {
		return err
	}
	next := indexState{version: st.version + 1, slot: 1 - st.slot, phase: phaseDraining, made: st.made}
	err = s.db.Update(ctx, func(tx *store.Tx) error { return s.announce(ctx, tx, next) })
	s.index.forget()
	if err != nil {
		return err
	}
	if err := wait(ctx, settle); err != nil {
		return err
	}
	return s.drain(ctx, next)
}

// drain empties the slot that nobody searches any more.
func (s *Store) drain(ctx context.Context, st indexState) error {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		now, err := readIndexState(ctx, tx)
		if err != nil || now != st {
			return err
		}
		if _, err := tx.Exec(ctx, "DELETE FROM "+s.tables.terms[1-st.slot].Name); err != nil {
			return err
		}
		kept := st.made[st.slot]
		if old := st.made[1-st.slot].key; old != kept.key {
			if err := tx.DropWrappedKey(ctx, tutela.KeySystem, keys.SecretID(indexSecret(old))); err != nil {
				return err
			}
		}
		return s.announce(ctx, tx, indexState{version: st.version, slot: st.slot, made: [2]making{kept, kept}})
	})
	s.Invalidate()
	return err
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
