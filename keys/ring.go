package keys

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
)

// Shelf keeps wrapped keys. The store implements it.
type Shelf interface {
	// WrappedKey gives one version, or the newest for version 0; errs.NotFound when there is none.
	WrappedKey(ctx context.Context, kind tutela.KeyKind, id int64, version int) (tutela.WrappedKey, error)
	// WrappedKeys gives all, in no order.
	WrappedKeys(ctx context.Context, yield func(tutela.WrappedKey) error) error
	// PutWrappedKey adds one durably; errs.Conflict when kind, id and version are taken, or its generation is closed.
	PutWrappedKey(ctx context.Context, w tutela.WrappedKey) error
	// Shredded reports whether a version (any for 0) was left behind when its generation was retired, and which that was.
	Shredded(ctx context.Context, kind tutela.KeyKind, id int64, version int) (generation int, shredded bool, err error)

	// Generations lists all that there ever were, oldest first.
	Generations(ctx context.Context) ([]tutela.KeyGeneration, error)
	// OpenGeneration keeps a new generation's keyring key; errs.Conflict when it exists.
	OpenGeneration(ctx context.Context, w tutela.WrappedKey, provider string) error
	// RewrapKeys has some keys of generations before n wrapped anew, but for keyring keys, and returns how many, all or none.
	RewrapKeys(ctx context.Context, n, limit int, rewrap func([]tutela.WrappedKey) ([]tutela.WrappedKey, error)) (int, error)
	// OldKeys counts them.
	OldKeys(ctx context.Context, n int) (int, error)
	// CloseGeneration lets nothing be wrapped under it any more; errs.Conflict while it wraps anything but its keyring key.
	CloseGeneration(ctx context.Context, n int, at time.Time) error
	// GenerationDestroyed notes that its key was destroyed, and since when that is final.
	GenerationDestroyed(ctx context.Context, n int, at, final time.Time) error
}

// Config says what a Ring works with. Cached is how many opened keys are kept (0: 16,384).
type Config struct {
	Tenant   tutela.Tenant
	Shelf    Shelf
	Provider Provider
	Clock    clock.Clock
	Cached   int
	// Complete says that the system has all its secrets: one that is missing is an error, and none
	// is made in its place, since what it hashed would be lost without a word.
	Complete bool
}

// Ring opens keys. It holds the keyring key of each generation in memory, and a bounded
// number of data keys.
type Ring struct {
	cfg   Config
	cache *cache
	pulse pulse

	mu          sync.RWMutex
	generations map[int]*Key // guarded by mu
}

// Init makes the first generation of a new system: the provider's key and the keyring key under it.
func Init(ctx context.Context, cfg Config) error {
	return (&Ring{cfg: cfg}).open(ctx, 1)
}

// Open unwraps the keyring and gives the Ring.
func Open(ctx context.Context, cfg Config) (*Ring, error) {
	if cfg.Cached <= 0 {
		cfg.Cached = 16 << 10
	}
	r := &Ring{cfg: cfg, cache: newCache(cfg.Cached), generations: make(map[int]*Key)}
	newest, err := cfg.Shelf.WrappedKey(ctx, tutela.KeyRing, 0, 0)
	if err != nil {
		return nil, fmt.Errorf("find keyring: %w", err)
	}
	if _, err := r.generation(ctx, newest.Generation); err != nil {
		return nil, err
	}
	r.pulse.answered = cfg.Clock()
	return r, nil
}

// Close drops every opened key.
func (r *Ring) Close() {
	r.cache.clear()
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.generations)
}

// Current gives the newest data key of kind and id, and makes it durably when there is none.
func (r *Ring) Current(ctx context.Context, kind tutela.KeyKind, id int64) (*Key, error) {
	for {
		k, fresh, err := r.Prepare(ctx, kind, id)
		if err != nil || fresh == nil {
			return k, err
		}
		err = r.cfg.Shelf.PutWrappedKey(ctx, *fresh)
		if err == nil {
			r.Adopt(*fresh, k)
			return k, nil
		}
		if !errs.Is(err, errs.Conflict) {
			return nil, fmt.Errorf("keep new %s key: %w", kind, err)
		}
		r.Forget(kind, id) // another writer was first: its key counts
	}
}

// generalLife is how long the general key seals before its next version does. It seals for
// everybody: at 49,000 a second it would see 2³² random nonces, the most that SP 800-38D (8.3)
// allows, in a day.
const generalLife = 24 * time.Hour

// Prepare gives the newest data key. Where there is none yet, or the general one has grown old, it
// makes one, and fresh must be claimed in the transaction that first uses it; when that has
// committed, call Adopt.
func (r *Ring) Prepare(ctx context.Context, kind tutela.KeyKind, id int64) (k *Key, fresh *tutela.WrappedKey, err error) {
	next := 1
	k, err = r.At(ctx, kind, id, 0)
	switch {
	case err == nil && kind == tutela.KeyGeneral && r.cfg.Clock().Sub(k.born).Abs() >= generalLife: // born in the future, it is of a clock that has gone back
		next = k.version + 1
	case !unmade(err):
		return k, nil, err
	}
	secret := random(Size)
	w, err := r.wrap(ctx, kind, id, next, secret)
	if err != nil {
		return nil, nil, err
	}
	if k, err = NewKey(secret, next); err != nil {
		return nil, nil, err
	}
	k.born = w.Created
	return k, &w, nil
}

// Adopt caches a key that Prepare made, once its row is durable.
func (r *Ring) Adopt(w tutela.WrappedKey, k *Key) {
	r.cache.put(name{w.Kind, w.ID, 0}, k)
	r.cache.put(name{w.Kind, w.ID, w.Version}, k)
}

// At gives one version of a data key, or the newest for version 0. A key that was destroyed
// or never made is errs.NotFound; ErrDestroyed tells the two apart while its row is there.
func (r *Ring) At(ctx context.Context, kind tutela.KeyKind, id int64, version int) (*Key, error) {
	if err := r.pulse.open(); err != nil {
		return nil, err
	}
	n := name{kind, id, version}
	if k, ok := r.cache.get(n); ok {
		return k, nil
	}
	epoch := r.cache.now()
	secret, w, err := r.unwrap(ctx, kind, id, version)
	if err != nil {
		return nil, err
	}
	k, err := NewKey(secret, w.Version)
	if err != nil {
		return nil, err
	}
	k.born = w.Created
	r.cache.add(n, k, epoch)
	return k, nil
}

// Secret gives the 32 bytes of a named system secret and makes it on first use. Callers zero
// what they no longer need.
func (r *Ring) Secret(ctx context.Context, secret string) ([]byte, error) {
	id := SecretID(secret)
	for {
		b, _, err := r.unwrap(ctx, tutela.KeySystem, id, 0)
		if !unmade(err) {
			return b, err
		}
		if r.cfg.Complete {
			return nil, fmt.Errorf("system secret %q is missing: its row was deleted, or the keyring is another system's", secret)
		}
		b = random(Size)
		w, err := r.wrap(ctx, tutela.KeySystem, id, 1, b)
		if err != nil {
			return nil, err
		}
		err = r.cfg.Shelf.PutWrappedKey(ctx, w)
		if err == nil {
			return b, nil
		}
		if !errs.Is(err, errs.Conflict) {
			return nil, fmt.Errorf("keep system secret: %w", err)
		}
	}
}

// ErrDestroyed says that a key's row is there and the generation that wraps it is not: the
// key is gone for good, and none is made in its place.
var ErrDestroyed = errs.New(errs.NotFound, "the key was destroyed")

// unmade tells that a key has no row yet.
func unmade(err error) bool {
	return errs.Is(err, errs.NotFound) && !errors.Is(err, ErrDestroyed)
}

// Forget drops a key from memory, every version.
func (r *Ring) Forget(kind tutela.KeyKind, id int64) { r.cache.forget(kind, id) }

// Tenant is whose keys these are.
func (r *Ring) Tenant() tutela.Tenant { return r.cfg.Tenant }

// Provider is where the generation keys are.
func (r *Ring) Provider() Provider { return r.cfg.Provider }

func (r *Ring) wrap(ctx context.Context, kind tutela.KeyKind, id int64, version int, secret []byte) (tutela.WrappedKey, error) {
	generation, err := r.latest(ctx)
	if err != nil {
		return tutela.WrappedKey{}, err
	}
	ring, err := r.generation(ctx, generation)
	if err != nil {
		return tutela.WrappedKey{}, err
	}
	now := r.cfg.Clock().UTC().Truncate(time.Second)
	return tutela.WrappedKey{
		Kind: kind, ID: id, Version: version, Generation: generation,
		Blob: ring.Seal(nil, secret, r.dataAAD(kind, id, version, now)), Created: now,
	}, nil
}

// unwrap finds a key and opens it. One whose generation was retired between the two is found again, under the next.
func (r *Ring) unwrap(ctx context.Context, kind tutela.KeyKind, id int64, version int) ([]byte, tutela.WrappedKey, error) {
	for seen := 0; ; {
		w, err := r.find(ctx, kind, id, version)
		if err != nil {
			return nil, w, err
		}
		secret, err := r.Unwrap(ctx, w)
		if !errors.Is(err, ErrDestroyed) || w.Generation == seen {
			return secret, w, err
		}
		seen = w.Generation
	}
}

// find gives a wrapped key; ErrDestroyed for one that was left behind.
func (r *Ring) find(ctx context.Context, kind tutela.KeyKind, id int64, version int) (tutela.WrappedKey, error) {
	w, err := r.cfg.Shelf.WrappedKey(ctx, kind, id, version)
	if !errs.Is(err, errs.NotFound) {
		return w, err
	}
	generation, shredded, err2 := r.cfg.Shelf.Shredded(ctx, kind, id, version)
	switch {
	case err2 != nil:
		return w, err2
	case shredded:
		return w, fmt.Errorf("%w, with generation %d", ErrDestroyed, generation)
	}
	return w, err
}

// Unwrap opens one wrapped data key: for verification and rewrapping. The caller zeroes it.
// When the key's generation was destroyed the error is ErrDestroyed.
func (r *Ring) Unwrap(ctx context.Context, w tutela.WrappedKey) ([]byte, error) {
	ring, err := r.generation(ctx, w.Generation)
	if errs.Is(err, errs.NotFound) {
		return nil, fmt.Errorf("%w: %w", ErrDestroyed, err)
	} else if err != nil {
		return nil, err
	}
	secret, err := ring.Open(nil, w.Blob, r.dataAAD(w.Kind, w.ID, w.Version, w.Created))
	if err != nil {
		return nil, fmt.Errorf("unwrap %s key: %w", w.Kind, err)
	}
	return secret, nil
}

// generation gives the opened keyring key of a generation.
func (r *Ring) generation(ctx context.Context, n int) (*Key, error) {
	if err := r.pulse.open(); err != nil {
		return nil, err
	}
	r.mu.RLock()
	k, ok := r.generations[n]
	r.mu.RUnlock()
	if ok {
		return k, nil
	}
	secret, _, err := r.keyring(ctx, n)
	if err != nil {
		return nil, err
	}
	k, err = NewKey(secret, n)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.generations[n] = k
	return k, nil
}

// dataAAD binds a wrapped key to its row, the second of its making included: a key
// must not look younger than it is.
func (r *Ring) dataAAD(kind tutela.KeyKind, id int64, version int, created time.Time) AAD {
	subject := binary.BigEndian.AppendUint64(append([]byte(kind), 0), uint64(created.Unix()))
	return AAD{Tenant: r.cfg.Tenant, Purpose: "data-key", Subject: subject, ID: id, Version: int64(version)}
}

func ringAAD(t tutela.Tenant, generation int) []byte {
	return AAD{Tenant: t, Purpose: "keyring-key", Version: int64(generation)}.encode(nil, generation)
}
