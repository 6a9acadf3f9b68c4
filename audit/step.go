package audit

import (
	"context"
	"crypto/hmac"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// build appends the leaves to the tree and computes every row to write.
func (l *Log) build(ctx context.Context, s *step) error {
	s.to.days = s.from.days
	s.tiles = make(map[tileID][]tlog.Hash)
	s.postings.Table = l.tables.postings
	keep := func(id tileID, hashes []tlog.Hash) { s.tiles[id] = hashes }
	for i := range s.batches {
		b := &s.batches[i]
		b.first = s.edge.size
		entries, err := unbundle(b.blob)
		if err != nil {
			return err
		}
		for _, e := range entries {
			s.edge.push(tlog.RecordHash(e), keep)
		}
		leaves := leavesOf(entries)
		for _, f := range leaves {
			s.to.days = s.to.days.on(int64(f.day))
		}
		found, err := l.leafTokens(ctx, leaves)
		if err != nil {
			return fmt.Errorf("index ledger batch: %w", err)
		}
		for token := range found {
			s.postings.Rows = append(s.postings.Rows, []any{token, b.first})
		}
	}
	s.edge.edge(func(id tileID, hashes []tlog.Hash) {
		if tileWidthAt(id, s.from.size) != len(hashes) {
			s.tiles[id] = hashes
		}
	})
	s.to.size, s.to.root = s.edge.size, s.edge.root()
	sortPostings(s.postings.Rows)
	return nil
}

// sortPostings puts rows in key order: a b-tree takes them faster, and two writers in one order
// do not deadlock.
func sortPostings(rows [][]any) {
	slices.SortFunc(rows, func(a, b []any) int {
		for i := range a {
			x, _ := a[i].(int64)
			y, _ := b[i].(int64)
			if x != y {
				if x < y {
					return -1
				}
				return 1
			}
		}
		return 0
	})
}

// write is the transaction: it happens only on top of the state that the step was built on.
func (l *Log) write(ctx context.Context, tx *store.Tx, s *step) error {
	now, found, err := readState(ctx, tx)
	if err != nil {
		return err
	}
	if found != (s.from.mac != nil) || !hmac.Equal(now.mac, s.from.mac) {
		return errs.New(errs.Conflict, "ledger was sequenced by another node meanwhile")
	}
	checkpoint, err := l.writeCheckpoint(ctx, tx, s)
	if err != nil {
		return err
	}
	pending, batches, tiles := l.stepRows(s)
	if err := tx.Insert(ctx, batches, s.postings, checkpoint); err != nil {
		return err
	}
	if err := tx.Upsert(ctx, tiles, l.stateRow(s.to)); err != nil {
		return err
	}
	return tx.Delete(ctx, pending)
}

func (l *Log) stepRows(s *step) (pending, batches, tiles store.Rows) {
	pending.Table, batches.Table, tiles.Table = l.tables.pending, l.tables.batches, l.tables.tiles
	for _, b := range s.batches {
		pending.Rows = append(pending.Rows, []any{b.lane.node, b.lane.number, b.seq})
		batches.Rows = append(batches.Rows, []any{b.first, b.count, b.lane.node, b.lane.number, b.seq, b.prev[:], b.mac, b.blob})
	}
	for id, hashes := range s.tiles {
		tiles.Rows = append(tiles.Rows, []any{id.level, id.index, appendHashes(nil, hashes)})
	}
	return pending, batches, tiles
}
