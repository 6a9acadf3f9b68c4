package records

import (
	"context"
	"fmt"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/store"
)

// A version that concerns several patients has a key of its own, wrapped under each patient's. When one of them is
// erased, the others' keys would still open old copies of it. So each wrapping is sealed once more, under
// a data key of this version alone: left behind with the erased patient's, it takes the version with it.

const purposeSharedOuter = "shared-key-outer"

func sharedOuterMigration() store.Migration {
	return store.Migration{ID: "0208_shared_outer", SQL: "ALTER TABLE shared_keys ADD COLUMN outer_version {{int}} NOT NULL DEFAULT 0;"}
}

// outerID is the number of the data key of a version of a shared resource.
func (s *Store) outerID(locator, version int64) int64 {
	return s.names.Sum64([]byte("shared-key"), keys.Subject64(locator), keys.Subject64(version))
}

// outerKey gives the data key of a version that is being written; it travels in the write.
func (w *write) outerKey(ctx context.Context, p place) (*keys.Key, error) {
	k, fresh, err := w.s.ring.Prepare(ctx, tutela.KeyShared, w.s.outerID(p.locator, p.version))
	if err != nil {
		return nil, fmt.Errorf("make key of a shared resource: %w", err)
	}
	if fresh != nil {
		w.op.Claims = append(w.op.Claims, store.ClaimKey(*fresh))
	}
	return k, nil
}

// unwrapOuter opens the outer sealing of a wrapping; rows of old have none.
func (s *Store) unwrapOuter(ctx context.Context, p place, w wrap) ([]byte, error) {
	if w.outer == 0 {
		return w.wrapped, nil
	}
	k, err := s.ring.At(ctx, tutela.KeyShared, s.outerID(p.locator, p.version), int(w.outer))
	if err != nil {
		return nil, err
	}
	wrapped, err := k.Open(nil, w.wrapped, s.aad(purposeSharedOuter, place{w.bucket, p.locator, p.version}))
	if err != nil {
		return nil, fmt.Errorf("shared key of locator %016x: %w", uint64(p.locator), err)
	}
	return wrapped, nil
}
