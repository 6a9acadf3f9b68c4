package keys

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

var errShelf = errors.New("disk full")

func TestCurrentGivesOneKeyForAllTime(t *testing.T) {
	cfg, _ := newConfig(t)
	first := current(t, openRing(t, cfg), 5)
	wantSameKey(t, first, current(t, openRing(t, cfg), 5))
	if first.Version() != 1 {
		t.Errorf("version %d, want 1", first.Version())
	}
}

func TestEachPatientHasAnotherKey(t *testing.T) {
	cfg, _ := newConfig(t)
	r := openRing(t, cfg)
	if _, err := current(t, r, 6).Open(nil, current(t, r, 5).Seal(nil, nil, AAD{}), AAD{}); !errors.Is(err, ErrSealed) {
		t.Errorf("one patient's key opened another's: %v", err)
	}
}

func TestTwoRingsRaceToMakeOneKeyAndAgree(t *testing.T) {
	cfg, s := newConfig(t)
	const racers = 8
	var gate sync.WaitGroup // all have found no key before the first puts one
	gate.Add(racers)
	var once [racers]sync.Once
	made := make(chan *Key, racers)
	for i := range racers {
		mine := cfg
		mine.Shelf = gated{s, func() { once[i].Do(func() { gate.Done(); gate.Wait() }) }}
		r := openRing(t, mine)
		go func() {
			k, err := r.Current(context.Background(), tutela.KeyPatient, 5)
			if err != nil {
				t.Error(err)
			}
			made <- k
		}()
	}
	first := <-made
	for range racers - 1 {
		wantSameKey(t, first, <-made)
	}
}

// gated is a Shelf that waits before its first put.
type gated struct {
	*shelf
	wait func()
}

func (g gated) PutWrappedKey(ctx context.Context, w tutela.WrappedKey) error {
	g.wait()
	return g.shelf.PutWrappedKey(ctx, w)
}

func TestTwoRingsRaceToMakeOneSecretAndAgree(t *testing.T) {
	cfg, s := newConfig(t)
	loser, winner := openRing(t, cfg), openRing(t, cfg)
	var won []byte
	raced := false
	s.beforePut = func(tutela.WrappedKey) (err error) {
		if !raced {
			raced = true
			won, err = winner.Secret(t.Context(), "index")
		}
		return err
	}
	lost, err := loser.Secret(t.Context(), "index")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(won, lost); diff != "" || len(won) != Size {
		t.Error("the two secrets differ")
	}
}

func TestSecretIsKeptAndBoundToItsName(t *testing.T) {
	cfg, _ := newConfig(t)
	first, second := secretOf(t, openRing(t, cfg), "index"), secretOf(t, openRing(t, cfg), "index")
	if !bytes.Equal(first, second) {
		t.Error("a system secret changed")
	}
	if bytes.Equal(first, secretOf(t, openRing(t, cfg), "locator")) {
		t.Error("two system secrets are equal")
	}
}

func TestPreparedKeyCountsOnceItIsKept(t *testing.T) {
	cfg, s := newConfig(t)
	r := openRing(t, cfg)
	k, fresh, err := r.Prepare(t.Context(), tutela.KeyPatient, 5)
	if err != nil || fresh == nil {
		t.Fatalf("prepare: %v, %v", fresh, err)
	}
	want := tutela.WrappedKey{Kind: tutela.KeyPatient, ID: 5, Version: 1, Generation: 1, Blob: fresh.Blob, Created: noon()}
	if diff := cmp.Diff(want, *fresh); diff != "" {
		t.Error(diff)
	}
	if _, err := r.At(t.Context(), tutela.KeyPatient, 5, 0); !errs.Is(err, errs.NotFound) {
		t.Errorf("a key that nobody kept is there: %v", err)
	}
	if err := s.PutWrappedKey(t.Context(), *fresh); err != nil {
		t.Fatal(err)
	}
	r.Adopt(*fresh, k)
	for _, version := range []int{0, 1} {
		if got, err := r.At(t.Context(), tutela.KeyPatient, 5, version); got != k {
			t.Errorf("version %d is not the adopted key (%v)", version, err)
		}
	}
	wantSameKey(t, k, current(t, openRing(t, cfg), 5))
}

func TestAtGivesTheVersionAskedFor(t *testing.T) {
	cfg, s := newConfig(t)
	r := openRing(t, cfg)
	old := current(t, r, 5)
	secret := random(Size)
	w, err := r.wrap(t.Context(), tutela.KeyPatient, 5, 2, secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.PutWrappedKey(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	r.Forget(tutela.KeyPatient, 5)
	wantSameKey(t, old, at(t, r, 5, 1))
	wantSameKey(t, testKey(t, secret, 2), at(t, r, 5, 2))
	wantSameKey(t, testKey(t, secret, 2), at(t, r, 5, 0))
}

func TestOpenedKeysAreCachedUntilForgotten(t *testing.T) {
	cfg, s := newConfig(t)
	r := openRing(t, cfg)
	current(t, r, 5)
	looked := 0
	s.afterGet = func(tutela.WrappedKey) { looked++ }
	at(t, r, 5, 0)
	at(t, r, 5, 1)
	if looked != 0 {
		t.Errorf("%d look-ups of a cached key", looked)
	}
	r.Forget(tutela.KeyPatient, 5)
	at(t, r, 5, 0)
	if looked != 1 {
		t.Errorf("%d look-ups of a forgotten key, want 1", looked)
	}
}

func TestKeyErasedDuringItsLookUpIsNotCached(t *testing.T) {
	cfg, s := newConfig(t)
	r := openRing(t, cfg)
	current(t, r, 5)
	r.Forget(tutela.KeyPatient, 5)
	s.afterGet = func(tutela.WrappedKey) { // erased between the look-up and the answer
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.rows, name{tutela.KeyPatient, 5, 1})
		r.Forget(tutela.KeyPatient, 5)
	}
	at(t, r, 5, 0)
	if _, err := r.At(t.Context(), tutela.KeyPatient, 5, 0); !errs.Is(err, errs.NotFound) {
		t.Errorf("an erased key still opens (%v)", err)
	}
}

func TestFewKeysAreCached(t *testing.T) {
	cfg, _ := newConfig(t)
	cfg.Cached = 3
	r := openRing(t, cfg)
	for id := range int64(10) {
		current(t, r, id)
	}
	if n := len(r.cache.slots); n != 3 {
		t.Errorf("%d keys cached, want 3", n)
	}
	cfg.Cached = -1
	current(t, openRing(t, cfg), 1)
}

func TestClosedRingHoldsNoKey(t *testing.T) {
	cfg, _ := newConfig(t)
	r := openRing(t, cfg)
	current(t, r, 5)
	r.Close()
	if len(r.cache.slots)+len(r.generations) != 0 {
		t.Error("a closed ring still holds keys")
	}
}

func TestRingTellsWhoseItIs(t *testing.T) {
	cfg, _ := newConfig(t)
	r := openRing(t, cfg)
	if r.Tenant() != "clinic" || r.Provider() != cfg.Provider {
		t.Errorf("tenant %s, provider %v", r.Tenant(), r.Provider())
	}
}

func TestMovedWrappedKeyDoesNotOpen(t *testing.T) {
	home := name{tutela.KeyPatient, 5, 1}
	for what, move := range map[string]func(*tutela.WrappedKey){
		"another patient": func(w *tutela.WrappedKey) { w.ID = 6 },
		"another kind":    func(w *tutela.WrappedKey) { w.Kind = tutela.KeyDay },
		"another version": func(w *tutela.WrappedKey) { w.Version = 2 },
		"altered":         func(w *tutela.WrappedKey) { w.Blob[30] ^= 1 },
	} {
		t.Run(what, func(t *testing.T) {
			cfg, s := newConfig(t)
			current(t, openRing(t, cfg), 5)
			var moved tutela.WrappedKey
			s.alter(t, home, func(w *tutela.WrappedKey) { move(w); moved = *w })
			_, err := openRing(t, cfg).At(t.Context(), moved.Kind, moved.ID, moved.Version)
			if !errors.Is(err, ErrSealed) {
				t.Errorf("opened: %v", err)
			}
		})
	}
}

func TestKeyOfAnotherTenantDoesNotOpen(t *testing.T) {
	cfg, _ := newConfig(t)
	r := openRing(t, cfg)
	current(t, r, 5)
	stranger := &Ring{cfg: cfg, cache: newCache(1), generations: r.generations}
	stranger.cfg.Tenant = "other"
	if _, err := stranger.At(t.Context(), tutela.KeyPatient, 5, 0); !errors.Is(err, ErrSealed) {
		t.Errorf("a data key opened for another tenant: %v", err)
	}
	cfg.Tenant = "other"
	if _, err := Open(t.Context(), cfg); !errors.Is(err, ErrSealed) {
		t.Errorf("the keyring opened for another tenant: %v", err)
	}
}

func TestDestroyedGenerationOpensNothingAndMakesNothingAnew(t *testing.T) {
	cfg, _ := newConfig(t)
	current(t, openRing(t, cfg), 5)
	secretOf(t, openRing(t, cfg), "index")
	r := openRing(t, cfg)
	if err := cfg.Provider.Destroy(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	r.Close() // another process would hold no keyring key either
	_, atErr := r.At(t.Context(), tutela.KeyPatient, 5, 0)
	_, currentErr := r.Current(t.Context(), tutela.KeyPatient, 5)
	_, secretErr := r.Secret(t.Context(), "index")
	for what, err := range map[string]error{"At": atErr, "Current": currentErr, "Secret": secretErr} {
		if !errors.Is(err, ErrDestroyed) || !errs.Is(err, errs.NotFound) {
			t.Errorf("%s: %v, want that it was destroyed", what, err)
		}
	}
	_, newErr := r.Current(t.Context(), tutela.KeyPatient, 6)
	_, newSecretErr := r.Secret(t.Context(), "other")
	if newErr == nil || newSecretErr == nil {
		t.Errorf("a key was made under a destroyed generation: %v, %v", newErr, newSecretErr)
	}
	if _, err := Open(t.Context(), cfg); err == nil {
		t.Error("a ring opened without its generation")
	}
}

func TestKeyOfAGenerationWithoutKeyringRowIsDestroyed(t *testing.T) {
	cfg, s := newConfig(t)
	current(t, openRing(t, cfg), 5)
	s.alter(t, name{tutela.KeyPatient, 5, 1}, func(w *tutela.WrappedKey) { w.Generation = 2 })
	if _, err := openRing(t, cfg).At(t.Context(), tutela.KeyPatient, 5, 0); !errors.Is(err, ErrDestroyed) {
		t.Errorf("error %v, want that it was destroyed", err)
	}
}

func TestUnreachableProviderIsNotADestroyedKey(t *testing.T) {
	cfg, _ := newConfig(t)
	r := openRing(t, cfg)
	current(t, r, 5)
	r.Close()
	r.cfg.Provider = noUnwrap{cfg.Provider}
	_, err := r.At(t.Context(), tutela.KeyPatient, 5, 0)
	if !errors.Is(err, errShelf) || errs.Is(err, errs.NotFound) {
		t.Errorf("error %v, want the provider's", err)
	}
}

// noUnwrap is a Provider that cannot be reached.
type noUnwrap struct{ Provider }

func (noUnwrap) Unwrap(context.Context, int, []byte, []byte) ([]byte, error) { return nil, errShelf }

func TestFailureToKeepAKeyIsTold(t *testing.T) {
	cfg, s := newConfig(t)
	r := openRing(t, cfg)
	s.beforePut = func(tutela.WrappedKey) error { return errShelf }
	if _, err := r.Current(t.Context(), tutela.KeyPatient, 5); !errors.Is(err, errShelf) {
		t.Errorf("Current: %v", err)
	}
	if _, err := r.Secret(t.Context(), "index"); !errors.Is(err, errShelf) {
		t.Errorf("Secret: %v", err)
	}
	if _, err := r.At(t.Context(), tutela.KeyPatient, 5, 0); !errs.Is(err, errs.NotFound) {
		t.Errorf("a key that was not kept is used: %v", err)
	}
}

func TestWrappedKeyOfAnotherLengthIsRefused(t *testing.T) {
	cfg, s := newConfig(t)
	r := openRing(t, cfg)
	w, err := r.wrap(t.Context(), tutela.KeyPatient, 5, 1, []byte("short"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.PutWrappedKey(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if _, err := r.At(t.Context(), tutela.KeyPatient, 5, 1); err == nil {
		t.Error("a key of five bytes was opened")
	}
}

func TestRingNeedsAKeyring(t *testing.T) {
	cfg, s := newConfig(t)
	cfg.Shelf = newShelf()
	if _, err := Open(t.Context(), cfg); !errs.Is(err, errs.NotFound) {
		t.Errorf("Open of an empty shelf: %v", err)
	}
	short, err := cfg.Provider.Wrap(t.Context(), 1, []byte("short"), ringAAD("clinic", 1))
	if err != nil {
		t.Fatal(err)
	}
	s.alter(t, name{tutela.KeyRing, 0, 1}, func(w *tutela.WrappedKey) { w.Blob = short })
	cfg.Shelf = s
	if _, err := Open(t.Context(), cfg); err == nil {
		t.Error("a keyring key of five bytes was opened")
	}
}

func TestInitHappensOnce(t *testing.T) {
	cfg, s := newConfig(t)
	if err := Init(t.Context(), cfg); !errs.Is(err, errs.Conflict) {
		t.Errorf("second Init: %v", err)
	}
	if len(s.rows) != 1 {
		t.Errorf("%d rows after two Inits, want 1", len(s.rows))
	}
}

func TestInitTellsWhatFailed(t *testing.T) {
	cfg, s := newConfig(t)
	fresh, err := CreateLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cfg.Provider = fresh
	s.beforePut = func(tutela.WrappedKey) error { return errShelf }
	if err := Init(t.Context(), cfg); !errors.Is(err, errShelf) {
		t.Errorf("shelf: %v", err)
	}
	cfg.Provider = noWrap{fresh}
	if err := fresh.Destroy(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if err := Init(t.Context(), cfg); !errors.Is(err, errShelf) {
		t.Errorf("provider: %v", err)
	}
}

// noWrap is a Provider that makes generations and wraps nothing.
type noWrap struct{ *Local }

func (noWrap) Create(context.Context, int) error { return nil }

func (noWrap) Wrap(context.Context, int, []byte, []byte) ([]byte, error) { return nil, errShelf }

func TestRingIsSafeForConcurrentUse(t *testing.T) {
	cfg, _ := newConfig(t)
	cfg.Cached = 4
	r := openRing(t, cfg)
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 40 {
				id := int64((worker + i) % 7)
				k, err := r.Current(t.Context(), tutela.KeyPatient, id)
				if err != nil {
					t.Error(err)
					return
				}
				again, err := r.At(t.Context(), tutela.KeyPatient, id, 1)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := again.Open(nil, k.Seal(nil, nil, AAD{ID: id}), AAD{ID: id}); err != nil {
					t.Error("two keys of one patient differ")
				}
				r.Forget(tutela.KeyPatient, id)
			}
		})
	}
	wg.Wait()
}

func current(t *testing.T, r *Ring, id int64) *Key {
	t.Helper()
	k, err := r.Current(t.Context(), tutela.KeyPatient, id)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func at(t *testing.T, r *Ring, id int64, version int) *Key {
	t.Helper()
	k, err := r.At(t.Context(), tutela.KeyPatient, id, version)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func secretOf(t *testing.T, r *Ring, secret string) []byte {
	t.Helper()
	b, err := r.Secret(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func wantSameKey(t *testing.T, a, b *Key) {
	t.Helper()
	got, err := b.Open(nil, a.Seal(nil, []byte("chart"), AAD{}), AAD{})
	if err != nil || string(got) != "chart" {
		t.Errorf("the keys differ: %v", err)
	}
}
