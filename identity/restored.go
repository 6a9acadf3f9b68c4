package identity

import (
	"context"

	"github.com/tutela-health/tutela/store"
)

// Restored ends what a backup brings back and nobody may still hold: logins, codes, refresh families and
// access tokens. Whoever had one signs in again; what was revoked since stays so.
func Restored(ctx context.Context, db *store.DB) error {
	return db.Update(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, "DELETE FROM tokens"); err != nil {
			return err
		}
		for _, k := range []itemKind{itemSession, itemAttempt, itemCode, itemFamily, itemLaunch} {
			if _, err := tx.Exec(ctx, "DELETE FROM identity_items WHERE kind = ?", int64(k)); err != nil {
				return err
			}
		}
		return nil
	})
}
