package keys

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// Rotation has three steps, each of which may be repeated: the next generation is opened, every key is
// wrapped anew under it, and the old ones, under which nothing is left, are retired. No record is touched and
// nobody waits. Whatever a crash leaves undone the next Rewrap and Retire do. To destroy what was retired is
// another decision: it cannot be undone, and older copies of the keyring open no more.

// Rotate opens the next generation: keys are wrapped under it from now on, by every node. It returns its number.
func (r *Ring) Rotate(ctx context.Context) (int, error) {
	list, err := r.cfg.Shelf.Generations(ctx)
	if err != nil {
		return 0, err
	}
	next := 1
	for _, g := range list {
		next = max(next, g.Number+1)
	}
	err = r.open(ctx, next)
	for range maxUsed {
		if !errors.Is(err, errUsed) {
			break
		}
		next++
		err = r.open(ctx, next)
	}
	return next, err
}

// errUsed says that a generation's number was used up: its key was made and destroyed before anything was
// wrapped under it. maxUsed bounds how many such are passed over.
var errUsed = errs.New(errs.Conflict, "the key provider used this generation before")

const maxUsed = 16

// open makes a generation: the provider's key and the keyring key under it. A crash in between leaves a provider's
// key that wraps nothing, and is used the next time.
func (r *Ring) open(ctx context.Context, generation int) error {
	err := r.cfg.Provider.Create(ctx, generation)
	if errs.Is(err, errs.Conflict) {
		err = r.leftOver(ctx, generation)
	}
	if err != nil {
		return fmt.Errorf("create generation key: %w", err)
	}
	secret := random(Size)
	defer clear(secret)
	blob, err := r.cfg.Provider.Wrap(ctx, generation, secret, ringAAD(r.cfg.Tenant, generation))
	if err != nil {
		return fmt.Errorf("wrap keyring key: %w", err)
	}
	w := tutela.WrappedKey{Kind: tutela.KeyRing, Version: generation, Generation: generation, Blob: blob, Created: r.cfg.Clock().UTC().Truncate(time.Second)}
	if err := r.proves(ctx, w, secret); err != nil {
		return err
	}
	if err := r.cfg.Shelf.OpenGeneration(ctx, w, r.cfg.Provider.Name()); err != nil {
		return fmt.Errorf("keep keyring key: %w", err)
	}
	return nil
}

// leftOver reports whether a generation's key, which exists, may be used: it is there, and not destroyed.
func (r *Ring) leftOver(ctx context.Context, generation int) error {
	list, err := r.cfg.Provider.Generations(ctx)
	if err != nil {
		return err
	}
	if slices.Contains(list, generation) {
		return nil
	}
	return errUsed
}

// proves has the provider open what it has just wrapped: a provider that wraps wrongly must not become the only
// one who could open anything.
func (r *Ring) proves(ctx context.Context, w tutela.WrappedKey, secret []byte) error {
	got, err := r.cfg.Provider.Unwrap(ctx, w.Generation, w.Blob, ringAAD(r.cfg.Tenant, w.Generation))
	if err != nil {
		return fmt.Errorf("try the new keyring key: %w", err)
	}
	defer clear(got)
	if string(got) != string(secret) {
		return errs.New(errs.Internal, "the key provider does not give back what it wrapped; nothing was changed")
	}
	return nil
}

// rewrapStep is how many keys are wrapped anew in one transaction.
const rewrapStep = 500

// Rewrap wraps keys anew under the newest generation, some at a time, until none is left under an older one or ctx
// ends, and tells how many after each step. A key that does not open stops it, and stays as it was.
func (r *Ring) Rewrap(ctx context.Context, progress func(done int)) error {
	newest, err := r.latest(ctx)
	if err != nil {
		return err
	}
	for done := 0; ; {
		n, err := r.cfg.Shelf.RewrapKeys(ctx, newest, rewrapStep, func(old []tutela.WrappedKey) ([]tutela.WrappedKey, error) {
			return r.anew(ctx, newest, old)
		})
		if err != nil || n == 0 {
			return err
		}
		done += n
		progress(done)
	}
}

// anew wraps keys under another generation, each for its place.
func (r *Ring) anew(ctx context.Context, generation int, old []tutela.WrappedKey) ([]tutela.WrappedKey, error) {
	ring, err := r.generation(ctx, generation)
	if err != nil {
		return nil, err
	}
	list := make([]tutela.WrappedKey, len(old))
	for i, w := range old {
		secret, err := r.Unwrap(ctx, w)
		if err != nil {
			return nil, fmt.Errorf("%s key %d version %d: %w", w.Kind, w.ID, w.Version, err)
		}
		w.Generation = generation
		w.Blob = ring.Seal(nil, secret, r.dataAAD(w.Kind, w.ID, w.Version, w.Created))
		clear(secret)
		list[i] = w
	}
	return list, nil
}

// Retire closes every generation but the newest, under which nothing may be left, and returns those that it
// closed. The kind of the error is errs.Conflict while one still wraps anything: Rewrap again.
func (r *Ring) Retire(ctx context.Context) ([]int, error) {
	newest, err := r.latest(ctx)
	if err != nil {
		return nil, err
	}
	list, err := r.cfg.Shelf.Generations(ctx)
	if err != nil {
		return nil, err
	}
	var retired []int
	for _, g := range list {
		if g.Number == newest || !g.Closed.IsZero() {
			continue
		}
		if err := r.cfg.Shelf.CloseGeneration(ctx, g.Number, r.cfg.Clock()); err != nil {
			return retired, fmt.Errorf("close generation %d: %w", g.Number, err)
		}
		r.drop(g.Number)
		retired = append(retired, g.Number)
	}
	return retired, nil
}

// Destroy has the provider destroy the key of a retired generation, and reports whether it is gone for good: where it is
// not yet, Destroy asks again. Copies of whatever it wrapped, in backups or old files, open no more.
func (r *Ring) Destroy(ctx context.Context, generation int) (final bool, err error) {
	g, err := r.retired(ctx, generation)
	if err != nil || !g.Final.IsZero() {
		return err == nil, err
	}
	if g.Destroyed.IsZero() {
		if err := r.order(ctx, generation); err != nil {
			return false, err
		}
		g.Destroyed = r.cfg.Clock()
	}
	done, at, err := Destruction(ctx, r.cfg.Provider, generation)
	if err == nil && !done && at.IsZero() { // whoever governs the provider took the order back
		err = r.order(ctx, generation)
	}
	if err != nil {
		return false, fmt.Errorf("see whether generation %d is gone: %w", generation, err)
	}
	if done {
		g.Final = r.cfg.Clock()
	}
	return !g.Final.IsZero(), r.cfg.Shelf.GenerationDestroyed(ctx, generation, g.Destroyed, g.Final)
}

// order has the provider destroy a generation's key, where it is.
func (r *Ring) order(ctx context.Context, generation int) error {
	if err := r.cfg.Provider.Destroy(ctx, generation); err != nil && !errs.Is(err, errs.NotFound) {
		return fmt.Errorf("destroy generation %d: %w", generation, err)
	}
	return nil
}

// retired gives a generation that was closed; errs.Conflict for one that was not.
func (r *Ring) retired(ctx context.Context, generation int) (tutela.KeyGeneration, error) {
	list, err := r.cfg.Shelf.Generations(ctx)
	if err != nil {
		return tutela.KeyGeneration{}, err
	}
	for _, g := range list {
		switch {
		case g.Number != generation:
		case g.Closed.IsZero():
			return g, errs.New(errs.Conflict, "key generation %d still wraps keys: rotate first", generation)
		default:
			return g, nil
		}
	}
	return tutela.KeyGeneration{}, errs.New(errs.NotFound, "there is no key generation %d", generation)
}

// Outdated tells how many keys older generations still wrap, and which of these are not yet retired.
func (r *Ring) Outdated(ctx context.Context) (keys int, generations []int, err error) {
	newest, err := r.latest(ctx)
	if err != nil {
		return 0, nil, err
	}
	if keys, err = r.cfg.Shelf.OldKeys(ctx, newest); err != nil {
		return 0, nil, err
	}
	list, err := r.cfg.Shelf.Generations(ctx)
	for _, g := range list {
		if g.Number != newest && g.Closed.IsZero() {
			generations = append(generations, g.Number)
		}
	}
	return keys, generations, err
}

// Refresh drops the keyring keys of generations that are no longer open, and every opened data key: another node has
// rotated, or shredded some.
func (r *Ring) Refresh(ctx context.Context) error {
	list, err := r.cfg.Shelf.Generations(ctx)
	if err != nil {
		return err
	}
	for _, g := range list {
		if !g.Closed.IsZero() {
			r.drop(g.Number)
		}
	}
	r.cache.clear()
	return nil
}

func (r *Ring) drop(generation int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.generations, generation)
}

// latest is the newest generation, as the shelf says at this moment.
func (r *Ring) latest(ctx context.Context) (int, error) {
	w, err := r.cfg.Shelf.WrappedKey(ctx, tutela.KeyRing, 0, 0)
	if err != nil {
		return 0, fmt.Errorf("find keyring: %w", err)
	}
	return w.Generation, nil
}

// Generation is the newest generation: the one under which keys are wrapped.
func (r *Ring) Generation(ctx context.Context) (int, error) { return r.latest(ctx) }
