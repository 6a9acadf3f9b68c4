package records_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/store"
)

// several has resources of several patients with older versions, deleted ones, and some that moved from one patient to another.
func several(t *testing.T, r *rig.Rig) {
	t.Helper()
	for i := range 12 {
		patient := fmt.Sprint("p", i%4)
		r.Put(t, fmt.Sprintf(`{"resourceType":"Patient","id":%q,"name":[{"family":"Family%d"}]}`, patient, i))
		for v := range 3 {
			r.Put(t, observation(fmt.Sprint("o", i), fmt.Sprint("note ", v), patient))
		}
		switch i % 3 {
		case 1:
			r.Put(t, observation(fmt.Sprint("o", i), "moved", fmt.Sprint("p", (i+1)%4)))
		case 2:
			r.Do(t, rig.Call{Method: http.MethodDelete, Path: fmt.Sprint("/fhir/r4/Observation/o", i), As: "loader"})
		}
	}
}

// TestAWalkFindsEachCurrentRowOnce, wherever its steps end.
func TestAWalkFindsEachCurrentRowOnce(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		several(t, r)
		want, err := r.Records.Paged(t.Context())
		if err != nil || len(want) < 16 {
			t.Fatalf("%d rows (%v)", len(want), err)
		}
		for step := 1; step <= 64; step += 1 + step/4 {
			got, err := r.Records.Walked(t.Context(), step)
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("by steps of %d: %s", step, diff)
			}
		}
	})
}

// TestReindexingByBatchesMakesTheSameIndex, with ties, however small the batches are.
func TestReindexingByBatchesMakesTheSameIndex(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		several(t, r)
		want := allTerms(t, r)
		for _, room := range []int{1, 7, 1 << 20} {
			err := r.DB.Update(t.Context(), func(tx *store.Tx) error {
				for _, table := range []string{"terms0", "terms1", "ties"} {
					if _, err := tx.Exec(t.Context(), "DELETE FROM "+table); err != nil {
						return err
					}
				}
				return nil
			})
			if err == nil {
				err = r.Records.ReindexIn(t.Context(), room)
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, allTerms(t, r)); diff != "" {
				t.Errorf("by batches of %d: %s", room, diff)
			}
			r.Verify(t)
		}
	})
}
