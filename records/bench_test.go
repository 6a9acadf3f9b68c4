package records_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/rig"
)

// BenchmarkFacts is what a decision may have to look up, beside the decision itself (access
// BenchmarkAuthorize, BenchmarkPhysician): whom a clinician treats, remembered and read anew, for panels of two sizes.
func BenchmarkFacts(b *testing.B) {
	for _, engine := range rig.Engines() {
		b.Run(string(engine), func(b *testing.B) {
			r := rig.Open(b, rig.Config{Engine: engine})
			for _, size := range []int{20, 2000} {
				name := fmt.Sprint("of-", size)
				treat(b, r, name, size)
				clinician := tutela.Ref{Type: "Practitioner", ID: name}
				b.Run(fmt.Sprint("treats/", size, "/remembered"), func(b *testing.B) { treats(b, r, clinician, size, nil) })
				b.Run(fmt.Sprint("treats/", size, "/read"), func(b *testing.B) {
					treats(b, r, clinician, size, r.Records.ForgetTreats(clinician))
				})
			}
		})
	}
}

// treat gives a clinician patients.
func treat(b *testing.B, r *rig.Rig, clinician string, size int) {
	b.Helper()
	entries := make([]string, size)
	for i := range entries {
		id := fmt.Sprintf("%s-%d", clinician, i)
		entries[i] = `{"resource":` + rig.CareTeam(id, id, "active", clinician) + `,"request":{"method":"PUT","url":"CareTeam/` + id + `"}}`
	}
	a := r.Do(b, rig.Call{As: rig.Loader, Method: http.MethodPost, Body: `{"resourceType":"Bundle","type":"transaction","entry":[` + strings.Join(entries, ",") + `]}`})
	if a.Status != http.StatusOK {
		b.Fatalf("%d %s", a.Status, a.Body)
	}
}

func treats(b *testing.B, r *rig.Rig, clinician tutela.Ref, size int, before func()) {
	b.ReportAllocs()
	for b.Loop() {
		if before != nil {
			before()
		}
		if list, err := r.Records.Treats(b.Context(), clinician); err != nil || len(list) != size {
			b.Fatalf("%d patients, %v", len(list), err)
		}
	}
}

// BenchmarkReadOf is what else a decision may look up, within a whole read below HTTP's wire: the loader's
// asks for neither relationship, label nor consent, the physician's for all three.
func BenchmarkReadOf(b *testing.B) {
	for _, engine := range rig.Engines() {
		r := rig.Open(b, rig.Config{Engine: engine})
		r.Put(b, `{"resourceType":"Patient","id":"a"}`)
		r.Put(b, observed("a", ""))
		r.Treat(b, "a", "physician")
		for _, as := range []string{rig.Loader, "physician"} {
			b.Run(string(engine)+"/"+as, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if a := r.Get(b, as, "Observation/of-a"); a.Status != http.StatusOK {
						b.Fatalf("%d %s", a.Status, a.Body)
					}
				}
			})
		}
	}
}
