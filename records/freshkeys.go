package records

import (
	"context"
	"errors"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/store"
)

// freshKey is a patient's first data key, which becomes durable with this write.
type freshKey struct {
	key *keys.Key
	row *tutela.WrappedKey
}

// seal seals plain under the key that its patients call for.
func (w *write) seal(ctx context.Context, p place, rec *Record, plain []byte) ([]byte, error) {
	switch tutela.Bucket(p.bucket) {
	case tutela.BucketGeneral:
		k, err := w.s.ring.Current(ctx, tutela.KeyGeneral, 0)
		if err != nil {
			return nil, err
		}
		return w.s.seal(k, p, plain)
	case tutela.BucketShared:
		return w.sealShared(ctx, p, rec, plain)
	default:
		k, err := w.patientKey(ctx, tutela.Bucket(p.bucket))
		if err != nil {
			return nil, err
		}
		return w.s.seal(k, p, plain)
	}
}

// sealShared seals under a key of the version's own and wraps that for each patient. A tombstone, which the erased have a
// part in where they were not taken out before, is wrapped for the others.
func (w *write) sealShared(ctx context.Context, p place, rec *Record, plain []byte) ([]byte, error) {
	secret := keys.NewSecret()
	rows := store.Rows{Table: w.s.tables.sharedKeys}
	outer, err := w.outerKey(ctx, p)
	if err != nil {
		return nil, err
	}
	for _, b := range rec.Patients {
		k, err := w.patientKey(ctx, b)
		if errs.Is(err, errs.Unprocessable) && rec.Deleted {
			continue
		}
		if err != nil {
			return nil, err
		}
		at := place{int64(b), p.locator, p.version}
		wrapped := outer.Seal(nil, k.Seal(nil, secret, w.s.aad(purposeSharedKey, at)), w.s.aad(purposeSharedOuter, at))
		rows.Rows = append(rows.Rows, []any{p.locator, p.version, int64(b), int64(k.Version()), wrapped, int64(outer.Version())})
	}
	w.op.Inserts = append(w.op.Inserts, rows)
	k, err := keys.NewKey(secret, 0)
	if err != nil {
		return nil, err
	}
	return w.s.seal(k, p, plain)
}

// patientKey gives a patient's data key; a first one travels in this write. Of an erased patient nothing is written any
// more: errs.Unprocessable.
func (w *write) patientKey(ctx context.Context, b tutela.Bucket) (*keys.Key, error) {
	if f, ok := w.fresh[b]; ok {
		return f.key, nil
	}
	k, fresh, err := w.s.ring.Prepare(ctx, tutela.KeyPatient, int64(b))
	if errors.Is(err, keys.ErrDestroyed) {
		return nil, errs.Wrap(errs.Unprocessable, err, "it names a patient whose records were erased")
	}
	if err != nil {
		return nil, err
	}
	if fresh != nil {
		w.fresh[b] = freshKey{k, fresh}
	}
	return k, nil
}
