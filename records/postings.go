package records

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/tutela-health/tutela/store"
)

// postings is a source of resources that carry one of several ordinary tokens, in some buckets or all.
type postings struct {
	in     slot
	tokens []int64
	where  area
}

func (s postings) after(ctx context.Context, q store.Querier, p position, n int) ([]position, error) {
	if s.where.all {
		text := "SELECT bucket, locator FROM " + s.in.table + " WHERE token = ? AND (bucket, locator) > (?, ?) ORDER BY bucket, locator"
		var arms [][]any
		for _, t := range s.tokens {
			arms = append(arms, []any{t, p.Bucket, p.Locator})
		}
		return firsts(ctx, q, text, arms, n)
	}
	return overBuckets(s.where.buckets, p, n, func(group []int64) ([]position, error) {
		if len(group) <= few {
			return s.oneByOne(ctx, q, group, p, n)
		}
		return s.together(ctx, q, group, p, n)
	})
}

// oneByOne asks for the first rows of each token in each bucket.
func (s postings) oneByOne(ctx context.Context, q store.Querier, group []int64, p position, n int) ([]position, error) {
	var spots []spot
	for _, b := range group {
		for _, t := range s.tokens {
			spots = append(spots, spotAt(t, b, p))
		}
	}
	return firstsAt(ctx, q, s.in, spots, n)
}

// together asks for the first rows of all tokens in many buckets.
func (s postings) together(ctx context.Context, q store.Querier, group []int64, p position, n int) ([]position, error) {
	tokens := padded(s.tokens, width(len(s.tokens)))
	text, args := across{s.in.table, "bucket, locator", "token IN (" + marks(len(tokens)) + ") AND NOT (t.bucket = ? AND locator <= ?)"}.
		statement(s.in.engine, group, width(n))
	found, err := places(ctx, q, text, slices.Concat(args, tokens, []any{p.Bucket, p.Locator}))
	return found[:min(n, len(found))], err
}

// maxArms bounds one statement; SQLite takes at most 500 arms.
const maxArms = 256

// firsts merges the first n rows that a statement gives for each of several lists of arguments.
func firsts(ctx context.Context, q store.Querier, text string, arms [][]any, n int) ([]position, error) {
	text += limitTo(width(n))
	var found []position
	for part := range slices.Chunk(arms, maxArms) {
		more, err := union(ctx, q, text, part, width(n))
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	if len(arms) > maxArms {
		slices.SortFunc(found, position.compare)
		found = slices.Compact(found)
	}
	return found[:min(n, len(found))], nil
}

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
	return places(ctx, q, text, all)
}

// places reads positions without a time.
func places(ctx context.Context, q store.Querier, text string, args []any) ([]position, error) {
	var found []position
	err := q.Query(ctx, text, args, func(sc store.Scanner) error {
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
