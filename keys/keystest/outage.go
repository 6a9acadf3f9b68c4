package keystest

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
)

// Remote is a provider behind something that a test can take away and give back.
type Remote struct {
	keys.Provider
	Down func() // from now on nothing is answered, or everything refused: sealed, throttled, unplugged
	Up   func() // all is well again
}

// Outage holds a provider to what it owes while what it works with does not: errs.Unavailable for
// everything, nothing changed, and everything as before once it is back. open gives a new, empty one.
func Outage(t *testing.T, open func(t *testing.T) Remote) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, Remote)
	}{
		{"IsUnavailableAndComesBack", comesBack},
		{"LosesNothingByFailedCalls", losesNothing},
		{"EndsWithItsContext", endsWithContext},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
}

func comesBack(t *testing.T, r Remote) {
	create(t, r, 1)
	wrapped := wrap(t, r, 1, nil)
	r.Down()
	_, wrapErr := r.Wrap(t.Context(), 1, secret(), nil)
	_, unwrapErr := r.Unwrap(t.Context(), 1, wrapped, nil)
	_, listErr := r.Generations(t.Context())
	for name, err := range map[string]error{
		"Wrap": wrapErr, "Unwrap": unwrapErr, "Generations": listErr, "Create": r.Create(t.Context(), 2), "Destroy": r.Destroy(t.Context(), 1),
	} {
		wantKind(t, name+" while it is down", err, errs.Unavailable)
	}
	r.Up()
	got, err := r.Unwrap(t.Context(), 1, wrapped, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(secret(), got); diff != "" {
		t.Error(diff)
	}
}

func losesNothing(t *testing.T, r Remote) {
	create(t, r, 1)
	r.Down()
	_ = r.Create(t.Context(), 2)
	_ = r.Destroy(t.Context(), 1)
	r.Up()
	wantGenerations(t, r, 1)
	create(t, r, 2)
	destroy(t, r, 1)
	wantGenerations(t, r, 2)
}

func endsWithContext(t *testing.T, r Remote) {
	create(t, r, 1)
	wrapped := wrap(t, r, 1, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := r.Unwrap(ctx, 1, wrapped, nil)
	wantKind(t, "Unwrap after its context ended", err, errs.Unavailable)
	if _, err := r.Unwrap(t.Context(), 1, wrapped, nil); err != nil {
		t.Errorf("after a call that was given up: %v", err)
	}
}
