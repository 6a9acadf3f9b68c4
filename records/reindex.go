package records

import (
	"context"
	"encoding/binary"
	"log/slog"
	"math"
	"time"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/r4"
	"github.com/tutela-health/tutela/store"
)

// rebuildStep takes the next stretch of resources: it indexes them into the idle slot and puts their
// ties right. It holds their locator rows, so that no write comes between reading a version and what
// follows from it. Ties are read before that: those of a resource that is made meanwhile are not
// among them, and so are left alone.
func (s *Store) rebuildStep(st indexState, log *slog.Logger) store.Step {
	return func(ctx context.Context, tx *store.Tx, js store.JobState) (store.JobState, error) {
		if js.Total == 0 {
			if _, err := tx.QueryRow(ctx, "SELECT count(*) FROM locators WHERE kind <> 0", nil, &js.Total); err != nil {
				return js, err
			}
		}
		part, err := nextStretch(ctx, tx, js)
		if err != nil {
			return js, err
		}
		ties, err := tiesOver(ctx, tx, part)
		if err != nil {
			return js, err
		}
		locators, err := s.lock(ctx, tx, "locator >= ? AND locator <= ?", unbounded, part.first, part.last)
		if err != nil {
			return js, err
		}
		follow, err := s.reindexAll(ctx, tx, st, locators)
		if err != nil {
			return js, err
		}
		mended, err := s.mendTies(ctx, tx, ties, follow)
		if err != nil {
			return js, err
		}
		if mended > 0 {
			log.LogAttrs(ctx, slog.LevelWarn, "ties were not what the resources say, and are put right", slog.Int("ties", mended))
		}
		js.Done += int64(len(locators))
		js.Cursor = s.progress(js, part.last)
		js.Finished = part.last == math.MaxInt64
		return js, nil
	}
}

// unbounded is the limit of what is bounded otherwise.
const unbounded = math.MaxInt32

// stretch is a part of all locators, both ends included.
type stretch struct{ first, last int64 }

// nextStretch is the part that holds the next resources that a job has not done; the last one
// reaches to the end, whatever lies there.
func nextStretch(ctx context.Context, q store.Querier, js store.JobState) (stretch, error) {
	part := stretch{first: math.MinInt64, last: math.MaxInt64}
	if _, begun := startOf(js); begun {
		part.first = cursorOf(js) + 1
	}
	n := 0
	err := q.Query(ctx, "SELECT locator FROM locators WHERE locator >= ? AND kind <> 0 ORDER BY locator LIMIT ?", []any{part.first, int64(rebuildStep)},
		func(sc store.Scanner) error {
			n++
			return sc.Scan(&part.last)
		})
	if n < rebuildStep {
		part.last = math.MaxInt64
	}
	return part, err
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
	for after := int64(math.MinInt64); ; {
		n := 0
		err := s.db.Update(ctx, func(tx *store.Tx) error {
			locators, err := s.lock(ctx, tx, "updated >= ? AND locator > ?", rebuildStep, began, after)
			if err != nil {
				return err
			}
			n = len(locators)
			if n > 0 {
				after = locators[n-1]
			}
			_, err = s.reindexAll(ctx, tx, st, locators)
			return err
		})
		if err != nil || n < rebuildStep {
			return err
		}
	}
}

// reindexAll indexes resources into the idle slot, and gives the ties that follow from them.
func (s *Store) reindexAll(ctx context.Context, tx *store.Tx, st indexState, locators []int64) (map[tieAt]bool, error) {
	rows, err := currents(ctx, tx, locators)
	if err != nil {
		return nil, err
	}
	follow := map[tieAt]bool{}
	for _, l := range locators {
		ties, err := s.reindex(ctx, tx, st, rows[l])
		if err != nil {
			return nil, err
		}
		for _, t := range ties {
			follow[tieAt{t, l}] = true
		}
	}
	return follow, nil
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

// lock reads the locators of the first live resources that a condition holds for, and keeps them
// from being written until tx ends.
func (s *Store) lock(ctx context.Context, tx *store.Tx, condition string, limit int, args ...any) ([]int64, error) {
	text := "SELECT locator FROM locators WHERE " + condition + " AND kind <> 0 ORDER BY locator LIMIT ?"
	if s.db.Engine() == store.Postgres {
		text += " FOR UPDATE"
	}
	var list []int64
	err := tx.Query(ctx, text, append(args, int64(limit)), func(sc store.Scanner) error {
		var l int64
		err := sc.Scan(&l)
		list = append(list, l)
		return err
	})
	return list, err
}

// reindex writes the terms of one resource, in place of those that a write may have put there, and
// gives its ties.
func (s *Store) reindex(ctx context.Context, tx *store.Tx, st indexState, r *row) ([]tie, error) {
	if r == nil || r.deleted() {
		return nil, nil
	}
	idle := 1 - st.slot
	terms, ties, err := s.derived(ctx, tx, st.made[idle], r)
	if err != nil || len(terms) == 0 {
		return ties, err
	}
	rows := termRows(s.tables.terms[idle], terms, r.bucket, r.locator)
	if err := tx.Delete(ctx, rows); err != nil {
		return nil, err
	}
	return ties, tx.Insert(ctx, rows)
}

// derived opens a live row and works out what follows from it; nothing when its key was destroyed.
func (s *Store) derived(ctx context.Context, q store.Querier, m making, r *row) (terms []int64, ties []tie, err error) {
	plain, err := s.open(ctx, q, r)
	if errs.Is(err, errs.NotFound) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	var rec Record
	if err := rec.fill(plain); err != nil || rec.Deleted {
		return nil, nil, err
	}
	res, err := r4.Parse(rec.JSON)
	if err != nil {
		return nil, nil, err
	}
	terms, err = s.termsIn(ctx, m, s.contentOf(res), r.bucket, s.termKey)
	return terms, s.tiesIn(&rec, res), err
}
