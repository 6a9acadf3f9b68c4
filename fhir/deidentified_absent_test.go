package fhir_test

import (
	"testing"

	"github.com/tutela-health/tutela/internal/rig"
)

// TestARemovedDeathIsNotFoundOutByItsAbsence: a death so long ago that its year does not show is shown as none,
// and searched as none: the index, which knows of it, must not narrow.
func TestARemovedDeathIsNotFoundOutByItsAbsence(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		r.Put(t, `{"resourceType":"Patient","id":"long-dead","gender":"female","deceasedDateTime":"1930-01-01"}`)
		r.Put(t, `{"resourceType":"Patient","id":"alive","gender":"female"}`)
		for search, want := range map[string]int{"Patient?gender=female": 2, "Patient?deceased=false": 2, "Patient?deceased=true": 0} {
			if got := len(r.Get(t, "researcher", search).Bundle(t).Entry); got != want {
				t.Errorf("%s finds %d, and shows %d such", search, got, want)
			}
		}
	})
}
