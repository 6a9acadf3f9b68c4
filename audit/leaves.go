package audit

import (
	"context"
	"fmt"
	"math/bits"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// Span is the leaves from one on to before another.
type Span struct{ From, End int64 }

// Leaf is an entry of the tree with its header opened, for whoever may audit: its sealed bytes are what the tree holds, and
// the disclosure shows what they say.
type Leaf struct {
	Index  int64
	Sealed []byte
	Header Disclosure
	Entry  tutela.Entry
}

// Leaves calls f for the leaves of spans, in order. Rows are not held open meanwhile. Spans are sorted and do not overlap.
func (l *Log) Leaves(ctx context.Context, spans []Span, f func(Leaf) error) error {
	for _, s := range spans {
		for at := s.From; at < s.End; {
			page, err := l.page(ctx, at, s.End-1)
			if err != nil {
				return err
			}
			if len(page) == 0 {
				return errs.New(errs.NotFound, "no leaf %d in the tree", at)
			}
			for _, p := range page {
				if p.index >= s.End {
					break
				}
				if err := l.leaf(ctx, p, f); err != nil {
					return err
				}
			}
			at = page[len(page)-1].index + 1
		}
	}
	return nil
}

func (l *Log) leaf(ctx context.Context, p indexed, f func(Leaf) error) error {
	parsed, err := parseLeaf(p.entry)
	if err != nil {
		return unreadable(p.index, fmt.Errorf("%w: %w", ErrTampered, err))
	}
	salted, err := l.openHeader(ctx, parsed)
	if err != nil {
		return unreadable(p.index, err)
	}
	entry, err := decodeHeader(salted[saltSize:])
	if err != nil {
		return unreadable(p.index, err)
	}
	return f(Leaf{p.index, p.entry, disclosure(Header, salted), entry})
}

// Inclusion shows that leaves are in a tree: from their hashes and these the root of the signed checkpoint follows.
type Inclusion struct {
	Checkpoint []byte // signed note
	Size       int64
	Hashes     []tlog.Hash // of the largest whole subtrees without any of the leaves, from left to right
}

// Include proves the leaves of spans under the newest checkpoint. Spans are sorted and do not overlap.
func (l *Log) Include(ctx context.Context, spans []Span) (Inclusion, error) {
	var in Inclusion
	err := l.cfg.DB.Snapshot(ctx, func(q store.Querier) error {
		st, err := l.readState(ctx, q)
		if err != nil {
			return err
		}
		if len(spans) > 0 && spans[len(spans)-1].End > st.size {
			return errs.New(errs.NotFound, "no such leaf in the tree of %d", st.size)
		}
		k, err := l.keptCheckpoint(ctx, q, st.size)
		if err != nil {
			return err
		}
		in.Size, in.Checkpoint = st.size, k.note
		in.Hashes, err = hashReader(ctx, q).ReadHashes(without(nil, 0, st.size, spans))
		return err
	})
	if err != nil {
		return Inclusion{}, fmt.Errorf("prove leaves: %w", err)
	}
	return in, nil
}

// without appends the places of the largest whole subtrees of [from, end) that have none of the spans' leaves. A subtree
// is split as RFC 6962 splits it: at the largest power of two below its size.
func without(places []int64, from, end int64, spans []Span) []int64 {
	size := end - from
	if size <= 0 {
		return places
	}
	i, _ := slices.BinarySearchFunc(spans, from, func(s Span, at int64) int {
		if s.End <= at {
			return -1
		}
		return 1
	})
	spans = spans[i:]
	touched := len(spans) > 0 && spans[0].From < end
	level := bits.TrailingZeros64(uint64(size))
	switch {
	case !touched && size == 1<<level:
		return append(places, tlog.StoredHashIndex(level, from>>level))
	case touched && spans[0].From <= from && spans[0].End >= end:
		return places
	}
	split := int64(1) << (bits.Len64(uint64(size-1)) - 1)
	return without(without(places, from, from+split, spans), from+split, end, spans)
}
