package keys

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// SecretID is the number under which the Shelf keeps a named system secret.
func SecretID(secret string) int64 {
	sum := sha256.Sum256([]byte("tutela system secret " + secret))
	return int64(binary.BigEndian.Uint64(sum[:8]) >> 1)
}

// MakeSecret makes a named system secret where there is none, also in a system that is complete: what
// calls it has not hashed anything under that name yet.
func (r *Ring) MakeSecret(ctx context.Context, secret string) error {
	id := SecretID(secret)
	_, err := r.cfg.Shelf.WrappedKey(ctx, tutela.KeySystem, id, 0)
	if !errs.Is(err, errs.NotFound) {
		return err
	}
	b := random(Size)
	defer clear(b)
	w, err := r.wrap(ctx, tutela.KeySystem, id, 1, b)
	if err != nil {
		return err
	}
	if err := r.cfg.Shelf.PutWrappedKey(ctx, w); err != nil && !errs.Is(err, errs.Conflict) {
		return fmt.Errorf("keep system secret: %w", err)
	}
	return nil
}

// FindSecret gives the 32 bytes of a named system secret that is there, and makes none. Callers zero
// what they no longer need.
func (r *Ring) FindSecret(ctx context.Context, secret string) ([]byte, error) {
	b, _, err := r.unwrap(ctx, tutela.KeySystem, SecretID(secret), 0)
	if err != nil {
		return nil, fmt.Errorf("system secret %q: %w", secret, err)
	}
	return b, nil
}
