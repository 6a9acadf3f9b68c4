package records_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/r4"
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
	transact(b, r, entries)
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

// BenchmarkRead opens one resource and decides on it, without wire and ledger: the service asks for
// nothing, the physician for relationship, label and consent, of a patient without consents and of one
// who has some.
func BenchmarkRead(b *testing.B) {
	for _, engine := range rig.Engines() {
		r := rig.Open(b, rig.Config{Engine: engine})
		for _, p := range []string{"plain", "consenting"} {
			r.Put(b, `{"resourceType":"Patient","id":"`+p+`"}`)
			r.Put(b, observed(p, ""))
			r.Treat(b, p, "physician")
		}
		r.Put(b, denial("consenting", "2020"))
		physician := tutela.Principal{Tenant: "rig", ID: "physician", Kind: tutela.ActorPerson, Roles: []string{string(access.RolePhysician)},
			Scopes: []string{"user/*.rs"}, FHIRUser: tutela.Ref{Type: "Practitioner", ID: "physician"}}
		for _, c := range []struct {
			name    string
			as      tutela.Principal
			patient string
		}{{"service", rig.Principal(), "plain"}, {"physician", physician, "plain"}, {"physician asking consents", physician, "consenting"}} {
			b.Run(string(engine)+"/"+c.name, func(b *testing.B) { reads(b, r, c.as, "of-"+c.patient) })
		}
	}
}

func reads(b *testing.B, r *rig.Rig, as tutela.Principal, id string) {
	b.ReportAllocs()
	for b.Loop() {
		g, err := r.Access.Authorize(b.Context(), as, access.Request{Action: tutela.ActionRead, Type: "Observation", Purpose: tutela.PurposeTreatment})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := r.Records.Read(b.Context(), g, tutela.Ref{Type: "Observation", ID: id}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSensitive is a service's search over everybody for a code that nobody has, where each of many
// patients has something sensitive of the type.
func BenchmarkSensitive(b *testing.B) {
	for _, engine := range rig.Engines() {
		b.Run(string(engine), func(b *testing.B) {
			r := rig.Open(b, rig.Config{Engine: engine})
			const patients = 1000
			entries := make([]string, patients)
			for i := range entries {
				id := fmt.Sprint("sud-", i)
				entries[i] = `{"resource":` + condition(id, "F11.20", "", id) + `,"request":{"method":"PUT","url":"Condition/` + id + `"}}`
			}
			transact(b, r, entries)
			g, err := r.Access.Authorize(b.Context(), rig.Principal(), access.Request{Action: tutela.ActionSearch, Type: "Condition"})
			if err != nil {
				b.Fatal(err)
			}
			q, err := r4.ParseQuery("Condition", [][2]string{{"code", "F11.21"}})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if page, err := r.Records.Search(b.Context(), g, q, 20, nil); err != nil || len(page.Matches) > 0 {
					b.Fatalf("%v, %v", page, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/patients, "µs/patient")
		})
	}
}

// transact stores what a Bundle's entries say.
func transact(b *testing.B, r *rig.Rig, entries []string) {
	b.Helper()
	a := r.Do(b, rig.Call{As: rig.Loader, Method: http.MethodPost, Body: `{"resourceType":"Bundle","type":"transaction","entry":[` + strings.Join(entries, ",") + `]}`})
	if a.Status != http.StatusOK {
		b.Fatalf("%d %s", a.Status, a.Body)
	}
}
