package records

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/tutela-health/tutela/store"
)

// across asks one table about many buckets in one statement.
type across struct {
	table     string
	columns   string // also the order
	condition string // beside the bucket
}

// statement gives the first n rows of all buckets together, as text and the arguments that come before those
// of the condition. PostgreSQL is told to look into the index once for each bucket: from what it
// reckons a token to have on average, it would rather read all that a frequent one has.
func (a across) statement(engine store.Engine, buckets []int64, n int) (text string, args []any) {
	last := " ORDER BY " + a.columns + limitTo(n)
	if engine == store.Postgres {
		return "SELECT DISTINCT found.* FROM unnest(CAST(CAST(? AS text) AS bigint[])) AS asked(bucket) CROSS JOIN LATERAL (SELECT " + a.columns +
			" FROM " + a.table + " AS t WHERE t.bucket = asked.bucket AND " + a.condition + last + ") AS found" + last, []any{array(buckets)}
	}
	args = padded(buckets, width(len(buckets)))
	return "SELECT DISTINCT " + a.columns + " FROM " + a.table + " AS t WHERE t.bucket IN (" + marks(len(args)) + ") AND " + a.condition + last, args
}

// spot is a token in one bucket, behind a locator.
type spot struct{ token, bucket, behind int64 }

// spotAt is where to go on behind a position.
func spotAt(token, bucket int64, p position) spot {
	if bucket == p.Bucket {
		return spot{token, bucket, p.Locator}
	}
	return spot{token, bucket, math.MinInt64}
}

// firstsAt gives the first n rows of all spots together.
func firstsAt(ctx context.Context, q store.Querier, in slot, spots []spot, n int) ([]position, error) {
	if len(spots) <= few {
		text := "SELECT bucket, locator FROM " + in.table + " WHERE token = ? AND bucket = ? AND locator > ? ORDER BY locator"
		var arms [][]any
		for _, s := range spots {
			arms = append(arms, []any{s.token, s.bucket, s.behind})
		}
		return firsts(ctx, q, text, arms, n)
	}
	var found []position
	for part := range slices.Chunk(spots, 1024) {
		text, args := manySpots(in, part, width(n))
		more, err := places(ctx, q, text, args)
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	slices.SortFunc(found, position.compare)
	found = slices.Compact(found)
	return found[:min(n, len(found))], nil
}

// manySpots is one statement for many spots.
func manySpots(in slot, spots []spot, n int) (text string, args []any) {
	const last = " ORDER BY bucket, locator"
	if in.engine == store.Postgres {
		var tokens, buckets, behind []int64
		for _, s := range spots {
			tokens, buckets, behind = append(tokens, s.token), append(buckets, s.bucket), append(behind, s.behind)
		}
		const list = "CAST(CAST(? AS text) AS bigint[])"
		return "SELECT DISTINCT found.* FROM unnest(" + list + ", " + list + ", " + list + ") AS asked(token, bucket, behind) CROSS JOIN LATERAL (SELECT bucket, locator FROM " +
				in.table + " AS t WHERE t.token = asked.token AND t.bucket = asked.bucket AND t.locator > asked.behind" + last + limitTo(n) + ") AS found" + last + limitTo(n),
			[]any{array(tokens), array(buckets), array(behind)}
	}
	w := width(len(spots))
	for i := range w {
		s := spots[min(i, len(spots)-1)]
		args = append(args, s.token, s.bucket, s.behind)
	}
	return "WITH asked(token, bucket, behind) AS (VALUES " + strings.TrimSuffix(strings.Repeat("(?, ?, ?), ", w), ", ") + ") SELECT DISTINCT t.bucket, t.locator FROM asked CROSS JOIN " +
		in.table + " AS t WHERE t.token = asked.token AND t.bucket = asked.bucket AND t.locator > asked.behind ORDER BY t.bucket, t.locator" + limitTo(n), args
}

// array is a list as PostgreSQL writes it.
func array(list []int64) string {
	var b strings.Builder
	for i, n := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatInt(n, 10))
	}
	return "{" + b.String() + "}"
}
