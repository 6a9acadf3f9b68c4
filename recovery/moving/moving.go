package moving

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/store"
)

// Config says what is moved.
type Config struct {
	DB     *store.DB
	Audit  *audit.Log
	Tenant tutela.Tenant
}

// Run moves every keyring key to the provider m.To, then destroys what m.From has. base is the entry that
// each step is written as. Nothing is destroyed that a wrapping still needs.
func (c Config) Run(ctx context.Context, base tutela.Entry, m *keys.Moving) error {
	if err := c.kept(ctx, m); err != nil {
		return err
	}
	rings, err := c.rings(ctx)
	if err != nil {
		return err
	}
	for _, w := range rings {
		if err := c.move(ctx, base, m, w); err != nil {
			return fmt.Errorf("move generation %d from %s to %s: %w", w.Generation, m.From.Name(), m.To.Name(), err)
		}
	}
	return c.clear(ctx, base, m)
}

// kept refuses while the old provider has a generation that was retired and not destroyed: its end takes two
// people and a time to wait, and a move must not be the way around them.
func (c Config) kept(ctx context.Context, m *keys.Moving) error {
	left, err := m.From.Generations(ctx)
	if err != nil {
		return err
	}
	list, err := c.DB.Generations(ctx)
	if err != nil {
		return err
	}
	for _, g := range list {
		if !g.Closed.IsZero() && slices.Contains(left, g.Number) {
			return errs.New(errs.Precondition, "generation %d is retired, and %s still has its key: destroy it first (tutela keys destroy %d)", g.Number, m.From.Name(), g.Number)
		}
	}
	return nil
}

// rings are the keyring keys.
func (c Config) rings(ctx context.Context) (list []tutela.WrappedKey, err error) {
	err = c.DB.WrappedKeys(ctx, func(w tutela.WrappedKey) error {
		if w.Kind == tutela.KeyRing {
			list = append(list, w)
		}
		return nil
	})
	return list, err
}

// move gives one keyring key another wrapping. One that no provider opens is of a destroyed generation
// and stays as it is.
func (c Config) move(ctx context.Context, base tutela.Entry, m *keys.Moving, w tutela.WrappedKey) error {
	place := keys.KeyringPlace(c.Tenant, w.Generation)
	if secret, err := m.To.Unwrap(ctx, w.Generation, w.Blob, place); err == nil {
		clear(secret)
		return c.DB.GenerationMoved(ctx, w.Generation, m.To.Name()) // by an earlier try
	}
	secret, err := m.From.Unwrap(ctx, w.Generation, w.Blob, place)
	defer clear(secret)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	blob, err := wrapIn(ctx, m.To, w.Generation, secret, place)
	if err != nil {
		return err
	}
	base.Outcome = tutela.OutcomeSuccess
	base.Subject = &tutela.Subject{Kind: "key-provider", ID: m.To.Name(), Detail: fmt.Sprintf("generation %d moved from %s", w.Generation, m.From.Name())}
	leaves, err := c.Audit.Encode(ctx, base, nil, nil)
	if err != nil {
		return err
	}
	if err := c.DB.Commit(ctx, store.Op{Claims: []store.Claim{store.ClaimRewrapped(w, blob)}, Entries: leaves}); err != nil {
		return err
	}
	return c.DB.GenerationMoved(ctx, w.Generation, m.To.Name())
}

// wrapIn wraps a keyring key in its new provider, and does not believe it before it opened it again.
func wrapIn(ctx context.Context, to keys.Provider, generation int, secret, place []byte) ([]byte, error) {
	list, err := to.Generations(ctx)
	if err == nil && !slices.Contains(list, generation) {
		err = to.Create(ctx, generation)
	}
	if err != nil {
		return nil, err
	}
	blob, err := to.Wrap(ctx, generation, secret, place)
	if err != nil {
		return nil, err
	}
	again, err := to.Unwrap(ctx, generation, blob, place)
	defer clear(again)
	if err == nil && subtle.ConstantTimeCompare(again, secret) != 1 {
		err = errors.New("the provider does not give back what it wrapped")
	}
	return blob, err
}

// apart makes sure that the old provider's keys are needed no more, and that they are not the new one's
// under another name: a folder by another path, an engine by another address.
func (c Config) apart(ctx context.Context, m *keys.Moving, rings []tutela.WrappedKey) error {
	left, err := m.From.Generations(ctx)
	if err != nil {
		return err
	}
	moved := 0
	for _, w := range rings {
		byNew, byOld := opens(ctx, m.To, w, c.Tenant), opens(ctx, m.From, w, c.Tenant)
		switch {
		case byNew && byOld:
			return ErrSame
		case byNew:
			moved++
		case slices.Contains(left, w.Generation):
			return errs.New(errs.Conflict, "generation %d is still needed in %s: ask for the move again", w.Generation, m.From.Name())
		}
	}
	if moved == 0 {
		return errs.New(errs.Conflict, "no keyring opens by %s: nothing was destroyed in %s", m.To.Name(), m.From.Name())
	}
	return nil
}

// ErrSame says that both providers are one, under two names.
var ErrSame = errs.New(errs.Conflict, "both providers are one and the same: nothing was moved")

// clear destroys what is left in the old provider, once no wrapping needs it.
func (c Config) clear(ctx context.Context, base tutela.Entry, m *keys.Moving) error {
	rings, err := c.rings(ctx)
	if err != nil {
		return err
	}
	if err := c.apart(ctx, m, rings); err != nil {
		return err
	}
	left, err := m.From.Generations(ctx)
	if err != nil {
		return err
	}
	for _, generation := range left {
		if err := m.From.Destroy(ctx, generation); err != nil && !errs.Is(err, errs.NotFound) {
			return fmt.Errorf("destroy generation %d in %s: %w", generation, m.From.Name(), err)
		}
		how, err := destroyed(ctx, m.From, generation)
		if err != nil {
			return err
		}
		base.Outcome = tutela.OutcomeSuccess
		base.Subject = &tutela.Subject{Kind: "key-provider", ID: m.From.Name(), Detail: fmt.Sprintf("generation %d %s there, after it moved to %s", generation, how, m.To.Name())}
		if _, err := c.Audit.Append(ctx, base, nil); err != nil {
			return err
		}
	}
	return nil
}

// destroyed says in words whether a key is gone: a cloud's KMS deletes it days after the order.
func destroyed(ctx context.Context, p keys.Provider, generation int) (string, error) {
	done, at, err := keys.Destruction(ctx, p, generation)
	if err != nil || done {
		return "destroyed", err
	}
	return "is to be destroyed by " + at.UTC().Format(time.RFC3339), nil
}

func opens(ctx context.Context, p keys.Provider, w tutela.WrappedKey, tenant tutela.Tenant) bool {
	secret, err := p.Unwrap(ctx, w.Generation, w.Blob, keys.KeyringPlace(tenant, w.Generation))
	clear(secret)
	return err == nil
}
