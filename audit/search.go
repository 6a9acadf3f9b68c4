package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/store"
)

// Query asks the ledger. Every field that is set must hold.
type Query struct {
	ID      string         // of one entry
	Actor   tutela.UserID  // who
	Patient *tutela.Bucket // to whose data
	Action  tutela.Action  // what
	Outcome tutela.Outcome // how it ended
	From    time.Time      // not before
	To      time.Time      // before
	Newest  bool           // the newest first
	Limit   int            // at most so many; 0 means all
	InTree  bool           // none that is pending
	Below   int64          // only leaves before this one, and none that is pending; 0 means all
	Passing bool           // pass over what was tampered with, instead of giving up: the answer may lack something
}

// errEnough ends a search that has found as many as it may.
var errEnough = errors.New("enough found")

// Search calls f for every entry that answers q, pending ones included unless q.InTree, in the ledger's order or
// with q.Newest in the reverse. The postings lead to the batches that may answer; an entry counts
// when its opened header says so. Rows are not held open while f runs.
func (l *Log) Search(ctx context.Context, q Query, f func(Opened) error) error {
	left := q.Limit
	visit := func(o Opened) error {
		if !q.matches(o) {
			return nil
		}
		if err := f(o); err != nil {
			return err
		}
		if left--; left == 0 {
			return errEnough
		}
		return nil
	}
	err := l.search(ctx, q, visit)
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// search visits everything that may answer. What is pending is read together with the postings:
// an entry is in one of them. Of the pending ones only answers are kept, since there may be many
// while nobody sequences.
func (l *Log) search(ctx context.Context, q Query, visit func(Opened) error) error {
	var firsts []int64
	var pending []Opened
	err := l.cfg.DB.Snapshot(ctx, func(r store.Querier) (err error) {
		if firsts, err = l.candidates(ctx, r, q); err != nil {
			return fmt.Errorf("search postings: %w", err)
		}
		if !q.InTree && q.Below == 0 {
			pending, err = l.pendingAnswers(ctx, r, q)
		}
		return err
	})
	if err != nil {
		return err
	}
	if !q.Newest {
		if err := l.visitBatches(ctx, q, firsts, visit); err != nil {
			return err
		}
		return visitOpened(pending, visit)
	}
	slices.Reverse(firsts)
	slices.Reverse(pending)
	if err := visitOpened(pending, visit); err != nil {
		return err
	}
	return l.visitBatches(ctx, q, firsts, visit)
}

func visitOpened(list []Opened, visit func(Opened) error) error {
	for _, o := range list {
		if err := visit(o); err != nil {
			return err
		}
	}
	return nil
}

func (l *Log) visitBatches(ctx context.Context, q Query, firsts []int64, visit func(Opened) error) error {
	for _, first := range firsts {
		entries, err := l.entriesOf(ctx, first)
		if q.passes(err) {
			continue
		}
		if err != nil {
			return err
		}
		if q.Newest {
			slices.Reverse(entries)
		}
		if err := l.visitAll(ctx, q, entries, visit); err != nil {
			return err
		}
	}
	return nil
}

// entriesOf reads the batch that a posting leads to.
func (l *Log) entriesOf(ctx context.Context, first int64) ([]indexed, error) {
	b, found, err := readBatch(ctx, l.cfg.DB, first)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, tampered(stored{first: first}.where(), "missing, though a posting leads to it")
	}
	var entries []indexed
	err = b.leaves(first, func(at int64, e []byte) error {
		entries = append(entries, indexed{at, e})
		return nil
	})
	return entries, err
}

func (l *Log) visitAll(ctx context.Context, q Query, entries []indexed, visit func(Opened) error) error {
	for _, e := range entries {
		o, err := l.open(ctx, e.index, e.entry)
		if q.passes(err) {
			continue
		}
		if err != nil {
			return err
		}
		if err := visit(o); err != nil {
			return err
		}
	}
	return nil
}

// passes reports whether a search goes on in spite of an error.
func (q Query) passes(err error) bool { return q.Passing && errors.Is(err, ErrTampered) }

// pendingAnswers finds the answers among what is not sequenced yet.
func (l *Log) pendingAnswers(ctx context.Context, q store.Querier, ask Query) ([]Opened, error) {
	var all []Opened
	err := everyPending(ctx, q, func(b batch) error {
		entries, err := unbundle(b.blob)
		if err != nil && ask.Passing {
			return nil
		}
		if err != nil {
			return tampered(pendingWhere(b.lane, b.seq), err.Error())
		}
		for _, e := range entries {
			o, err := l.open(ctx, Pending, e)
			if ask.passes(err) {
				continue
			}
			if err != nil {
				return fmt.Errorf("%s: %w", pendingWhere(b.lane, b.seq), err)
			}
			if ask.matches(o) {
				all = append(all, o)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read pending entries: %w", err)
	}
	return all, nil
}

// matches is the exact answer to what the postings only narrow.
func (q Query) matches(o Opened) bool {
	e := o.Entry
	switch {
	case q.Below > 0 && o.Leaf >= q.Below,
		q.ID != "" && q.ID != e.ID,
		q.Actor != "" && q.Actor != e.Actor.ID,
		q.Action != "" && q.Action != e.Action,
		q.Outcome != "" && q.Outcome != e.Outcome,
		!q.From.IsZero() && e.Time.Before(q.From),
		!q.To.IsZero() && !e.Time.Before(q.To):
		return false
	}
	return q.Patient == nil || o.concerns(*q.Patient)
}

// concerns tells whether an entry names a patient, in its header or by a section.
func (o Opened) concerns(b tutela.Bucket) bool {
	return slices.ContainsFunc(o.Entry.Patients, func(t tutela.Touched) bool { return t.Patient == b }) ||
		slices.ContainsFunc(o.leaf.sections, func(s section) bool { return s.patient == b })
}
