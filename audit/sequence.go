package audit

import (
	"context"
	"crypto/hmac"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// maxStep is about how many bytes of entries one transaction sequences.
const maxStep = 8 << 20

// firstCheckpoint is the prev of a checkpoint that has no other before it.
const firstCheckpoint = -1

// Sequence moves every pending row into the tree and signs a checkpoint, in as many
// transactions as Limit asks for, and says how many leaves that were. Only one node sequences:
// while another holds the lease the error's kind is errs.Conflict. Rows that do not verify are
// ErrTampered, and stay where they are.
func (l *Log) Sequence(ctx context.Context) (int64, error) {
	l.sequencing.Lock()
	defer l.sequencing.Unlock()
	var done int64
	for {
		n, err := l.step(ctx)
		done += n
		if err != nil {
			return done, fmt.Errorf("sequence ledger: %w", err)
		}
		if n == 0 {
			return done, nil
		}
	}
}

// step sequences one transaction's worth. The work is done before the transaction begins: what
// is pending never changes, and only the lease's holder takes it away. The transaction then
// makes sure that both still hold.
func (l *Log) step(ctx context.Context) (int64, error) {
	var s *step
	err := l.cfg.DB.Snapshot(ctx, func(q store.Querier) (err error) {
		s, err = l.gather(ctx, q)
		return err
	})
	if err != nil || len(s.batches) == 0 {
		return 0, err
	}
	lease, err := l.hold(ctx)
	if err != nil {
		return 0, err
	}
	if err := l.build(ctx, s); err != nil {
		return 0, err
	}
	err = l.cfg.DB.Update(ctx, func(tx *store.Tx) error {
		if err := tx.Fence(ctx, lease); err != nil {
			return err
		}
		return l.write(ctx, tx, s)
	})
	if err != nil {
		l.sequencing.lease = store.Lease{} // it may be lost: ask again
		return 0, err
	}
	return s.to.size - s.from.size, nil
}

// step is what one transaction of the sequencer reads and writes.
type step struct {
	from, to state
	edge     *frontier      // of from, then of to
	last     keptCheckpoint // of from
	batches  []stored
	tiles    map[tileID][]tlog.Hash
	postings store.Rows
}

// gather reads the state and the pending rows, and verifies them.
func (l *Log) gather(ctx context.Context, q store.Querier) (*step, error) {
	s := &step{}
	var err error
	if s.from, err = l.readState(ctx, q); err != nil {
		return nil, err
	}
	if s.batches, s.to.lanes, err = l.gatherPending(ctx, q, s.from.lanes); err != nil || len(s.batches) == 0 {
		return s, err
	}
	if s.edge, err = edgeOf(ctx, q, s.from); err != nil {
		return nil, err
	}
	if s.from.mac == nil {
		s.last.size = firstCheckpoint
		return s, nil
	}
	s.last, err = l.keptCheckpoint(ctx, q, s.from.size)
	return s, err
}

// gatherPending takes pending rows up to the limit, each checked to follow its lane's last, and
// gives where the lanes then end. When it took all, they must end where their heads say.
func (l *Log) gatherPending(ctx context.Context, q store.Querier, from map[laneID]head) ([]stored, map[laneID]head, error) {
	ends := maps.Clone(from)
	var taken []stored
	var leaves, size int
	err := eachPending(ctx, q, nil, func(b batch) error {
		if leaves >= l.cfg.Limit || size >= maxStep {
			return errStop
		}
		h, what := l.follows(b, ends[b.lane])
		if what != "" {
			return tampered(pendingWhere(b.lane, b.seq), what)
		}
		entries, err := unbundle(b.blob)
		if err != nil {
			return tampered(pendingWhere(b.lane, b.seq), err.Error())
		}
		ends[b.lane] = h
		leaves, size = leaves+len(entries), size+len(b.blob)
		taken = append(taken, stored{count: int64(len(entries)), batch: b})
		return nil
	})
	if err != nil || leaves >= l.cfg.Limit || size >= maxStep || len(taken) == pendingPage {
		return taken, ends, err
	}
	return taken, ends, l.checkHeads(ctx, q, ends)
}

// follows checks that b comes after last in its lane and gives the new end, or says what is wrong.
func (l *Log) follows(b batch, last head) (head, string) {
	h := head{b.seq, b.hash()}
	switch {
	case !l.macs.batchHolds(h.hash, b.mac):
		return h, "MAC does not match"
	case b.seq != last.seq+1:
		return h, fmt.Sprintf("follows seq %d, want seq %d", last.seq, last.seq+1)
	case b.prev != last.hash:
		return h, "does not continue the row before"
	}
	return h, ""
}

func pendingWhere(id laneID, seq int64) string {
	return fmt.Sprintf("ledger_pending lane %s seq %d", id, seq)
}

// checkHeads compares where the lanes end with where their heads say.
func (l *Log) checkHeads(ctx context.Context, q store.Querier, ends map[laneID]head) error {
	return eachHead(ctx, q, func(id laneID, h head, mac []byte) error {
		where := "ledger_heads lane " + id.String()
		if !l.macs.headHolds(id, h, mac) {
			return tampered(where, "MAC does not match")
		}
		if h != ends[id] {
			return tampered(where, fmt.Sprintf("ends at seq %d, the rows at seq %d", h.seq, ends[id].seq))
		}
		return nil
	})
}

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
			s.to.days = s.to.days.with(e)
		}
		found, err := l.batchTokens(ctx, entries)
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

// writeCheckpoint signs the new head. Of the checkpoints of one hour the last is kept: the one
// before goes, and the new one takes its place in the chain of sizes.
func (l *Log) writeCheckpoint(ctx context.Context, tx *store.Tx, s *step) (store.Rows, error) {
	signed, err := l.signer.checkpoint(s.to.size, s.to.root)
	if err != nil {
		return store.Rows{}, err
	}
	k := keptCheckpoint{size: s.to.size, prev: s.last.size, at: l.cfg.Clock().Unix(), note: signed}
	if s.last.size != firstCheckpoint && s.last.at/3600 == k.at/3600 {
		k.prev = s.last.prev
		if err := tx.Delete(ctx, row(l.tables.checkpoints, s.last.size)); err != nil {
			return store.Rows{}, err
		}
	}
	return row(l.tables.checkpoints, k.size, k.prev, k.at, k.note, l.macs.checkpoint(k)), nil
}

func (m macs) checkpoint(k keptCheckpoint) []byte {
	var b []byte
	for _, n := range []int64{k.size, k.prev, k.at} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return m.sum("checkpoint", b, k.note)
}

// keptCheckpoint reads the checkpoint of a size, which must be there.
func (l *Log) keptCheckpoint(ctx context.Context, q store.Querier, size int64) (keptCheckpoint, error) {
	k, found, err := readCheckpoint(ctx, q, size)
	if err != nil {
		return k, err
	}
	if !found {
		return k, tampered(fmt.Sprintf("ledger_checkpoints size %d", size), "missing")
	}
	if !hmac.Equal(k.mac, l.macs.checkpoint(k)) {
		return k, tampered(fmt.Sprintf("ledger_checkpoints size %d", size), "MAC does not match")
	}
	return k, nil
}
