package records

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"github.com/tutela-health/tutela/store"
)

// position is where a candidate stands in the order of its source: by bucket, then time (where
// the source knows it), then locator.
type position struct {
	Bucket  int64 `json:"b"`
	Updated int64 `json:"u"`
	Locator int64 `json:"l"`
}

func beginning() position {
	return position{math.MinInt64, math.MinInt64, math.MinInt64}
}

func (p position) compare(q position) int {
	return cmp.Or(cmp.Compare(p.Bucket, q.Bucket), cmp.Compare(p.Updated, q.Updated), cmp.Compare(p.Locator, q.Locator))
}

// source yields candidates for a search: a superset of its matches, in a fixed order.
type source interface {
	// after gives the next candidates behind a position, at most n; none at the end.
	after(ctx context.Context, q store.Querier, p position, n int) ([]position, error)
}

// listed is a source of resources that are named.
type listed struct{ positions []position }

func listedSource(locators []int64) listed {
	l := listed{}
	for _, loc := range locators {
		l.positions = append(l.positions, position{Locator: loc})
	}
	slices.SortFunc(l.positions, position.compare)
	return l
}

func (l listed) after(_ context.Context, _ store.Querier, p position, n int) ([]position, error) {
	i, found := slices.BinarySearchFunc(l.positions, p, position.compare)
	if found {
		i++
	}
	return l.positions[i:min(i+n, len(l.positions))], nil
}

// postings is a source of resources that carry one of several tokens, in some buckets or all. It
// asks for each token's first rows in one statement and merges them.
type postings struct {
	table   string
	tokens  []int64
	buckets []int64 // none: all
}

func (s postings) after(ctx context.Context, q store.Querier, p position, n int) ([]position, error) {
	arm, args := s.arms(p, n)
	var found []position
	for part := range slices.Chunk(args, maxArms) {
		more, err := union(ctx, q, arm, part, n)
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	if len(args) > maxArms {
		slices.SortFunc(found, position.compare)
		found = slices.Compact(found)
	}
	return found[:min(n, len(found))], nil
}

// maxArms bounds one statement; SQLite takes at most 500 arms.
const maxArms = 256

// union asks for the first n rows of all arms together.
func union(ctx context.Context, q store.Querier, arm string, args [][]any, n int) ([]position, error) {
	arms := make([]string, width(len(args))) // the last arm is repeated, so that few statements are prepared
	var all []any
	for i := range arms {
		arms[i] = arm
		all = append(all, args[min(i, len(args)-1)]...)
	}
	text := "SELECT bucket, locator FROM (" + strings.Join(arms, " UNION ") + ") AS merged ORDER BY bucket, locator LIMIT ?"
	var found []position
	err := q.Query(ctx, text, append(all, int64(n)), func(sc store.Scanner) error {
		var c position
		if err := sc.Scan(&c.Bucket, &c.Locator); err != nil {
			return err
		}
		found = append(found, c)
		return nil
	})
	return found, err
}

// arms gives the text of one arm of the union and the arguments of each.
func (s postings) arms(p position, n int) (text string, args [][]any) {
	if len(s.buckets) == 0 {
		text = "SELECT * FROM (SELECT bucket, locator FROM " + s.table +
			" WHERE token = ? AND (bucket, locator) > (?, ?) ORDER BY bucket, locator LIMIT ?) AS arm"
		for _, t := range s.tokens {
			args = append(args, []any{t, p.Bucket, p.Locator, int64(n)})
		}
		return text, args
	}
	text = "SELECT * FROM (SELECT bucket, locator FROM " + s.table +
		" WHERE token = ? AND bucket = ? AND locator > ? ORDER BY locator LIMIT ?) AS arm"
	for _, b := range s.buckets {
		from := int64(math.MinInt64)
		switch {
		case b < p.Bucket:
			continue
		case b == p.Bucket:
			from = p.Locator
		}
		for _, t := range s.tokens {
			args = append(args, []any{t, b, from, int64(n)})
		}
	}
	return text, args
}

// kinds is a source of all resources of a type, in some buckets or all, by bucket and time.
type kinds struct {
	kind    int64
	buckets []int64
}

func (s kinds) after(ctx context.Context, q store.Querier, p position, n int) ([]position, error) {
	const all = `SELECT bucket, updated, locator FROM locators
WHERE kind = ? AND (bucket, updated, locator) > (?, ?, ?) ORDER BY bucket, updated, locator LIMIT ?`
	const one = `SELECT bucket, updated, locator FROM locators
WHERE kind = ? AND bucket = ? AND (updated, locator) > (?, ?) ORDER BY updated, locator LIMIT ?`
	if len(s.buckets) == 0 {
		return scanPositions(ctx, q, all, s.kind, p.Bucket, p.Updated, p.Locator, int64(n))
	}
	var found []position
	for _, b := range s.buckets { // sorted
		from := position{Updated: math.MinInt64, Locator: math.MinInt64}
		switch {
		case b < p.Bucket:
			continue
		case b == p.Bucket:
			from = p
		}
		more, err := scanPositions(ctx, q, one, s.kind, b, from.Updated, from.Locator, int64(n-len(found)))
		if err != nil {
			return nil, err
		}
		if found = append(found, more...); len(found) >= n {
			break
		}
	}
	return found, nil
}

func scanPositions(ctx context.Context, q store.Querier, text string, args ...any) ([]position, error) {
	var found []position
	err := q.Query(ctx, text, args, func(s store.Scanner) error {
		var c position
		if err := s.Scan(&c.Bucket, &c.Updated, &c.Locator); err != nil {
			return err
		}
		found = append(found, c)
		return nil
	})
	return found, err
}
