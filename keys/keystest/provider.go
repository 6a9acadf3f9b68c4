package keystest

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
)

// Provider runs the suite. open gives a provider without generations each time.
func Provider(t *testing.T, open func(t *testing.T) keys.Provider) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, keys.Provider)
	}{
		{"IsNamed", isNamed},
		{"ListsGenerationsAscending", listsGenerations},
		{"UnwrapsWhatItWrapped", unwraps},
		{"WrapsTheSameKeyDifferentlyEachTime", wrapsDifferently},
		{"LeavesItsArgumentsAlone", leavesArguments},
		{"RefusesOneAlteredBit", refusesAlteredBits},
		{"RefusesWrappedBytesCutShort", refusesShort},
		{"RefusesAnotherAAD", refusesOtherAAD},
		{"RefusesAnotherGeneration", refusesOtherGeneration},
		{"KnowsNoMissingGeneration", missingGeneration},
		{"CreatesAGenerationOnce", createsOnce},
		{"DestroysForGood", destroysForGood},
		{"DestroysOneGenerationAlone", destroysOne},
		{"CreatesOnceAmongConcurrentCallers", createsOnceConcurrently},
		{"DestroysOnceAmongConcurrentCallers", destroysOnceConcurrently},
		{"NeverRevivesWhileDestroyed", neverRevives},
		{"WrapsConcurrently", wrapsConcurrently},
		{"WrapsWhileOthersAreMadeAndDestroyed", wrapsAmidChanges},
		{"KeepsDestroyedNumbersDestroyed", keepsDestroyed},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
}

func isNamed(t *testing.T, p keys.Provider) {
	if p.Name() == "" {
		t.Error("Name is empty")
	}
}

func listsGenerations(t *testing.T, p keys.Provider) {
	wantGenerations(t, p)
	for _, g := range []int{2, 11, 1} {
		create(t, p, g)
	}
	wantGenerations(t, p, 1, 2, 11)
}

func unwraps(t *testing.T, p keys.Provider) {
	create(t, p, 1)
	for _, aad := range [][]byte{nil, []byte("tenant a"), bytes.Repeat([]byte{7}, 1000)} {
		got, err := p.Unwrap(t.Context(), 1, wrap(t, p, 1, aad), aad)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(secret(), got); diff != "" {
			t.Error(diff)
		}
	}
}

func wrapsDifferently(t *testing.T, p keys.Provider) {
	create(t, p, 1)
	first, second := wrap(t, p, 1, nil), wrap(t, p, 1, nil)
	if bytes.Equal(first, second) {
		t.Error("two wraps of one key are equal: the nonce repeats, or there is none")
	}
	if bytes.Contains(first, secret()) {
		t.Error("the wrapped key holds the plain key")
	}
}

func leavesArguments(t *testing.T, p keys.Provider) {
	create(t, p, 1)
	plain, aad := secret(), []byte("aad")
	wrapped, err := p.Wrap(t.Context(), 1, plain, aad)
	if err != nil {
		t.Fatal(err)
	}
	kept := bytes.Clone(wrapped)
	if _, err := p.Unwrap(t.Context(), 1, wrapped, aad); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]byte{secret(), []byte("aad"), kept}, [][]byte{plain, aad, wrapped}); diff != "" {
		t.Error(diff)
	}
}

func refusesAlteredBits(t *testing.T, p keys.Provider) {
	create(t, p, 1)
	wrapped := wrap(t, p, 1, nil)
	for bit := range 8 * len(wrapped) {
		altered := bytes.Clone(wrapped)
		altered[bit/8] ^= 1 << (bit % 8)
		wantRefused(t, p, 1, altered, nil, fmt.Sprintf("bit %d of byte %d", bit%8, bit/8))
	}
}

func refusesShort(t *testing.T, p keys.Provider) {
	create(t, p, 1)
	wrapped := wrap(t, p, 1, nil)
	for _, b := range [][]byte{nil, {}, wrapped[:1], wrapped[:len(wrapped)-1], wrapped[1:], append(bytes.Clone(wrapped), 0)} {
		wantRefused(t, p, 1, b, nil, fmt.Sprintf("%d of %d bytes", len(b), len(wrapped)))
	}
}

func refusesOtherAAD(t *testing.T, p keys.Provider) {
	create(t, p, 1)
	wrapped := wrap(t, p, 1, []byte("tenant a"))
	for _, aad := range []string{"", "tenant b", "tenant ", "tenant a ", "tenant a\x00"} {
		wantRefused(t, p, 1, wrapped, []byte(aad), fmt.Sprintf("aad %q", aad))
	}
}

func refusesOtherGeneration(t *testing.T, p keys.Provider) {
	create(t, p, 1)
	create(t, p, 2)
	wantRefused(t, p, 2, wrap(t, p, 1, nil), nil, "generation 2 for 1")
}

func missingGeneration(t *testing.T, p keys.Provider) {
	create(t, p, 1)
	wrapped := wrap(t, p, 1, nil)
	_, wrapErr := p.Wrap(t.Context(), 2, secret(), nil)
	_, unwrapErr := p.Unwrap(t.Context(), 2, wrapped, nil)
	for name, err := range map[string]error{
		"Wrap": wrapErr, "Unwrap": unwrapErr, "Destroy": p.Destroy(t.Context(), 2),
	} {
		wantKind(t, name, err, errs.NotFound)
	}
}

func createsOnce(t *testing.T, p keys.Provider) {
	create(t, p, 1)
	wrapped := wrap(t, p, 1, nil)
	if err := p.Create(t.Context(), 1); err == nil {
		t.Error("Create made generation 1 twice")
	}
	if _, err := p.Unwrap(t.Context(), 1, wrapped, nil); err != nil {
		t.Errorf("the second Create harmed generation 1: %v", err)
	}
}

func destroysForGood(t *testing.T, p keys.Provider) {
	create(t, p, 1)
	wrapped := wrap(t, p, 1, nil)
	destroy(t, p, 1)
	_, err := p.Unwrap(t.Context(), 1, wrapped, nil)
	wantKind(t, "Unwrap", err, errs.NotFound)
	wantKind(t, "Destroy", p.Destroy(t.Context(), 1), errs.NotFound)
	if err := p.Create(t.Context(), 1); err == nil {
		t.Error("Create used a destroyed generation again")
	}
	wantGenerations(t, p)
}

func destroysOne(t *testing.T, p keys.Provider) {
	create(t, p, 1)
	create(t, p, 2)
	wrapped := wrap(t, p, 2, nil)
	destroy(t, p, 1)
	if _, err := p.Unwrap(t.Context(), 2, wrapped, nil); err != nil {
		t.Errorf("destroying generation 1 harmed 2: %v", err)
	}
	wantGenerations(t, p, 2)
}

func createsOnceConcurrently(t *testing.T, p keys.Provider) {
	if n := succeed(8, func() error { return p.Create(t.Context(), 1) }); n != 1 {
		t.Errorf("%d of 8 concurrent Creates made generation 1, want 1", n)
	}
	wantGenerations(t, p, 1)
}

func destroysOnceConcurrently(t *testing.T, p keys.Provider) {
	create(t, p, 1)
	n := succeed(8, func() error {
		err := p.Destroy(t.Context(), 1)
		if err != nil {
			wantKind(t, "Destroy", err, errs.NotFound)
		}
		return err
	})
	if n != 1 {
		t.Errorf("%d of 8 concurrent Destroys succeeded, want 1", n)
	}
	wantGenerations(t, p)
}

func neverRevives(t *testing.T, p keys.Provider) {
	for g := 1; g <= 20; g++ {
		create(t, p, g)
		var wg sync.WaitGroup
		wg.Go(func() { _ = p.Destroy(t.Context(), g) })
		wg.Go(func() { _ = p.Create(t.Context(), g) })
		wg.Wait()
	}
	wantGenerations(t, p)
}

func wrapsConcurrently(t *testing.T, p keys.Provider) {
	create(t, p, 1)
	n := succeed(16, func() error {
		wrapped, err := p.Wrap(t.Context(), 1, secret(), []byte("aad"))
		if err != nil {
			return err
		}
		plain, err := p.Unwrap(t.Context(), 1, wrapped, []byte("aad"))
		if err == nil && !bytes.Equal(plain, secret()) {
			err = fmt.Errorf("unwrapped another key")
		}
		return err
	})
	if n != 16 {
		t.Errorf("%d of 16 concurrent round trips succeeded", n)
	}
}

// wrapsAmidChanges: what happens to other generations does not disturb the one in use.
func wrapsAmidChanges(t *testing.T, p keys.Provider) {
	create(t, p, 1)
	changed := make(chan error, 1)
	go func() {
		var err error
		for g := 2; g <= 9 && err == nil; g++ {
			if err = p.Create(t.Context(), g); err == nil && g%2 == 0 {
				err = p.Destroy(t.Context(), g)
			}
		}
		changed <- err
	}()
	for range 20 {
		got, err := p.Unwrap(t.Context(), 1, wrap(t, p, 1, []byte("aad")), []byte("aad"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(secret(), got); diff != "" {
			t.Fatal(diff)
		}
	}
	if err := <-changed; err != nil {
		t.Error(err)
	}
	wantGenerations(t, p, 1, 3, 5, 7, 9)
}

// keepsDestroyed: no number comes back, however many ask for it, whatever is made beside it.
func keepsDestroyed(t *testing.T, p keys.Provider) {
	for g := 1; g <= 4; g++ {
		create(t, p, g)
	}
	destroy(t, p, 1)
	destroy(t, p, 3)
	for _, g := range []int{1, 3} {
		if n := succeed(8, func() error { return p.Create(t.Context(), g) }); n != 0 {
			t.Errorf("%d of 8 callers made the destroyed generation %d", n, g)
		}
	}
	create(t, p, 5)
	wantGenerations(t, p, 2, 4, 5)
}

// succeed calls f from n goroutines at once and counts the calls without an error.
func succeed(n int, f func() error) int {
	results := make(chan error, n)
	for range n {
		go func() { results <- f() }()
	}
	done := 0
	for range n {
		if <-results == nil {
			done++
		}
	}
	return done
}

func secret() []byte {
	b := make([]byte, keys.Size)
	for i := range b {
		b[i] = byte(i * 7)
	}
	return b
}

func create(t *testing.T, p keys.Provider, generation int) {
	t.Helper()
	if err := p.Create(t.Context(), generation); err != nil {
		t.Fatalf("create generation %d: %v", generation, err)
	}
}

func destroy(t *testing.T, p keys.Provider, generation int) {
	t.Helper()
	if err := p.Destroy(t.Context(), generation); err != nil {
		t.Fatalf("destroy generation %d: %v", generation, err)
	}
}

func wrap(t *testing.T, p keys.Provider, generation int, aad []byte) []byte {
	t.Helper()
	wrapped, err := p.Wrap(t.Context(), generation, secret(), aad)
	if err != nil {
		t.Fatalf("wrap: %v", err)
	}
	return wrapped
}

func wantRefused(t *testing.T, p keys.Provider, generation int, wrapped, aad []byte, what string) {
	t.Helper()
	if _, err := p.Unwrap(t.Context(), generation, wrapped, aad); err == nil {
		t.Errorf("%s: unwrapped", what)
	}
}

func wantKind(t *testing.T, what string, err error, kind errs.Kind) {
	t.Helper()
	if !errs.Is(err, kind) {
		t.Errorf("%s: %v, want an error of kind %v", what, err, kind)
	}
}

func wantGenerations(t *testing.T, p keys.Provider, want ...int) {
	t.Helper()
	got, err := p.Generations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(want, got) {
		t.Errorf("generations %v, want %v", got, want)
	}
}
