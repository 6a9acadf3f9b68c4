package audit

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/tutela-health/tutela/store"
)

// exactly32 reads a hash. A value of another length gives one that nothing hashes to: an edit that
// makes it longer or shorter must not pass for the zero hash that a chain begins with.
func exactly32(b []byte) (h [32]byte) {
	if len(b) != len(h) {
		return sha256.Sum256(append([]byte("no hash: "), b...))
	}
	copy(h[:], b)
	return h
}

func readHead(ctx context.Context, q store.Querier, id laneID) (h head, mac []byte, found bool, err error) {
	var hash []byte
	found, err = q.QueryRow(ctx, "SELECT seq, hash, mac FROM ledger_heads WHERE node = ? AND lane = ?",
		[]any{id.node, id.number}, &h.seq, &hash, &mac)
	if err != nil {
		return h, nil, false, fmt.Errorf("read ledger head: %w", err)
	}
	h.hash = exactly32(hash)
	return h, mac, found, nil
}

func eachHead(ctx context.Context, q store.Querier, yield func(laneID, head, []byte) error) error {
	return q.Query(ctx, "SELECT node, lane, seq, hash, mac FROM ledger_heads ORDER BY node, lane", nil,
		func(s store.Scanner) error {
			var id laneID
			var h head
			var hash, mac []byte
			if err := s.Scan(&id.node, &id.number, &h.seq, &hash, &mac); err != nil {
				return err
			}
			h.hash = exactly32(hash)
			return yield(id, h, mac)
		})
}

// pendingPage is how many pending rows one query gives.
const pendingPage = 4096

// eachPending yields up to pendingPage pending rows after one, or from the first when after is
// nil, lane by lane in their order.
func eachPending(ctx context.Context, q store.Querier, after *batch, yield func(batch) error) error {
	where, args := "", []any{int64(pendingPage)}
	if after != nil {
		where = " WHERE (node, lane, seq) > (?, ?, ?)"
		args = []any{after.lane.node, after.lane.number, after.seq, int64(pendingPage)}
	}
	sql := "SELECT node, lane, seq, prev, mac, blob FROM ledger_pending" + where + " ORDER BY node, lane, seq LIMIT ?"
	return untilStop(q.Query(ctx, sql, args, func(s store.Scanner) error {
		var b batch
		var prev []byte
		if err := s.Scan(&b.lane.node, &b.lane.number, &b.seq, &prev, &b.mac, &b.blob); err != nil {
			return err
		}
		b.prev = exactly32(prev)
		return yield(b)
	}))
}

// everyPending yields all pending rows, lane by lane in their order.
func everyPending(ctx context.Context, q store.Querier, yield func(batch) error) error {
	var last *batch
	for {
		n := 0
		err := eachPending(ctx, q, last, func(b batch) error {
			n, last = n+1, &b
			return yield(b)
		})
		if err != nil || n < pendingPage {
			return err
		}
	}
}

// errStop ends a query early without being an error.
var errStop = errors.New("stop")

func untilStop(err error) error {
	if errors.Is(err, errStop) {
		return nil
	}
	return err
}

// stored is a sequenced batch as a row.
type stored struct {
	first, count int64
	batch
}

const batchColumns = "SELECT first_leaf, count, node, lane, seq, prev, mac, blob FROM ledger_batches"

// scan reads a row of batchColumns.
func (b *stored) scan(s store.Scanner) error {
	var prev []byte
	err := s.Scan(&b.first, &b.count, &b.lane.node, &b.lane.number, &b.seq, &prev, &b.mac, &b.blob)
	b.prev = exactly32(prev)
	return err
}

// eachBatch yields sequenced batches whose first leaf is from first to last, in order: all, or some
// thousands.
func eachBatch(ctx context.Context, q store.Querier, first, last int64, yield func(stored) error) error {
	return untilStop(q.Query(ctx, batchColumns+" WHERE first_leaf >= ? AND first_leaf <= ? ORDER BY first_leaf LIMIT 4096", []any{first, last},
		func(s store.Scanner) error {
			var b stored
			if err := b.scan(s); err != nil {
				return err
			}
			return yield(b)
		}))
}

func readBatch(ctx context.Context, q store.Querier, first int64) (b stored, found bool, err error) {
	err = q.Query(ctx, batchColumns+" WHERE first_leaf = ?", []any{first}, func(s store.Scanner) error {
		found = true
		return b.scan(s)
	})
	if err != nil {
		return b, false, fmt.Errorf("read ledger batch: %w", err)
	}
	return b, found, nil
}

// readBatches reads those that begin at some leaves, in the order of the tree. A part of a list that is shorter than others is
// filled up with its last, so that there is one statement for all.
func readBatches(ctx context.Context, q store.Querier, firsts []int64) ([]stored, error) {
	args := make([]any, atOnce)
	for i := range args {
		args[i] = firsts[min(i, len(firsts)-1)]
	}
	var list []stored
	err := q.Query(ctx, batchColumns+" WHERE first_leaf IN (?"+strings.Repeat(", ?", atOnce-1)+") ORDER BY first_leaf", args, func(s store.Scanner) error {
		var b stored
		err := b.scan(s)
		list = append(list, b)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read ledger batches: %w", err)
	}
	return list, nil
}

// batchHolding gives the first leaf of the batch that a leaf would be in.
func batchHolding(ctx context.Context, q store.Querier, leaf int64) (first int64, found bool, err error) {
	found, err = q.QueryRow(ctx, "SELECT first_leaf FROM ledger_batches WHERE first_leaf <= ? ORDER BY first_leaf DESC LIMIT 1",
		[]any{leaf}, &first)
	return first, found, err
}

func readTile(ctx context.Context, q store.Querier, id tileID) (hashes []byte, found bool, err error) {
	found, err = q.QueryRow(ctx, "SELECT hashes FROM ledger_tiles WHERE level = ? AND idx = ?",
		[]any{id.level, id.index}, &hashes)
	if err != nil {
		return nil, false, fmt.Errorf("read ledger tile: %w", err)
	}
	return hashes, found, nil
}

func eachTileID(ctx context.Context, q store.Querier, yield func(tileID) error) error {
	return q.Query(ctx, "SELECT level, idx FROM ledger_tiles ORDER BY level, idx", nil, func(s store.Scanner) error {
		var id tileID
		if err := s.Scan(&id.level, &id.index); err != nil {
			return err
		}
		return yield(id)
	})
}

// stateRow is the ledger's state as stored.
type stateRow struct {
	size             int64
	days             days
	root, lanes, mac []byte
}

func readState(ctx context.Context, q store.Querier) (r stateRow, found bool, err error) {
	found, err = q.QueryRow(ctx, "SELECT size, root, first_day, last_day, lanes, mac FROM ledger_state WHERE id = 0", nil,
		&r.size, &r.root, &r.days.first, &r.days.last, &r.lanes, &r.mac)
	if err != nil {
		return r, false, fmt.Errorf("read ledger state: %w", err)
	}
	return r, found, nil
}

// countStates tells how many rows there are where one belongs.
func countStates(ctx context.Context, q store.Querier) (n int64, err error) {
	_, err = q.QueryRow(ctx, "SELECT COUNT(*) FROM ledger_state", nil, &n)
	return n, err
}

func countBatches(ctx context.Context, q store.Querier) (n int64, err error) {
	_, err = q.QueryRow(ctx, "SELECT COUNT(*) FROM ledger_batches", nil, &n)
	return n, err
}

// keptCheckpoint is a checkpoint as stored.
type keptCheckpoint struct {
	size, prev, at int64
	note, mac      []byte
}

const checkpointColumns = "SELECT size, prev, at, note, mac FROM ledger_checkpoints"

func readCheckpoint(ctx context.Context, q store.Querier, size int64) (k keptCheckpoint, found bool, err error) {
	found, err = q.QueryRow(ctx, checkpointColumns+" WHERE size = ?", []any{size},
		&k.size, &k.prev, &k.at, &k.note, &k.mac)
	if err != nil {
		return k, false, fmt.Errorf("read ledger checkpoint: %w", err)
	}
	return k, found, nil
}

// eachCheckpoint yields the checkpoints, the largest first.
func eachCheckpoint(ctx context.Context, q store.Querier, yield func(keptCheckpoint) error) error {
	return untilStop(q.Query(ctx, checkpointColumns+" ORDER BY size DESC", nil, func(s store.Scanner) error {
		var k keptCheckpoint
		if err := s.Scan(&k.size, &k.prev, &k.at, &k.note, &k.mac); err != nil {
			return err
		}
		return yield(k)
	}))
}

func eachSigner(ctx context.Context, q store.Querier, yield func(number int64, vkey string, mac []byte) error) error {
	return q.Query(ctx, "SELECT number, vkey, mac FROM ledger_signers ORDER BY number", nil, func(s store.Scanner) error {
		var n int64
		var vkey string
		var mac []byte
		if err := s.Scan(&n, &vkey, &mac); err != nil {
			return err
		}
		return yield(n, vkey, mac)
	})
}

// postingsOf lists the batches under a token within [from, to], ascending.
func postingsOf(ctx context.Context, q store.Querier, token int64, yield func(first int64) error) error {
	return q.Query(ctx, "SELECT first_leaf FROM ledger_postings WHERE token = ? ORDER BY first_leaf", []any{token},
		func(s store.Scanner) error {
			var first int64
			if err := s.Scan(&first); err != nil {
				return err
			}
			return yield(first)
		})
}

// newestBatches yields where so many batches before a leaf begin, and how many leaves they have, the last first.
func newestBatches(ctx context.Context, q store.Querier, below int64, limit int, yield func(first, count int64) error) error {
	return q.Query(ctx, "SELECT first_leaf, count FROM ledger_batches WHERE first_leaf < ? ORDER BY first_leaf DESC LIMIT ?", []any{below, int64(limit)},
		func(s store.Scanner) error {
			var first, count int64
			if err := s.Scan(&first, &count); err != nil {
				return err
			}
			return yield(first, count)
		})
}

func hasPosting(ctx context.Context, q store.Querier, token, first int64) (bool, error) {
	var one int64
	return q.QueryRow(ctx, "SELECT 1 FROM ledger_postings WHERE token = ? AND first_leaf = ?", []any{token, first}, &one)
}

// everyPosting yields all postings, in no order.
func everyPosting(ctx context.Context, q store.Querier, yield func(token, first int64) error) error {
	return q.Query(ctx, "SELECT token, first_leaf FROM ledger_postings", nil, postingRow(yield))
}

func postingRow(yield func(token, first int64) error) func(store.Scanner) error {
	return func(s store.Scanner) error {
		var token, first int64
		if err := s.Scan(&token, &first); err != nil {
			return err
		}
		return yield(token, first)
	}
}

// eachPosting yields some thousands of postings after a place, in key order.
func eachPosting(ctx context.Context, q store.Querier, token, first int64, yield func(token, first int64) error) error {
	return q.Query(ctx, `SELECT token, first_leaf FROM ledger_postings
WHERE (token, first_leaf) > (?, ?) ORDER BY token, first_leaf LIMIT 4096`, []any{token, first}, postingRow(yield))
}
