package moving_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/recovery/moving"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func local(t *testing.T) *keys.Local {
	t.Helper()
	p, err := keys.CreateLocal(filepath.Join(t.TempDir(), "to"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func run(t *testing.T, r *rig.Rig, m *keys.Moving) error {
	t.Helper()
	base := tutela.Entry{Actor: tutela.Actor{ID: "a", Kind: tutela.ActorPerson, Name: "admin"}, Action: tutela.ActionKeyProviderMove}
	return moving.Config{DB: r.DB, Audit: r.Audit, Tenant: r.Ring.Tenant()}.Run(t.Context(), base, m)
}

// reopens opens the system's keys anew by a provider.
func reopens(ctx context.Context, r *rig.Rig, p keys.Provider) error {
	ring, err := keys.Open(ctx, keys.Config{Tenant: r.Ring.Tenant(), Shelf: r.DB, Provider: p, Clock: clock.System, Complete: true})
	if err != nil {
		return err
	}
	defer ring.Close()
	secret, err := ring.Secret(ctx, "identity")
	clear(secret)
	return err
}

func generations(t *testing.T, p keys.Provider) string {
	t.Helper()
	list, err := p.Generations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(list)
}

// TestTheKeyringMovesUnderLoad: nodes that write, and nodes that start, feel nothing of it; afterwards
// the new provider alone opens everything, the old one has nothing, and the ledger says who moved what.
func TestTheKeyringMovesUnderLoad(t *testing.T) {
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		r.Put(t, `{"resourceType":"Patient","id":"before"}`)
		m := &keys.Moving{From: r.Ring.Provider(), To: local(t)}
		ctx, stop := context.WithCancel(t.Context())
		began := make(chan struct{}, 2)
		failed := make(chan error, 2)
		busy := func(work func(n int) error) {
			var err error
			for n := 0; err == nil && ctx.Err() == nil; n++ {
				if err = work(n); n == 0 {
					began <- struct{}{}
				}
			}
			failed <- err
		}
		go busy(func(int) error { return reopens(context.WithoutCancel(ctx), r, m) })
		go busy(func(n int) error {
			r.Put(t, fmt.Sprintf(`{"resourceType":"Patient","id":"during-%d"}`, n))
			return nil
		})
		<-began
		<-began
		if err := run(t, r, m); err != nil {
			t.Error(err)
		}
		stop()
		for range 2 {
			if err := <-failed; err != nil {
				t.Errorf("while it moved: %v", err)
			}
		}
		if err := reopens(t.Context(), r, m.To); err != nil {
			t.Errorf("by the new provider alone: %v", err)
		}
		if err := reopens(t.Context(), r, m.From); err == nil {
			t.Error("the old provider still opens the keyring")
		}
		if diff := cmp.Diff([]string{"[]", "[1]"}, []string{generations(t, m.From), generations(t, m.To)}); diff != "" {
			t.Error(diff)
		}
		r.Verify(t)
		want := []string{"local: generation 1 destroyed there, after it moved to local", "local: generation 1 moved from local"}
		if diff := cmp.Diff(want, deeds(t, r)); diff != "" {
			t.Error(diff)
		}
	})
}

func deeds(t *testing.T, r *rig.Rig) (list []string) {
	t.Helper()
	err := r.Audit.Search(t.Context(), audit.Query{Action: tutela.ActionKeyProviderMove}, func(o audit.Opened) error {
		list = append(list, o.Entry.Subject.ID+": "+o.Entry.Subject.Detail)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(list) // what is not in the tree yet has no order
	return list
}

// faulty fails at its nth call, counted over all that share the counter; before it acts, or after.
type faulty struct {
	keys.Provider
	calls *atomic.Int64
	at    int64
	after bool
}

var errFault = errors.New("the provider failed")

func (f faulty) do(work func() error) error {
	fails := f.calls.Add(1) == f.at
	if fails && !f.after {
		return errFault
	}
	err := work()
	if fails {
		return errFault
	}
	return err
}

func (f faulty) Create(ctx context.Context, g int) error {
	return f.do(func() error { return f.Provider.Create(ctx, g) })
}

func (f faulty) Destroy(ctx context.Context, g int) error {
	return f.do(func() error { return f.Provider.Destroy(ctx, g) })
}

func (f faulty) Generations(ctx context.Context) (list []int, err error) {
	err = f.do(func() error { list, err = f.Provider.Generations(ctx); return err })
	return list, err
}

func (f faulty) Wrap(ctx context.Context, g int, plain, aad []byte) (b []byte, err error) {
	err = f.do(func() error { b, err = f.Provider.Wrap(ctx, g, plain, aad); return err })
	return b, err
}

func (f faulty) Unwrap(ctx context.Context, g int, wrapped, aad []byte) (b []byte, err error) {
	err = f.do(func() error { b, err = f.Provider.Unwrap(ctx, g, wrapped, aad); return err })
	return b, err
}

// TestAMoveBrokenOffAnywhereGoesOn: a provider fails at its nth call, for every n, before or after it did
// what it was asked; then a new process finds both providers as they are. It always opens, and a second order ends the move.
func TestAMoveBrokenOffAnywhereGoesOn(t *testing.T) {
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		from := r.Ring.Provider()
		steps := 0
		for _, after := range []bool{false, true} {
			for n := int64(1); ; n++ {
				to, calls := keys.Provider(local(t)), new(atomic.Int64)
				err := run(t, r, &keys.Moving{From: faulty{from, calls, n, after}, To: faulty{to, calls, n, after}})
				m := &keys.Moving{From: from, To: to}
				if opens := reopens(t.Context(), r, m); opens != nil {
					t.Fatalf("call %d (after %v) failed, and nothing opens any more: %v", n, after, opens)
				}
				if again := run(t, r, m); again != nil {
					t.Fatalf("call %d (after %v) failed, and the move does not go on: %v", n, after, again)
				}
				if opens := reopens(t.Context(), r, to); opens != nil || generations(t, from) != "[]" {
					t.Fatalf("call %d (after %v): moved, and %v; the old provider has %s", n, after, opens, generations(t, from))
				}
				from = to // and on to the next
				if steps++; err == nil && calls.Load() < n {
					break
				}
			}
		}
		if steps < 10 {
			t.Errorf("only %d steps were broken off", steps)
		}
		r.Verify(t)
	})
}

// wrong gives back another key than it wrapped.
type wrong struct{ keys.Provider }

func (w wrong) Unwrap(ctx context.Context, g int, wrapped, aad []byte) ([]byte, error) {
	b, err := w.Provider.Unwrap(ctx, g, wrapped, aad)
	if err == nil {
		b = bytes.Repeat([]byte{1}, len(b))
	}
	return b, err
}

// TestAProviderThatAnswersWronglyIsNotMovedTo, and nothing is destroyed for it.
func TestAProviderThatAnswersWronglyIsNotMovedTo(t *testing.T) {
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		from := r.Ring.Provider()
		err := run(t, r, &keys.Moving{From: from, To: wrong{local(t)}})
		if err == nil || !strings.Contains(err.Error(), "does not give back") {
			t.Errorf("error %v", err)
		}
		if err := reopens(t.Context(), r, from); err != nil {
			t.Errorf("the old provider: %v", err)
		}
		if list := deeds(t, r); len(list) > 0 {
			t.Errorf("the ledger says %v", list)
		}
	})
}

// TestMovingToTheSameProviderDestroysNothing: the same folder by another path.
func TestMovingToTheSameProviderDestroysNothing(t *testing.T) {
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		dir := filepath.Join(t.TempDir(), "first")
		first, err := keys.CreateLocal(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := run(t, r, &keys.Moving{From: r.Ring.Provider(), To: first}); err != nil {
			t.Fatal(err)
		}
		link := filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(dir, link); err != nil {
			t.Fatal(err)
		}
		again, err := keys.OpenLocal(link)
		if err != nil {
			t.Fatal(err)
		}
		if err := run(t, r, &keys.Moving{From: first, To: again}); !errs.Is(err, errs.Conflict) || !strings.Contains(errs.Public(err), "one and the same") {
			t.Errorf("error %v", err)
		}
		if err := reopens(t.Context(), r, first); err != nil {
			t.Error(err)
		}
	})
}

// TestRetiredGenerationsAreDestroyedByTwoPeopleFirst: a move is no way around them. Once they are gone, it goes on.
func TestRetiredGenerationsAreDestroyedByTwoPeopleFirst(t *testing.T) {
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		if _, err := r.Ring.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := r.Ring.Rewrap(t.Context(), func(int) {}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Ring.Retire(t.Context()); err != nil {
			t.Fatal(err)
		}
		m := &keys.Moving{From: r.Ring.Provider(), To: local(t)}
		if err := run(t, r, m); !errs.Is(err, errs.Precondition) || !strings.Contains(errs.Public(err), "tutela keys destroy 1") {
			t.Errorf("error %v, want one that says what to do", err)
		}
		if got := generations(t, m.From) + generations(t, m.To); got != "[1 2][]" {
			t.Errorf("generations %s, want all as they were", got)
		}
		if _, err := r.Ring.Destroy(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if err := run(t, r, m); err != nil {
			t.Fatal(err)
		}
		if got := generations(t, m.From) + generations(t, m.To); got != "[][2]" {
			t.Errorf("generations %s, want 2 in the new provider alone", got)
		}
	})
}

// TestANumberThatTheNewProviderDestroyedOnceStopsTheMove before anything has changed.
func TestANumberThatTheNewProviderDestroyedOnceStopsTheMove(t *testing.T) {
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		to := local(t)
		if err := errors.Join(to.Create(t.Context(), 1), to.Destroy(t.Context(), 1)); err != nil {
			t.Fatal(err)
		}
		if err := run(t, r, &keys.Moving{From: r.Ring.Provider(), To: to}); !errs.Is(err, errs.Conflict) {
			t.Errorf("error %v, want Conflict", err)
		}
		if err := reopens(t.Context(), r, r.Ring.Provider()); err != nil {
			t.Error(err)
		}
	})
}
