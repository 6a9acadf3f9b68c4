package audit

import (
	"context"
	"crypto/hmac"
	"encoding/binary"
	"fmt"

	"github.com/tutela-health/tutela/store"
)

// firstCheckpoint is the prev of a checkpoint that has no other before it.
const firstCheckpoint = -1

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
