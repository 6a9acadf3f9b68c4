package records

import (
	"cmp"
	"context"
	"math"
	"slices"

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

// behind is the position behind everything.
func behind() position { return position{math.MaxInt64, math.MaxInt64, math.MaxInt64} }

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

// kinds is a source of all resources of a type, in some buckets or all, by bucket and time.
type kinds struct {
	engine store.Engine
	kind   int64
	where  area
}

func (s *Store) kinds(typ string, where area) kinds {
	return kinds{s.db.Engine(), s.kind(typ), where}
}

func (s kinds) after(ctx context.Context, q store.Querier, p position, n int) ([]position, error) {
	const all = `SELECT bucket, updated, locator FROM locators
WHERE kind = ? AND (bucket, updated, locator) > (?, ?, ?) ORDER BY bucket, updated, locator`
	if s.where.all {
		return timed(ctx, q, all+limitTo(width(n)), n, s.kind, p.Bucket, p.Updated, p.Locator)
	}
	return overBuckets(s.where.buckets, p, n, func(group []int64) ([]position, error) {
		if len(group) <= few {
			return s.oneByOne(ctx, q, group, p, n)
		}
		return s.together(ctx, q, group, p, n)
	})
}

// oneByOne asks each bucket for its first rows, which an index gives in order.
func (s kinds) oneByOne(ctx context.Context, q store.Querier, group []int64, p position, n int) ([]position, error) {
	const text = `SELECT bucket, updated, locator FROM locators
WHERE kind = ? AND bucket = ? AND (updated, locator) > (?, ?) ORDER BY updated, locator`
	var found []position
	for _, b := range group {
		from := beginning()
		if b == p.Bucket {
			from = p
		}
		more, err := timed(ctx, q, text+limitTo(width(n-len(found))), n-len(found), s.kind, b, from.Updated, from.Locator)
		if err != nil {
			return nil, err
		}
		if found = append(found, more...); len(found) >= n {
			break
		}
	}
	return found, nil
}

// together asks for the first rows of many buckets in one statement.
func (s kinds) together(ctx context.Context, q store.Querier, group []int64, p position, n int) ([]position, error) {
	text, args := across{"locators", "bucket, updated, locator", "kind = ? AND NOT (t.bucket = ? AND (updated, locator) <= (?, ?))"}.
		statement(s.engine, group, width(n))
	return timed(ctx, q, text, n, append(args, s.kind, p.Bucket, p.Updated, p.Locator)...)
}

// timed reads positions with a time, the first n of them.
func timed(ctx context.Context, q store.Querier, text string, n int, args ...any) ([]position, error) {
	var found []position
	err := q.Query(ctx, text, args, func(s store.Scanner) error {
		var c position
		if err := s.Scan(&c.Bucket, &c.Updated, &c.Locator); err != nil {
			return err
		}
		found = append(found, c)
		return nil
	})
	return found[:min(n, len(found))], err
}

// few is how many buckets are asked one by one: each gives its first rows, however many it has. More
// are asked together, which reads all their rows that fit, and is worth it where most have few.
const few = 4

// overBuckets asks groups of buckets for candidates behind a position, first a few buckets and then
// more, until there are n. What it costs depends on those buckets alone: whether others have
// anything that fits, nobody learns by the time that it takes.
func overBuckets(buckets []int64, p position, n int, ask func(group []int64) ([]position, error)) ([]position, error) {
	var found []position
	at, _ := slices.BinarySearch(buckets, p.Bucket)
	for size := few; at < len(buckets) && len(found) < n; size = min(size*16, 1024) {
		group := buckets[at:min(at+size, len(buckets))]
		at += len(group)
		more, err := ask(group)
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	return found[:min(n, len(found))], nil
}
