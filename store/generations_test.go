package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

func wrapped(kind tutela.KeyKind, id int64, generation int) tutela.WrappedKey {
	version := 1
	if kind == tutela.KeyRing {
		version = generation
	}
	return tutela.WrappedKey{Kind: kind, ID: id, Version: version, Generation: generation, Blob: []byte{byte(generation)}, Created: time.Unix(1e9, 0).UTC()}
}

// under wraps keys anew, in name.
func under(generation int) func([]tutela.WrappedKey) ([]tutela.WrappedKey, error) {
	return func(old []tutela.WrappedKey) ([]tutela.WrappedKey, error) {
		list := append([]tutela.WrappedKey{}, old...)
		for i := range list {
			list[i].Generation, list[i].Blob = generation, []byte{byte(generation)}
		}
		return list, nil
	}
}

// A generation closes only when nothing is wrapped under it, and nothing is afterwards; what was left behind on
// purpose does not count, and is told from what is not there.
func TestGenerationsCloseBehindTheirLastKey(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *store.DB) {
		ctx, at := t.Context(), time.Unix(1.1e9, 0).UTC()
		must(t, db.OpenGeneration(ctx, wrapped(tutela.KeyRing, 0, 1), "one"))
		if err := db.OpenGeneration(ctx, wrapped(tutela.KeyRing, 0, 1), "one"); !errs.Is(err, errs.Conflict) {
			t.Errorf("opened twice: %v", err)
		}
		for id := range int64(5) {
			must(t, db.PutWrappedKey(ctx, wrapped(tutela.KeyPatient, 10+id, 1)))
		}
		must(t, db.OpenGeneration(ctx, wrapped(tutela.KeyRing, 0, 2), "two"))
		if err := db.CloseGeneration(ctx, 1, at); !errs.Is(err, errs.Conflict) {
			t.Errorf("closed over five keys: %v", err)
		}
		op, err := db.Shredding(ctx, tutela.KeyPatient, 12, at)
		must(t, err)
		must(t, db.Commit(ctx, op))
		failed := errors.New("the provider failed")
		if n, err := db.RewrapKeys(ctx, 2, 3, func([]tutela.WrappedKey) ([]tutela.WrappedKey, error) { return nil, failed }); n != 0 || !errors.Is(err, failed) {
			t.Errorf("%d rewrapped, %v", n, err)
		}
		for _, want := range []int{3, 1, 0} {
			if n, err := db.RewrapKeys(ctx, 2, 3, under(2)); n != want || err != nil {
				t.Errorf("%d rewrapped, want %d: %v", n, want, err)
			}
		}
		for range 2 {
			must(t, db.CloseGeneration(ctx, 1, at))
		}
		for what, err := range map[string]error{
			"a key alone":   db.PutWrappedKey(ctx, wrapped(tutela.KeyPatient, 20, 1)),
			"one in an Op":  db.Commit(ctx, store.Op{Claims: []store.Claim{store.ClaimKey(wrapped(tutela.KeyPatient, 21, 1))}}),
			"one of no age": db.PutWrappedKey(ctx, wrapped(tutela.KeyPatient, 22, 7)),
		} {
			if !errs.Is(err, errs.Conflict) || !errors.Is(err, store.ErrClaim) || !errors.Is(err, store.ErrGeneration) {
				t.Errorf("%s was kept under a closed generation: %v", what, err)
			}
		}
		must(t, db.GenerationDestroyed(ctx, 1, at, time.Time{}))
		must(t, db.GenerationDestroyed(ctx, 1, at.Add(time.Hour), at.Add(time.Hour)))
		got, err := db.Generations(ctx)
		must(t, err)
		want := []tutela.KeyGeneration{
			{Number: 1, Provider: "one", Opened: time.Unix(1e9, 0).UTC(), Closed: at, Destroyed: at, Final: at.Add(time.Hour)},
			{Number: 2, Provider: "two", Opened: time.Unix(1e9, 0).UTC()},
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		for id, want := range map[int64]int{12: 1, 13: 0} {
			if generation, shredded, err := db.Shredded(ctx, tutela.KeyPatient, id, 0); generation != want || shredded != (want > 0) || err != nil {
				t.Errorf("key %d: generation %d, %v, %v", id, generation, shredded, err)
			}
		}
		for version, want := range map[int]bool{1: true, 2: false, 1 << 38: false} { // the last one is what a forger may write
			if _, shredded, err := db.Shredded(ctx, tutela.KeyPatient, 12, version); shredded != want || err != nil {
				t.Errorf("version %d: %v, %v", version, shredded, err)
			}
		}
	})
}

// Writers that have not heard of the next generation go on while the old one is closed: each key is kept under a
// generation that is open, or its writer is told to make it anew.
func TestNoKeyIsKeptUnderAClosedGeneration(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		must(t, db.OpenGeneration(ctx, wrapped(tutela.KeyRing, 0, 1), "one"))
		must(t, db.OpenGeneration(ctx, wrapped(tutela.KeyRing, 0, 2), "two"))
		var writers sync.WaitGroup
		for w := range int64(8) {
			writers.Go(func() {
				for id := w; ; id += 8 {
					k := wrapped(tutela.KeyPatient, id, 1)
					err := db.Commit(ctx, store.Op{Claims: []store.Claim{store.ClaimKey(k)}})
					if errs.Is(err, errs.Conflict) {
						return
					}
					if err != nil {
						t.Errorf("writer %d: %v", w, err)
						return
					}
				}
			})
		}
		for {
			n, err := db.RewrapKeys(ctx, 2, 100, under(2))
			must(t, err)
			if n > 0 {
				continue
			}
			if err := db.CloseGeneration(ctx, 1, time.Unix(1, 0)); err == nil {
				break
			} else if !errs.Is(err, errs.Conflict) {
				t.Fatal(err)
			}
		}
		writers.Wait()
		must(t, db.WrappedKeys(context.WithoutCancel(ctx), func(k tutela.WrappedKey) error {
			if k.Generation == 1 {
				t.Errorf("%s key %d lies under the closed generation", k.Kind, k.ID)
			}
			return nil
		}))
	})
}
