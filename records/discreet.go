package records

import (
	"context"
	"math"
	"slices"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// carrying is a source of resources that carry one of several tokens: those with ordinary terms, and
// the sensitive ones.
type carrying struct {
	open     postings
	discreet discreet
}

func (s carrying) after(ctx context.Context, q store.Querier, p position, n int) ([]position, error) {
	found, err := s.open.after(ctx, q, p, n)
	if err != nil {
		return nil, err
	}
	end := behind()
	if len(found) == n {
		end = found[n-1] // none behind it is wanted now
	}
	more, err := s.discreet.between(ctx, q, p, end, n)
	if err != nil || len(more) == 0 {
		return found, err
	}
	found = append(found, more...)
	slices.SortFunc(found, position.compare)
	found = slices.Compact(found)
	return found[:min(n, len(found))], nil
}

// discreet finds the sensitive resources of a type that carry one of several tokens, in some buckets
// or all. It asks the markers which patients have any, and then for the terms of each of these:
// what it costs grows with their number.
type discreet struct {
	s      *Store
	in     slot
	marker int64
	tokens []int64
	where  area
}

// manyTokens is from where on it is no worse to open what carries the marker than to look for terms.
const manyTokens = 16

// between gives the first n candidates behind p in the buckets up to that of end, and may give some behind end.
func (d discreet) between(ctx context.Context, q store.Querier, p, end position, n int) ([]position, error) {
	var found []position
	from, more := p.Bucket, true
	for size := few * 4; more && from <= end.Bucket && len(found) < n; size = min(size*4, 1024) {
		var buckets []int64
		var err error
		if buckets, from, more, err = d.marked(ctx, q, from, size); err != nil {
			return nil, err
		}
		spots, err := d.spots(ctx, buckets, p)
		if err != nil {
			return nil, err
		}
		some, err := firstsAt(ctx, q, d.in, spots, n)
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
	}
	return found[:min(n, len(found))], nil
}

// marked gives buckets with sensitive resources of the type, from one on, looking at no more than size;
// next is where to go on when there may be more.
func (d discreet) marked(ctx context.Context, q store.Querier, from int64, size int) (list []int64, next int64, more bool, err error) {
	text := "SELECT DISTINCT bucket FROM " + d.in.table + " WHERE token = ? AND bucket >= ? ORDER BY bucket" + limitTo(size)
	args, last := []any{d.marker, from}, int64(math.MaxInt64)
	if !d.where.all {
		at, _ := slices.BinarySearch(d.where.buckets, from)
		group := d.where.buckets[at:min(at+size, len(d.where.buckets))]
		if len(group) == 0 {
			return nil, 0, false, nil
		}
		text, args = across{d.in.table, "bucket", "token = ?"}.statement(d.in.engine, group, size)
		args, last, more = append(args, d.marker), group[len(group)-1], at+size < len(d.where.buckets)
	}
	err = q.Query(ctx, text, args, func(sc store.Scanner) error {
		var b int64
		err := sc.Scan(&b)
		list = append(list, b)
		return err
	})
	if d.where.all && len(list) == size {
		last, more = list[size-1], list[size-1] < math.MaxInt64
	}
	if !more {
		return list, 0, false, err
	}
	return list, last + 1, true, err
}

// spots are where to look in buckets. A patient of whom no key is left was erased.
func (d discreet) spots(ctx context.Context, buckets []int64, p position) ([]spot, error) {
	var spots []spot
	for _, b := range buckets {
		if !ofOne(tutela.Bucket(b)) || len(d.tokens) > manyTokens {
			spots = append(spots, spotAt(d.marker, b, p))
			continue
		}
		k, err := d.s.termKey(ctx, tutela.Bucket(b))
		if errs.Is(err, errs.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		own, err := inPatient(k, d.tokens)
		if err != nil {
			return nil, err
		}
		for _, t := range own {
			spots = append(spots, spotAt(t, b, p))
		}
	}
	return spots, nil
}
