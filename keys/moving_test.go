package keys_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/keys/keystest"
)

func TestMovingConforms(t *testing.T) {
	keystest.Provider(t, func(t *testing.T) keys.Provider {
		return keys.NewSwitch(&keys.Moving{From: createLocal(t, t.TempDir()), To: createLocal(t, t.TempDir())})
	})
}

// TestGenerationsMove: what was wrapped before opens throughout, what comes after is made in the new
// provider, and nothing needs the old one once its last generation is destroyed.
func TestGenerationsMove(t *testing.T) {
	from, to := createLocal(t, t.TempDir()), createLocal(t, t.TempDir())
	p := keys.NewSwitch(from)
	first := made(t, p, 1)
	p.Set(&keys.Moving{From: from, To: to})
	wantUnwraps(t, p, 1, first)
	second := made(t, p, 2)
	wantGenerationsOf(t, from, 1)
	wantGenerationsOf(t, to, 2)
	wantGenerationsOf(t, p, 1, 2)
	if err := p.Create(t.Context(), 1); !errs.Is(err, errs.Conflict) {
		t.Errorf("made a number that is in the old provider: %v", err)
	}
	if err := p.Destroy(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if done, _, err := keys.Destruction(t.Context(), p, 1); !done || err != nil {
		t.Errorf("generation 1 is not gone (%v)", err)
	}
	wantGenerationsOf(t, p, 2)
	p.Set(to)
	wantUnwraps(t, p, 2, second)
	if err := p.Create(t.Context(), 1); !errs.Is(err, errs.Conflict) {
		t.Errorf("a number that was destroyed in the old provider came back in the new one: %v", err)
	}
}

// TestWhatHasMovedOpensWithoutTheOldProvider, and what has not is unavailable rather than not there.
func TestWhatHasMovedOpensWithoutTheOldProvider(t *testing.T) {
	from, to := createLocal(t, t.TempDir()), createLocal(t, t.TempDir())
	first, second := made(t, from, 1), made(t, to, 2)
	p := &keys.Moving{From: down{from}, To: to}
	wantUnwraps(t, p, 2, second)
	if _, err := p.Unwrap(t.Context(), 1, first, nil); !errs.Is(err, errs.Unavailable) {
		t.Errorf("error %v, want Unavailable", err)
	}
	for what, err := range map[string]error{"Create": p.Create(t.Context(), 3), "Destroy": p.Destroy(t.Context(), 2)} {
		if !errs.Is(err, errs.Unavailable) {
			t.Errorf("%s without knowing what the old provider has: %v", what, err)
		}
	}
}

// TestDestructionBrokenOffGoesOn: the number is used up in the new provider, and the old one did not answer.
func TestDestructionBrokenOffGoesOn(t *testing.T) {
	from, to := createLocal(t, t.TempDir()), createLocal(t, t.TempDir())
	first := made(t, from, 1)
	p := &keys.Moving{From: undestroyable{from}, To: to}
	if err := p.Destroy(t.Context(), 1); !errs.Is(err, errs.Unavailable) {
		t.Fatalf("error %v, want Unavailable", err)
	}
	wantUnwraps(t, p, 1, first)
	p.From = from
	if err := p.Destroy(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	wantGenerationsOf(t, p)
}

func TestDestructionIsToldByProvidersThatTakeTheirTime(t *testing.T) {
	p := createLocal(t, t.TempDir())
	made(t, p, 1)
	if done, _, err := keys.Destruction(t.Context(), p, 1); done || err != nil {
		t.Errorf("gone before it was destroyed (%v)", err)
	}
	at := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for _, q := range []keys.Provider{slow{p, at}, keys.NewSwitch(slow{p, at}), &keys.Moving{From: slow{p, at}, To: p}} {
		done, when, err := keys.Destruction(t.Context(), q, 1)
		if done || err != nil || !when.Equal(at) {
			t.Errorf("%T: done %v at %v (%v)", q, done, when, err)
		}
	}
	if _, _, err := keys.Destruction(t.Context(), down{p}, 1); !errs.Is(err, errs.Unavailable) {
		t.Errorf("a provider that does not answer: %v", err)
	}
}

// down does not answer.
type down struct{ keys.Provider }

func (down) Generations(context.Context) ([]int, error) { return nil, unavailable() }

// undestroyable destroys nothing.
type undestroyable struct{ keys.Provider }

func (undestroyable) Destroy(context.Context, int) error { return unavailable() }

// slow destroys one day.
type slow struct {
	keys.Provider
	at time.Time
}

func (s slow) Destruction(context.Context, int) (bool, time.Time, error) { return false, s.at, nil }

func unavailable() error { return errs.New(errs.Unavailable, "down") }

// made creates a generation and gives what it wrapped.
func made(t *testing.T, p keys.Provider, generation int) []byte {
	t.Helper()
	if err := p.Create(t.Context(), generation); err != nil {
		t.Fatal(err)
	}
	wrapped, err := p.Wrap(t.Context(), generation, []byte("a key"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return wrapped
}

func wantUnwraps(t *testing.T, p keys.Provider, generation int, wrapped []byte) {
	t.Helper()
	got, err := p.Unwrap(t.Context(), generation, wrapped, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("a key", string(got)); diff != "" {
		t.Error(diff)
	}
}

func wantGenerationsOf(t *testing.T, p keys.Provider, want ...int) {
	t.Helper()
	got, err := p.Generations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
