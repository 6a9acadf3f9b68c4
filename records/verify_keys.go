package records

import (
	"context"
	"errors"
	"fmt"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/keys"
)

// wrappings tries every wrapped key, whether or not anything that was looked at lies under it. A keyring key that does not
// open stops the system before.
func (v *Verification) wrappings(ctx context.Context) error {
	return v.s.db.WrappedKeys(ctx, func(w tutela.WrappedKey) error {
		if w.Kind == tutela.KeyRing {
			return nil
		}
		secret, err := v.s.ring.Unwrap(ctx, w)
		clear(secret)
		where := fmt.Sprintf("wrapped_keys %s %016x version %d", w.Kind, uint64(w.ID), w.Version)
		switch {
		case errors.Is(err, keys.ErrSealed):
			v.Problem(where, "does not open: altered, moved or of another generation")
		case errors.Is(err, keys.ErrDestroyed):
			now, err := v.s.db.WrappedKey(ctx, w.Kind, w.ID, w.Version)
			if err == nil && now.Generation == w.Generation { // else it was wrapped anew, or left behind, a moment ago
				v.Problem(where, "names a generation that is not there")
			}
		case err != nil:
			return err
		}
		return nil
	})
}
