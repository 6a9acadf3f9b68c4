package records

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/r4"
	"github.com/tutela-health/tutela/store"
)

// MaxTotal is as far as an accurate total counts.
const MaxTotal = 10_000

// Page is one page of a search's matches.
type Page struct {
	Matches []*Record
	Next    *Cursor // nil on the last page
	Total   int     // admitted matches up to MaxTotal; -1 when not counted
}

// Cursor is where the next page begins. It is valid for the same query only.
type Cursor struct {
	At   position `json:"at"`
	Plan int      `json:"plan"` // the source that the first page chose
}

// Search finds a page of matches that the Grant admits, at most count, after a cursor. Matches
// come in a fixed order that says nothing of their content, or by time when the query sorts.
func (s *Store) Search(ctx context.Context, g access.Grant, q *r4.Query, count int, after *Cursor) (*Page, error) {
	var page *Page
	err := again(func() (err error) {
		page, err = s.search(ctx, g, q, count, after)
		return err
	})
	return page, err
}

func (s *Store) search(ctx context.Context, g access.Grant, q *r4.Query, count int, after *Cursor) (*Page, error) {
	page := &Page{Total: -1}
	err := s.snapshot(ctx, func(view store.Querier) error {
		index, err := s.indexNow(ctx, view)
		if err != nil {
			return err
		}
		in, err := s.serving(ctx, index)
		if err != nil {
			return err
		}
		plans := s.plans(g, q, in.blind)
		at, chosen := beginning(), -1
		if after != nil && after.Plan >= -1 && after.Plan < len(plans) {
			at, chosen = after.At, after.Plan
		}
		src := unordered(g, s.source(q, in, plans, chosen))
		if after == nil {
			if chosen, src, err = s.choose(ctx, view, q, in, plans); err != nil {
				return err
			}
			src = unordered(g, src)
		}
		if q.Sort != r4.SortNone && g.Deidentified() == "" {
			if src, err = byTime(ctx, view, src, q.Sort == r4.SortUpdatedDesc); err != nil {
				return err
			}
		}
		if err := s.fill(ctx, view, g, q, src, page, count, at, chosen); err != nil {
			return err
		}
		if q.Total != r4.TotalAccurate && !q.CountOnly {
			return nil
		}
		page.Total, err = s.count(ctx, view, g, q, src)
		return err
	})
	return page, err
}

// fill opens candidates until the page is full, and looks one match further to know whether
// there is a next page.
func (s *Store) fill(ctx context.Context, view store.Querier, g access.Grant, q *r4.Query, src source, page *Page, count int, at position, plan int) error {
	last := at
	return s.matches(ctx, view, g, q, src, at, count+1, func(c position, rec *Record) bool {
		if len(page.Matches) == count {
			if count > 0 {
				page.Next = &Cursor{At: last, Plan: plan}
			}
			return false
		}
		page.Matches = append(page.Matches, rec)
		last = c
		return true
	})
}

// count counts admitted matches from the beginning.
func (s *Store) count(ctx context.Context, view store.Querier, g access.Grant, q *r4.Query, src source) (int, error) {
	n := 0
	err := s.matches(ctx, view, g, q, src, beginning(), MaxTotal, func(position, *Record) bool {
		n++
		return n < MaxTotal
	})
	return n, err
}

// Batches of candidates start at what a page needs and grow.
const maxBatch = 512

// matches opens candidates after a position and yields those that match and are admitted.
func (s *Store) matches(ctx context.Context, view store.Querier, g access.Grant, q *r4.Query, src source, at position, want int, yield func(position, *Record) bool) error {
	for size := min(max(want, 2), maxBatch); ; size = min(size*2, maxBatch) {
		found, err := src.after(ctx, view, at, size)
		if err != nil || len(found) == 0 {
			return err
		}
		locators := make([]int64, len(found))
		for i, c := range found {
			locators[i] = c.Locator
		}
		rows, err := currents(ctx, view, locators)
		if err != nil {
			return err
		}
		for _, c := range found {
			rec, err := s.candidate(ctx, view, g, q, rows[c.Locator])
			if err != nil {
				return err
			}
			if rec != nil && !yield(c, rec) {
				return nil
			}
		}
		if len(found) < size {
			return nil
		}
		at = found[len(found)-1]
	}
}

// candidate opens a row and gives it back if it matches and is admitted.
func (s *Store) candidate(ctx context.Context, view store.Querier, g access.Grant, q *r4.Query, r *row) (*Record, error) {
	if r == nil || r.deleted() || r.kind != s.kind(q.Type) {
		return nil, nil
	}
	rec, err := s.record(ctx, view, tutela.Ref{Type: q.Type}, r)
	if errors.Is(err, keys.ErrDestroyed) {
		return nil, nil // an erased patient's
	}
	if err != nil {
		return nil, err
	}
	found := rec.resource()
	if found == nil {
		return nil, fmt.Errorf("locator %016x holds what is no resource", uint64(r.locator))
	}
	if found.Type() != q.Type || g.Deidentified() == "" && !q.Match(found) {
		return nil, nil
	}
	rec.Ref.ID = found.ID()
	if s.Locate(rec.Ref) != rec.Locator {
		return nil, fmt.Errorf("locator %016x holds another resource", uint64(r.locator))
	}
	if err := s.permit(ctx, view, g, rec); err != nil {
		return nil, unlessNotFound(err)
	}
	if !rec.answers(q) {
		return nil, nil
	}
	return rec, nil
}

// byTime reorders a source by the time of the last update. It holds all candidates' positions in
// memory: 24 bytes each.
func byTime(ctx context.Context, view store.Querier, src source, newestFirst bool) (source, error) {
	var all []position
	for at := beginning(); ; {
		found, err := src.after(ctx, view, at, 4096)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			break
		}
		at = found[len(found)-1]
		all = append(all, found...)
	}
	if _, timed := src.(kinds); !timed {
		if err := addTimes(ctx, view, all); err != nil {
			return nil, err
		}
	}
	for i := range all {
		all[i].Bucket = 0
		if newestFirst {
			all[i].Updated = -all[i].Updated
		}
	}
	slices.SortFunc(all, position.compare)
	return listed{all}, nil
}

// addTimes looks up when each candidate was last updated.
func addTimes(ctx context.Context, view store.Querier, all []position) error {
	at := make(map[int64]*position, len(all))
	for i := range all {
		at[all[i].Locator] = &all[i]
	}
	for batch := range slices.Chunk(all, 64) {
		locators := make([]int64, len(batch))
		for i, c := range batch {
			locators[i] = c.Locator
		}
		args := padded(locators, width(len(locators)))
		err := view.Query(ctx, `SELECT locator, updated FROM locators WHERE locator IN (`+marks(len(args))+`)`, args, func(s store.Scanner) error {
			var l, u int64
			if err := s.Scan(&l, &u); err != nil {
				return err
			}
			at[l].Updated = u
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Count counts the live resources of a type, no further than a limit. It opens none.
func (s *Store) Count(ctx context.Context, typ string, limit int) (int, error) {
	found, err := s.kinds(typ, area{all: true}).after(ctx, s.db, beginning(), limit)
	return len(found), err
}

// HasAny reports whether there is a live resource of a type. It opens none.
func (s *Store) HasAny(ctx context.Context, typ string) (bool, error) {
	n, err := s.Count(ctx, typ, 1)
	return n > 0, err
}

// First opens the resource of a type that was written first; errs.NotFound when there is none.
func (s *Store) First(ctx context.Context, g access.Grant, typ string) (*Record, error) {
	page, err := s.Search(ctx, g, &r4.Query{Type: typ, Sort: r4.SortUpdated}, 1, nil)
	if err == nil && len(page.Matches) == 0 {
		err = notFound(tutela.Ref{Type: typ})
	}
	if err != nil {
		return nil, err
	}
	return page.Matches[0], nil
}
