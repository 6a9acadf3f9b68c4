package audit

import (
	"context"
	"fmt"
	"maps"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// maxStep is about how many bytes of entries one transaction sequences.
const maxStep = 8 << 20

// Sequence moves every pending row into the tree and signs a checkpoint, in as many
// transactions as Limit asks for, and says how many leaves that were. Only one node sequences:
// while another holds the lease the error's kind is errs.Conflict. Rows that do not verify are
// ErrTampered, and stay where they are.
func (l *Log) Sequence(ctx context.Context) (int64, error) {
	if l.cfg.ReadOnly {
		return 0, errs.New(errs.Unsupported, "the ledger was opened for reading")
	}
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
		l.sequencing.lease.Expires = time.Time{} // it may be lost: ask again; Release gives it back if not
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
