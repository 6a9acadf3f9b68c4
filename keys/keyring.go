package keys

import (
	"context"
	"fmt"

	"github.com/tutela-health/tutela"
)

// KeyringKey gives the keyring key of the newest generation, asked of the provider anew. It is for
// escrow alone, which seals it to the recovery key at once; the caller zeroes it.
func (r *Ring) KeyringKey(ctx context.Context) (secret []byte, generation int, err error) {
	w, err := r.cfg.Shelf.WrappedKey(ctx, tutela.KeyRing, 0, 0)
	if err != nil {
		return nil, 0, fmt.Errorf("find keyring: %w", err)
	}
	secret, err = r.cfg.Provider.Unwrap(ctx, w.Generation, w.Blob, KeyringPlace(r.cfg.Tenant, w.Generation))
	if err != nil {
		return nil, 0, fmt.Errorf("unwrap keyring generation %d: %w", w.Generation, err)
	}
	return secret, w.Generation, nil
}

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
