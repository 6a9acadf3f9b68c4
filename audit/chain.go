package audit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
)

// ErrTampered says that a stored row of the ledger is not what the ledger wrote. The sequencer
// stops at it: signing what it cannot vouch for would launder it. Verify names every such row.
var ErrTampered = errors.New("ledger was tampered with")

func tampered(where, what string) error {
	return errs.Wrap(errs.Internal, fmt.Errorf("%s: %s: %w", where, what, ErrTampered), "ledger does not verify")
}

// laneID names a chain of batches: a node's committing goroutine, the same after a restart.
type laneID struct {
	node   string
	number int64
}

func (id laneID) String() string { return fmt.Sprintf("%s/%d", id.node, id.number) }

func (id laneID) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(id.node)))
	dst = append(dst, id.node...)
	return binary.BigEndian.AppendUint64(dst, uint64(id.number))
}

// head is the last row of a lane: its number, from 1, and its hash.
type head struct {
	seq  int64
	hash [32]byte
}

// batch is one commit's entries as a row, first in ledger_pending, later in ledger_batches.
type batch struct {
	lane laneID
	seq  int64
	prev [32]byte // hash of the lane's row before
	blob []byte   // entries, length-prefixed
	mac  []byte
}

// hash is SHA-256 over everything that the row says, its predecessor included.
func (b batch) hash() (sum [32]byte) {
	h := sha256.New()
	buf := b.lane.append(append(make([]byte, 0, 128), "tutela ledger row v1\n"...))
	buf = binary.BigEndian.AppendUint64(buf, uint64(b.seq))
	_, _ = h.Write(append(buf, b.prev[:]...))
	_, _ = h.Write(b.blob)
	h.Sum(sum[:0])
	return sum
}

// macs authenticates rows under the ledger's secret. Each kind of row has its label.
type macs struct{ mac *keys.MAC }

func (m macs) sum(label string, parts ...[]byte) []byte {
	return m.mac.Sum(nil, append([][]byte{[]byte(label)}, parts...)...)
}

// batch authenticates a batch by its hash.
func (m macs) batch(hash [32]byte) []byte { return m.sum("batch", hash[:]) }

// head authenticates that a lane ends at h.
func (m macs) head(id laneID, h head) []byte {
	return m.sum("head", id.append(nil), binary.BigEndian.AppendUint64(nil, uint64(h.seq)), h.hash[:])
}

func (m macs) headHolds(id laneID, h head, mac []byte) bool { return hmac.Equal(mac, m.head(id, h)) }

func (m macs) batchHolds(hash [32]byte, mac []byte) bool { return hmac.Equal(mac, m.batch(hash)) }
