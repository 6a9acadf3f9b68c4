package audit

import (
	"context"
	"crypto/hmac"
	"encoding/binary"
	"fmt"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// VerifierKeys lists the ledger's verifier keys, past and present, in note format, the newest last.
// A stored key that does not verify is ErrTampered.
func (l *Log) VerifierKeys(ctx context.Context) ([]string, error) {
	return l.verifierKeys(ctx, l.cfg.DB)
}

func (l *Log) verifierKeys(ctx context.Context, q store.Querier) ([]string, error) {
	var vkeys []string
	err := eachSigner(ctx, q, func(number int64, vkey string, mac []byte) error {
		if !l.macs.signerHolds(number, vkey, mac) {
			return tampered(fmt.Sprintf("ledger_signers number %d", number), "MAC does not match")
		}
		vkeys = append(vkeys, vkey)
		return nil
	})
	return vkeys, err
}

// registerSigner keeps the present verifier key for the day when it is a past one. Two nodes
// that start together may both try.
func (l *Log) registerSigner(ctx context.Context) error {
	for {
		vkeys, err := l.VerifierKeys(ctx)
		if err != nil {
			return err
		}
		if n := len(vkeys); n > 0 && vkeys[n-1] == l.signer.vkey {
			return nil
		}
		if l.cfg.Untouched {
			return tampered("ledger_signers", "the newest is not the present signer")
		}
		number := int64(len(vkeys) + 1)
		err = l.cfg.DB.Update(ctx, func(tx *store.Tx) error {
			return tx.Insert(ctx, row(l.tables.signers, number, l.signer.vkey, l.macs.signer(number, l.signer.vkey)))
		})
		if err != nil && !errs.Is(err, errs.Conflict) {
			return fmt.Errorf("keep verifier key: %w", err)
		}
	}
}

func (m macs) signer(number int64, vkey string) []byte {
	return m.sum("signer", binary.BigEndian.AppendUint64(nil, uint64(number)), []byte(vkey))
}

func (m macs) signerHolds(number int64, vkey string, mac []byte) bool {
	return hmac.Equal(mac, m.signer(number, vkey))
}
