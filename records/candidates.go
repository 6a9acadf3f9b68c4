package records

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"
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
	arm, args := s.arms(p, width(n))
	var found []position
	for part := range slices.Chunk(args, maxArms) {
		more, err := union(ctx, q, arm, part, width(n))
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

// union asks for the first rows of all arms together. The limit stands in the text, as one of few:
// SQLite compiles a statement anew for each value that is bound to a LIMIT, which takes ten times as
// long as to run it.
func union(ctx context.Context, q store.Querier, arm string, args [][]any, limit int) ([]position, error) {
	text, all := arm, args[0]
	if len(args) > 1 {
		arms := make([]string, width(len(args))) // the last arm is repeated, so that few statements are prepared
		all = nil
		for i := range arms {
			arms[i] = "SELECT * FROM (" + arm + ") AS arm"
			all = append(all, args[min(i, len(args)-1)]...)
		}
		text = "SELECT bucket, locator FROM (" + strings.Join(arms, " UNION ") + ") AS merged ORDER BY bucket, locator" + limitTo(limit)
	}
	var found []position
	err := q.Query(ctx, text, all, func(sc store.Scanner) error {
		var c position
		if err := sc.Scan(&c.Bucket, &c.Locator); err != nil {
			return err
		}
		found = append(found, c)
		return nil
	})
	return found, err
}

func limitTo(n int) string { return " LIMIT " + strconv.Itoa(n) }

// arms gives the text of one arm of the union and the arguments of each.
func (s postings) arms(p position, limit int) (text string, args [][]any) {
	text = "SELECT bucket, locator FROM " + s.table
	if len(s.buckets) == 0 {
		for _, t := range s.tokens {
			args = append(args, []any{t, p.Bucket, p.Locator})
		}
		return text + " WHERE token = ? AND (bucket, locator) > (?, ?) ORDER BY bucket, locator" + limitTo(limit), args
	}
	for _, b := range s.buckets {
		from := int64(math.MinInt64)
		switch {
		case b < p.Bucket:
			continue
		case b == p.Bucket:
			from = p.Locator
		}
		for _, t := range s.tokens {
			args = append(args, []any{t, b, from})
		}
	}
	return text + " WHERE token = ? AND bucket = ? AND locator > ? ORDER BY locator" + limitTo(limit), args
}

// kinds is a source of all resources of a type, in some buckets or all, by bucket and time.
type kinds struct {
	kind    int64
	buckets []int64
}

func (s kinds) after(ctx context.Context, q store.Querier, p position, n int) ([]position, error) {
	const all = `SELECT bucket, updated, locator FROM locators
WHERE kind = ? AND (bucket, updated, locator) > (?, ?, ?) ORDER BY bucket, updated, locator`
	const one = `SELECT bucket, updated, locator FROM locators
WHERE kind = ? AND bucket = ? AND (updated, locator) > (?, ?) ORDER BY updated, locator`
	if len(s.buckets) == 0 {
		return scanPositions(ctx, q, all, n, s.kind, p.Bucket, p.Updated, p.Locator)
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
		more, err := scanPositions(ctx, q, one, n-len(found), s.kind, b, from.Updated, from.Locator)
		if err != nil {
			return nil, err
		}
		if found = append(found, more...); len(found) >= n {
			break
		}
	}
	return found, nil
}

// scanPositions asks for the first n rows of a statement.
func scanPositions(ctx context.Context, q store.Querier, text string, n int, args ...any) ([]position, error) {
	var found []position
	err := q.Query(ctx, text+limitTo(width(n)), args, func(s store.Scanner) error {
		var c position
		if err := s.Scan(&c.Bucket, &c.Updated, &c.Locator); err != nil {
			return err
		}
		found = append(found, c)
		return nil
	})
	return found[:min(n, len(found))], err
}
