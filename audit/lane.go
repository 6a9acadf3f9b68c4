package audit

import (
	"context"
	"fmt"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// lane is one chain of this node. It has no mutex: store calls Stamp and Settle of a lane
// from one goroutine.
type lane struct {
	id     laneID
	last   head // of what is committed
	next   head // of what is being committed
	unsure bool // last must be read again: a commit failed, or its outcome was not seen
}

// Stamp turns the entries of a commit into the lane's next row. It implements store.Stamper.
func (l *Log) Stamp(number int, entries [][]byte) (store.Stamped, error) {
	if number < 0 || number >= len(l.lanes) {
		return store.Stamped{}, errs.New(errs.Internal, "ledger has no lane %d", number)
	}
	if err := checkEntries(entries); err != nil {
		return store.Stamped{}, err
	}
	n := &l.lanes[number]
	if n.unsure {
		if err := l.reload(n); err != nil {
			return store.Stamped{}, fmt.Errorf("find the end of lane %s: %w", n.id, err)
		}
	}
	b := batch{lane: n.id, seq: n.last.seq + 1, prev: n.last.hash, blob: bundle(entries)}
	n.next = head{b.seq, b.hash()}
	b.mac = l.macs.batch(n.next.hash)
	end := l.tables.headRow(n.id, n.next, l.macs.head(n.id, n.next))
	return store.Stamped{
		Claims: []store.Claim{l.tables.headClaim(n.id, n.last, end)}, Inserts: []store.Rows{l.tables.pendingRow(b)}, Mark: end,
	}, nil
}

// checkEntries keeps what is no leaf out of the tree, which keeps everything for ever.
func checkEntries(entries [][]byte) error {
	for _, e := range entries {
		if _, err := parseLeaf(e); err != nil {
			return errs.Wrap(errs.Internal, err, "")
		}
	}
	return nil
}

// Settle moves the chain on when the commit is durable. After a failure the lane reads its end
// again before it goes on: a commit whose connection broke may have happened after all, and a
// second row with its number would never be accepted. It implements store.Stamper.
func (l *Log) Settle(number int, committed bool) {
	n := &l.lanes[number]
	if committed {
		n.last = n.next
	}
	n.unsure = !committed
}

// reload reads where the lane ends. Stamp has no context: it runs on behalf of many callers.
func (l *Log) reload(n *lane) error {
	h, err := l.headOf(context.Background(), l.cfg.DB, n.id)
	if err != nil {
		return err
	}
	n.last, n.unsure = h, false
	return nil
}

// headOf reads and checks the end of a lane; a lane without a row has not begun.
func (l *Log) headOf(ctx context.Context, q store.Querier, id laneID) (head, error) {
	h, mac, found, err := readHead(ctx, q, id)
	if err != nil || !found {
		return head{}, err
	}
	if !l.macs.headHolds(id, h, mac) {
		return head{}, tampered("ledger_heads lane "+id.String(), "MAC does not match")
	}
	return h, nil
}
