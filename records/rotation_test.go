package records_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/keys"
)

// turn rotates the generation key and carries it to its end.
func turn(t *testing.T, ring *keys.Ring) int {
	t.Helper()
	generation, err := ring.Rotate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	finish(t, ring)
	return generation
}

// finish rewraps and retires, again where somebody wrapped a key in between.
func finish(t *testing.T, ring *keys.Ring) {
	t.Helper()
	for {
		if err := ring.Rewrap(t.Context(), func(int) {}); err != nil {
			t.Fatal(err)
		}
		if _, err := ring.Retire(t.Context()); err == nil {
			break
		} else if !errs.Is(err, errs.Conflict) {
			t.Fatal(err)
		}
	}
	if err := destroy(t, ring); err != nil {
		t.Fatal(err)
	}
}

// destroy destroys what was retired.
func destroy(t *testing.T, ring *keys.Ring) error {
	t.Helper()
	newest, err := ring.Generation(t.Context())
	for n := 1; n < newest && err == nil; n++ {
		var final bool
		if final, err = ring.Destroy(t.Context(), n); errs.Is(err, errs.NotFound) {
			err = nil // its number was passed over
		} else if err == nil && !final {
			t.Errorf("generation %d is not gone", n)
		}
	}
	return err
}

// Generations come and go while patients are made, written, read and searched for, and another node, which
// rotates too, has not heard: no request fails, and in the end one generation wraps everything.
func TestRotationGoesOnUnseen(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		ctx, stop := context.WithCancel(t.Context())
		var busy sync.WaitGroup
		var made atomic.Int64
		for w := range 4 {
			busy.Go(func() {
				for i := 0; ctx.Err() == nil && !t.Failed(); i++ {
					id, patient := fmt.Sprintf("o-%d-%d", w, i), fmt.Sprintf("p-%d-%d", w, i)
					send(t, r, http.MethodPut, id, observation(id, "seen", patient))
					a := r.Do(t, rig.Call{As: rig.Loader, Method: http.MethodGet, Path: "Observation/" + id})
					if a.Status != http.StatusOK {
						t.Errorf("%s: %d", id, a.Status)
					}
					made.Add(1)
				}
			})
		}
		other, err := keys.Open(t.Context(), keys.Config{Tenant: r.Ring.Tenant(), Shelf: r.DB, Provider: r.Ring.Provider(), Clock: clock.System})
		if err != nil {
			t.Fatal(err)
		}
		newest := 0
		for i := range 6 {
			before := made.Load()
			newest = turn(t, []*keys.Ring{r.Ring, other}[i%2])
			for made.Load() == before && !t.Failed() { // something was written under each
			}
		}
		stop()
		busy.Wait()
		finish(t, r.Ring)
		old, left, err := r.Ring.Outdated(t.Context())
		if err != nil || old > 0 || len(left) > 0 {
			t.Errorf("%d keys and generations %v are left: %v", old, left, err)
		}
		there, err := r.Ring.Provider().Generations(t.Context())
		if err != nil || len(there) != 1 || there[0] != newest {
			t.Errorf("the provider still has %v: %v", there, err)
		}
		fresh, err := keys.Open(t.Context(), keys.Config{Tenant: r.Ring.Tenant(), Shelf: r.DB, Provider: r.Ring.Provider(), Clock: clock.System})
		if err != nil {
			t.Fatal(err)
		}
		err = r.DB.WrappedKeys(t.Context(), func(w tutela.WrappedKey) error {
			if w.Kind == tutela.KeyRing {
				return nil
			}
			_, err := fresh.Unwrap(t.Context(), w)
			return err
		})
		if err != nil {
			t.Errorf("a key does not open under the last generation: %v", err)
		}
		r.Verify(t)
	})
}

var errBroken = errors.New("the provider failed")

// brittle is a provider whose calls fail, one more each time they are tried.
type brittle struct {
	keys.Provider
	calls, fails int
}

func (b *brittle) fail() error {
	if b.calls++; b.calls == b.fails {
		return errBroken
	}
	return nil
}

func (b *brittle) Create(ctx context.Context, n int) error {
	if err := b.fail(); err != nil {
		return err
	}
	return errors.Join(b.Provider.Create(ctx, n), b.fail()) // done, and not told
}

func (b *brittle) Generations(ctx context.Context) ([]int, error) {
	list, err := b.Provider.Generations(ctx)
	return list, errors.Join(err, b.fail())
}

func (b *brittle) Wrap(ctx context.Context, n int, plain, aad []byte) ([]byte, error) {
	w, err := b.Provider.Wrap(ctx, n, plain, aad)
	return w, errors.Join(err, b.fail())
}

func (b *brittle) Unwrap(ctx context.Context, n int, w, aad []byte) ([]byte, error) {
	plain, err := b.Provider.Unwrap(ctx, n, w, aad)
	return plain, errors.Join(err, b.fail())
}

func (b *brittle) Destroy(ctx context.Context, n int) error {
	if err := b.fail(); err != nil {
		return err
	}
	return errors.Join(b.Provider.Destroy(ctx, n), b.fail())
}

// The provider fails at every call of a rotation in turn, before or after it did what it was asked, and the process
// ends there: the next one finishes what was begun, and everything opens at any time.
func TestRotationSurvivesEveryFailureOfTheProvider(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		r.Put(t, observation("o", "code", "p"))
		rotations := 0
		for fails := 1; ; fails++ {
			b := &brittle{Provider: r.Ring.Provider(), fails: fails}
			open := func(p keys.Provider) *keys.Ring {
				ring, err := keys.Open(t.Context(), keys.Config{Tenant: r.Ring.Tenant(), Shelf: r.DB, Provider: p, Clock: clock.System, Complete: true})
				if err != nil {
					t.Fatalf("after failure %d nothing opens: %v", fails, err)
				}
				return ring
			}
			err := carry(t, brittleRing(t, r, b))
			r.Ring.Close()
			if a := r.Get(t, rig.Loader, "Observation/o"); a.Status != http.StatusOK {
				t.Fatalf("after failure %d: %d", fails, a.Status)
			}
			finish(t, open(r.Ring.Provider()))
			if err == nil {
				break
			}
			rotations++
		}
		if rotations < 8 {
			t.Errorf("only %d calls failed", rotations)
		}
		r.Verify(t)
	})
}

// brittleRing opens with a provider that fails from now on.
func brittleRing(t *testing.T, r *rig.Rig, b *brittle) *keys.Ring {
	t.Helper()
	fails := b.fails
	b.fails = 0
	ring, err := keys.Open(t.Context(), keys.Config{Tenant: r.Ring.Tenant(), Shelf: r.DB, Provider: b, Clock: clock.System, Complete: true})
	if err != nil {
		t.Fatal(err)
	}
	b.calls, b.fails = 0, fails
	return ring
}

// carry rotates until something fails.
func carry(t *testing.T, ring *keys.Ring) error {
	t.Helper()
	if _, err := ring.Rotate(t.Context()); err != nil {
		return err
	}
	if err := ring.Rewrap(t.Context(), func(int) {}); err != nil {
		return err
	}
	if _, err := ring.Retire(t.Context()); err != nil {
		return err
	}
	return destroy(t, ring)
}

// A provider that does not give back what it wrapped is never the only one that could open anything.
func TestRotationRefusesAProviderThatWrapsWrongly(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		ring, err := keys.Open(t.Context(), keys.Config{Tenant: r.Ring.Tenant(), Shelf: r.DB, Provider: confused{r.Ring.Provider()}, Clock: clock.System})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ring.Rotate(t.Context()); err == nil {
			t.Error("a rotation to a provider that wraps something else succeeded")
		}
		r.Put(t, observation("o", "code", "p"))
		if list, err := r.DB.Generations(t.Context()); err != nil || len(list) != 1 {
			t.Errorf("generations %v, %v", list, err)
		}
	})
}

// confused wraps something else than it is given.
type confused struct{ keys.Provider }

func (c confused) Wrap(ctx context.Context, n int, plain, aad []byte) ([]byte, error) {
	return c.Provider.Wrap(ctx, n, make([]byte, len(plain)), aad)
}

// A key that was altered stops a rotation before anything is destroyed, and is named.
func TestRotationStopsAtAKeyThatDoesNotOpen(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		r.Put(t, observation("o", "code", "p"))
		exec(t, r, "UPDATE wrapped_keys SET blob = ? WHERE kind = 2", make([]byte, 60))
		err := carry(t, r.Ring)
		if !errors.Is(err, keys.ErrSealed) {
			t.Errorf("%v", err)
		}
		there, err := r.Ring.Provider().Generations(t.Context())
		if err != nil || len(there) != 2 {
			t.Errorf("the provider has %v: %v", there, err)
		}
	})
}
