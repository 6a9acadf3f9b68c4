package records

import (
	"context"
	"math"

	"github.com/tutela-health/tutela/store"
)

// walkStep is how many versions a walk through a database reads at a time.
const walkStep = 500

// walk reads every current row, patient by patient: so lie the versions, and a patient's key is opened once. By locator
// each row would lie on another page, and be under another key.
type walk struct {
	bucket, locator, version int64 // the last version that was read
	step                     int   // how many are read at a time
	done                     bool
}

func newWalk(step int) *walk {
	return &walk{bucket: math.MinInt64, locator: math.MinInt64, version: math.MinInt64, step: step}
}

// next gives the current rows among the next versions, none of them perhaps, until done.
func (w *walk) next(ctx context.Context, q store.Querier) ([]*row, error) {
	var read []*row
	err := q.Query(ctx, `SELECT bucket, locator, version, moved, sealed FROM versions WHERE (bucket, locator, version) > (?, ?, ?)
ORDER BY bucket, locator, version LIMIT ?`, []any{w.bucket, w.locator, w.version, int64(w.step)}, func(s store.Scanner) error {
		r := &row{}
		read = append(read, r)
		return s.Scan(&r.bucket, &r.locator, &r.version, &r.moved, &r.sealed)
	})
	if err != nil {
		return nil, err
	}
	if w.done = len(read) < w.step; len(read) == 0 {
		return nil, nil
	}
	last := read[len(read)-1]
	w.bucket, w.locator, w.version = last.bucket, last.locator, last.version
	return newestOf(ctx, q, read, w.step)
}

// newestOf keeps the rows that their locators name, and adds what those say of them.
func newestOf(ctx context.Context, q store.Querier, read []*row, step int) ([]*row, error) {
	byLocator := make(map[int64]*row, len(read))
	locators := make([]int64, 0, len(read))
	for _, r := range read {
		if before, again := byLocator[r.locator]; !again {
			locators = append(locators, r.locator)
		} else if before.version > r.version {
			continue
		}
		byLocator[r.locator] = r
	}
	var page []*row
	err := q.Query(ctx, `SELECT locator, bucket, version, kind, updated FROM locators WHERE locator IN (`+marks(step)+`)`, padded(locators, step), func(s store.Scanner) error {
		var named row
		if err := s.Scan(&named.locator, &named.bucket, &named.version, &named.kind, &named.updated); err != nil {
			return err
		}
		if r := byLocator[named.locator]; r.bucket == named.bucket && r.version == named.version {
			r.kind, r.updated = named.kind, named.updated
			page = append(page, r)
		}
		return nil
	})
	return page, err
}
