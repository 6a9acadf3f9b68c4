package keys

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/tutela-health/tutela"
)

// KeyringKey gives the keyring key of the newest generation, asked of the provider anew. It is for
// escrow alone, which seals it to the recovery key at once; the caller zeroes it.
func (r *Ring) KeyringKey(ctx context.Context) (secret []byte, generation int, err error) {
	return r.keyring(ctx, 0)
}

// keyring has the provider unwrap the keyring key of a generation, the newest for 0. Between the look at the
// row and the provider's answer the keyring may move to another provider: then the row is another one,
// and counts.
func (r *Ring) keyring(ctx context.Context, generation int) (secret []byte, number int, err error) {
	w, err := r.cfg.Shelf.WrappedKey(ctx, tutela.KeyRing, 0, generation)
	for {
		if err != nil {
			return nil, 0, fmt.Errorf("find keyring generation %d: %w: %w", generation, errNoRow, err)
		}
		secret, failed := r.cfg.Provider.Unwrap(ctx, w.Generation, w.Blob, ringAAD(r.cfg.Tenant, w.Generation))
		if failed == nil {
			return secret, w.Generation, nil
		}
		before := w
		w, err = r.cfg.Shelf.WrappedKey(ctx, tutela.KeyRing, 0, generation)
		if err == nil && bytes.Equal(before.Blob, w.Blob) {
			return nil, 0, fmt.Errorf("unwrap keyring generation %d: %w", w.Generation, failed)
		}
	}
}

// errNoRow says that it was not the provider that failed.
var errNoRow = errors.New("look at the store")

// KeyringMAC derives a MAC from a generation's keyring key: whoever has that key can make the same.
func (r *Ring) KeyringMAC(ctx context.Context, generation int, purpose string) (*MAC, error) {
	k, err := r.generation(ctx, generation)
	if err != nil {
		return nil, err
	}
	return k.MAC(purpose)
}

// KeyringPlace is the aad under which a provider wraps a tenant's keyring key of a generation.
func KeyringPlace(t tutela.Tenant, generation int) []byte { return ringAAD(t, generation) }
