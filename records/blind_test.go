package records_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/records"
)

// Once the index has a new key, no row of either slot carries a term of the old one, which is gone; all
// resources, sensitive ones among them, are found as before, by a node that starts afterwards too.
func TestNoTermOfTheOldIndexKeyIsLeft(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		const patients = 300 // more than one step of the job
		for i := range patients {
			r.Put(t, observation(fmt.Sprint("o", i), "code", fmt.Sprint("p", i)))
		}
		r.Put(t, condition("sud", "F11.20", "", "p0"))
		searches := []string{"Observation?code=code&_summary=count", "Condition?code=F11.20", "Condition?recorded-date=2020"}
		before := answers(t, r, searches)
		old := r.Records.TermsUnder(t, 1, observation("o0", "code", "p0"))
		if len(shared(old, termsOf(t, r, 0, tutela.Ref{Type: "Observation", ID: "o0"}))) != len(old) || len(old) == 0 {
			t.Fatal("the index does not hold the terms of its key")
		}

		for key := int64(2); key <= 3; key++ { // each slot once
			rotate(t, r, key)
			for slot := range 2 {
				if found := shared(old, termsOf(t, r, slot, tutela.Ref{Type: "Observation", ID: "o0"})); len(found) > 0 {
					t.Errorf("slot %d holds %d terms of the first key", slot, len(found))
				}
			}
			if diff := cmp.Diff(before, answers(t, r, searches)); diff != "" {
				t.Errorf("under key %d searches find something else:\n%s", key, diff)
			}
		}
		for _, secret := range []string{"index", "index-2"} {
			if _, err := r.DB.WrappedKey(t.Context(), tutela.KeySystem, keys.SecretID(secret), 0); !errs.Is(err, errs.NotFound) {
				t.Errorf("the retired key %s is still kept: %v", secret, err)
			}
		}
		again, err := records.Open(t.Context(), records.Config{DB: r.DB, Ring: r.Ring, Audit: r.Audit})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(again.OrdinaryTerms(t, observation("o0", "code", "p0")), termsOf(t, r, 0, tutela.Ref{Type: "Observation", ID: "o0"})); diff != "" {
			t.Errorf("a node that starts later works with other terms:\n%s", diff)
		}
		r.Verify(t)
	})
}

// rotate gives the index its next key and waits until it is the only one. Asking again meanwhile
// asks for the same.
func rotate(t *testing.T, r *rig.Rig, want int64) {
	t.Helper()
	for range 2 {
		if key, err := r.Records.RotateIndex(t.Context()); key != want || err != nil {
			t.Fatalf("the next key is %d, want %d: %v", key, want, err)
		}
	}
	if err := r.Records.Rebuild(t.Context()); err != nil {
		t.Errorf("a rebuild that is under way is not what is meant: %v", err)
	}
	until(t, r, want, func() {})
	if err := r.Records.AwaitIndexKey(t.Context(), want); err != nil {
		t.Error(err)
	}
}

// answers are the totals and ids that searches give.
func answers(t *testing.T, r *rig.Rig, searches []string) []string {
	t.Helper()
	var list []string
	for _, q := range searches {
		b := r.Get(t, rig.Loader, q).Bundle(t)
		total := 0
		if b.Total != nil {
			total = *b.Total
		}
		list = append(list, fmt.Sprint(q, " ", total, " ", len(b.Entry)))
	}
	return list
}

// Searches and writes that believe an index state of before, whose key has gone meanwhile, read it again.
func TestWhoBelievesAnOldIndexKeyLooksAgain(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		r.Put(t, observation("o", "code", "p"))
		rotate(t, r, 2)
		r.Records.BelieveIndexKey(1)
		if b := r.Get(t, rig.Loader, "Observation?code=code&_include=Observation:subject").Bundle(t); len(b.Entry) != 1 {
			t.Errorf("a search with an old state finds %d", len(b.Entry))
		}
		r.Records.BelieveIndexKey(1)
		r.Put(t, observation("o2", "code", "p"))
		if b := r.Get(t, rig.Loader, "Observation?code=code").Bundle(t); len(b.Entry) != 2 {
			t.Errorf("after a write with an old state a search finds %d", len(b.Entry))
		}
		r.Verify(t)
	})
}

// A rebuild under the old key is not what who asks for a new key means, and is not taken for it.
func TestRotatingTheIndexWaitsForARebuild(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		r.Put(t, observation("o", "code", "p"))
		if err := r.Records.Rebuild(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Records.RotateIndex(t.Context()); !errs.Is(err, errs.Conflict) {
			t.Errorf("a rebuild under way: %v", err)
		}
		until(t, r, 2, func() {})
		rotate(t, r, 2)
	})
}

// A system that has lost the key of its index does not start, and makes no other in its place.
func TestLostIndexKeyIsNamed(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		r.Put(t, observation("o", "code", "p"))
		rotate(t, r, 2)
		exec(t, r, "DELETE FROM wrapped_keys WHERE kind = 5 AND id = ?", keys.SecretID("index-2"))
		ring, err := keys.Open(t.Context(), keys.Config{Tenant: r.Ring.Tenant(), Shelf: r.DB, Provider: r.Ring.Provider(), Clock: clock.System, Complete: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := records.Open(t.Context(), records.Config{DB: r.DB, Ring: ring, Audit: r.Audit}); err == nil {
			t.Error("a store without the key of its index is opened")
		}
	})
}
