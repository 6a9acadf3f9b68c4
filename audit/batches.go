package audit

import (
	"context"
	"fmt"

	"github.com/tutela-health/tutela/store"
)

// The ends of the numbers that a column can hold, should a row have been put there.
const (
	maxInt = 1<<63 - 1
	minInt = -1 << 63
)

// pageBytes is about how much of the ledger is in memory at once when it is read in order.
const pageBytes = 4 << 20

// readPage gives the next batches that begin at a leaf from first to last, up to pageBytes, for work that must not
// happen while rows are open.
func readPage(ctx context.Context, q store.Querier, first, last int64) ([]stored, error) {
	var page []stored
	size := 0
	err := eachBatch(ctx, q, first, last, func(b stored) error {
		if size > pageBytes {
			return errStop
		}
		size += len(b.blob)
		page = append(page, b)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read ledger batches: %w", err)
	}
	return page, nil
}

// eachLeaf yields sequenced leaves from one on, in order, until errStop or the end of the batch that last is in.
func eachLeaf(ctx context.Context, q store.Querier, from, last int64, yield func(int64, []byte) error) error {
	next, found, err := batchHolding(ctx, q, from)
	if err != nil || !found {
		return err
	}
	for {
		page, err := readPage(ctx, q, next, last)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, b := range page {
			if err := b.leaves(from, yield); err != nil {
				return untilStop(err)
			}
			next = b.first + 1
		}
	}
}

// leaves yields a batch's leaves with their indices, from one on.
func (b stored) leaves(from int64, yield func(int64, []byte) error) error {
	entries, err := unbundle(b.blob)
	if err != nil {
		return tampered(b.where(), err.Error())
	}
	for i, e := range entries {
		if at := b.first + int64(i); at >= from {
			if err := yield(at, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// everyBatch yields all sequenced batches in order, a page at a time; no query is open meanwhile.
func everyBatch(ctx context.Context, q store.Querier, yield func(stored) error) error {
	for first := int64(minInt); ; {
		page, err := readPage(ctx, q, first, maxInt)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, b := range page {
			if err := yield(b); err != nil {
				return err
			}
			first = b.first
		}
		if first == maxInt {
			return nil
		}
		first++
	}
}

// where names a batch's row.
func (b stored) where() string { return fmt.Sprintf("ledger_batches first_leaf %d", b.first) }
