package records

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/r4"
	"github.com/tutela-health/tutela/store"
)

// The index is rebuilt into the idle slot while the other serves: first every node is told to
// write into both, then a job walks all resources, then the slots change places.

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
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		st, err := readIndexState(ctx, tx)
		if err != nil || st.phase == phaseBuilding {
			return err
		}
		if st.phase == phaseDraining {
			return errs.New(errs.Conflict, "a rebuild has just ended; try again in a few seconds")
		}
		if _, err := tx.Exec(ctx, "DELETE FROM "+s.tables.terms[1-st.slot].Name); err != nil {
			return err
		}
		st.phase = phaseBuilding
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
		if err := s.rebuildOnce(ctx, owner); err != nil && ctx.Err() == nil && !errs.Is(err, errs.Conflict) {
			log.LogAttrs(ctx, slog.LevelWarn, "index not rebuilt; trying again", slog.String("error", err.Error()))
		}
	}
}

// rebuildOnce carries a rebuild to its end, if one was asked for.
func (s *Store) rebuildOnce(ctx context.Context, owner string) error {
	st, err := readIndexState(ctx, s.db)
	if err != nil || st.phase == phaseIdle {
		return err
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
	if err := job.Run(ctx, s.rebuildStep(st)); err != nil {
		return err
	}
	if err := s.catchUp(ctx, st); err != nil {
		return err
	}
	next := indexState{version: st.version + 1, slot: 1 - st.slot, phase: phaseDraining}
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
		return s.announce(ctx, tx, indexState{version: st.version, slot: st.slot})
	})
	s.index.forget()
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

// rebuildStep indexes the next resources into the idle slot. It holds their locator rows, so that
// no write comes between reading a version and indexing it.
func (s *Store) rebuildStep(st indexState) store.Step {
	table := s.tables.terms[1-st.slot]
	return func(ctx context.Context, tx *store.Tx, js store.JobState) (store.JobState, error) {
		if js.Total == 0 {
			if _, err := tx.QueryRow(ctx, "SELECT count(*) FROM locators WHERE kind <> 0", nil, &js.Total); err != nil {
				return js, err
			}
		}
		last := cursorOf(js)
		locators, err := s.lockNext(ctx, tx, "locator > ?", last)
		if err != nil {
			return js, err
		}
		if err := s.reindexAll(ctx, tx, table, locators); err != nil {
			return js, err
		}
		if len(locators) > 0 {
			last = locators[len(locators)-1]
		}
		js.Done += int64(len(locators))
		js.Cursor = s.progress(js, last)
		js.Finished = len(locators) < rebuildStep
		return js, nil
	}
}

// late is how long a write may have been under way, with the slots that it knew, when the rebuild began.
const late = 10 * time.Minute

// catchUp indexes once more what was written since the rebuild began, or shortly before: a write
// that was under way then may have come after the walk, and into the old slot only.
func (s *Store) catchUp(ctx context.Context, st indexState) error {
	job, err := s.db.JobState(ctx, jobName(st))
	if err != nil {
		return err
	}
	began := int64(math.MinInt64)
	if at, ok := startOf(job); ok {
		began = at.Add(-late).UnixMilli()
	}
	table := s.tables.terms[1-st.slot]
	for after := int64(math.MinInt64); ; {
		n := 0
		err := s.db.Update(ctx, func(tx *store.Tx) error {
			locators, err := s.lockNext(ctx, tx, "updated >= ? AND locator > ?", began, after)
			if err != nil {
				return err
			}
			n = len(locators)
			if n > 0 {
				after = locators[n-1]
			}
			return s.reindexAll(ctx, tx, table, locators)
		})
		if err != nil || n < rebuildStep {
			return err
		}
	}
}

func (s *Store) reindexAll(ctx context.Context, tx *store.Tx, table *store.Table, locators []int64) error {
	rows, err := currents(ctx, tx, locators)
	if err != nil {
		return err
	}
	for _, l := range locators {
		if err := s.reindex(ctx, tx, table, rows[l]); err != nil {
			return err
		}
	}
	return nil
}

// The job's cursor is the last locator done and when the job began, eight bytes each.
func (s *Store) progress(js store.JobState, locator int64) []byte {
	began, ok := startOf(js)
	if !ok {
		began = s.clock()
	}
	c := binary.BigEndian.AppendUint64(nil, uint64(locator))
	return binary.BigEndian.AppendUint64(c, uint64(began.UnixMilli()))
}

func startOf(js store.JobState) (time.Time, bool) {
	if len(js.Cursor) != 16 {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(js.Cursor[8:]))), true
}

func cursorOf(js store.JobState) int64 {
	if len(js.Cursor) != 16 {
		return math.MinInt64
	}
	return int64(binary.BigEndian.Uint64(js.Cursor))
}

// lockNext reads the locators of the next live resources that a condition holds for, and keeps
// them from being written until tx ends.
func (s *Store) lockNext(ctx context.Context, tx *store.Tx, condition string, args ...any) ([]int64, error) {
	text := "SELECT locator FROM locators WHERE " + condition + " AND kind <> 0 ORDER BY locator LIMIT ?"
	if s.db.Engine() == store.Postgres {
		text += " FOR UPDATE"
	}
	var list []int64
	err := tx.Query(ctx, text, append(args, int64(rebuildStep)), func(sc store.Scanner) error {
		var l int64
		err := sc.Scan(&l)
		list = append(list, l)
		return err
	})
	return list, err
}

// reindex writes the terms of one resource, in place of those that a write may have put there.
func (s *Store) reindex(ctx context.Context, tx *store.Tx, table *store.Table, r *row) error {
	if r == nil || r.deleted() {
		return nil
	}
	terms, err := s.termsOf(ctx, tx, r)
	if err != nil || len(terms) == 0 {
		return err
	}
	rows := termRows(table, terms, r.bucket, r.locator)
	if err := tx.Delete(ctx, rows); err != nil {
		return err
	}
	return tx.Insert(ctx, rows)
}

// termsOf opens a live row and computes its terms; none when its key was destroyed.
func (s *Store) termsOf(ctx context.Context, q store.Querier, r *row) ([]int64, error) {
	plain, err := s.open(ctx, q, r)
	if errs.Is(err, errs.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var rec Record
	if err := rec.fill(plain); err != nil || rec.Deleted {
		return nil, err
	}
	res, err := r4.Parse(rec.JSON)
	if err != nil {
		return nil, err
	}
	return s.tokens(res), nil
}

// termsAndKind computes what a live record has in the index.
func (s *Store) termsAndKind(rec *Record) (terms []int64, kind int64, err error) {
	res, err := r4.Parse(rec.JSON)
	if err != nil {
		return nil, 0, err
	}
	return s.tokens(res), s.kind(res.Type()), nil
}
