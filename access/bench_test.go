package access

import (
	"context"
	"testing"

	"github.com/tutela-health/tutela"
)

// BenchmarkAuthorize is one decision, which every request takes.
func BenchmarkAuthorize(b *testing.B) {
	a := authorizer(b)
	p := tutela.Principal{Roles: []string{string(RoleBilling)}, Scopes: []string{"user/Patient.rs", "user/*.rs"}}
	r := Request{Action: tutela.ActionRead, Type: "Coverage", Purpose: tutela.PurposePayment}
	b.ReportAllocs()
	for b.Loop() {
		g, err := a.Authorize(b.Context(), p, r)
		if err != nil || !g.Admits(harmless(Facts{Type: "Coverage"})) {
			b.Fatal(err)
		}
	}
}

// panel is a clinician's many patients.
type panel []tutela.Bucket

func (p panel) Treats(context.Context, tutela.Ref) ([]tutela.Bucket, error) { return p, nil }

// BenchmarkPhysician is a decision on one of 2,000 patients' records, with what is known of it at hand.
func BenchmarkPhysician(b *testing.B) {
	policies, err := Shipped()
	if err != nil {
		b.Fatal(err)
	}
	treats := make(panel, 2000)
	for i := range treats {
		treats[i] = tutela.Bucket(1000 + i)
	}
	a := New(Config{Policies: policies, Relations: treats})
	p := caller(RolePhysician, "user/*.rs")
	r := Request{Action: tutela.ActionRead, Type: "Observation", Purpose: tutela.PurposeTreatment}
	b.ReportAllocs()
	for b.Loop() {
		g, err := a.Authorize(b.Context(), p, r)
		if err != nil || !g.Decide(harmless(Facts{Type: "Observation", Patients: treats[700:701]})).Admitted() {
			b.Fatal(err)
		}
	}
}

// BenchmarkAsk is the first question of its class, which Cedar answers.
func BenchmarkAsk(b *testing.B) {
	p, err := Shipped()
	if err != nil {
		b.Fatal(err)
	}
	q := Case{Roles: []string{string(RolePhysician)}, Kind: tutela.ActorPerson, Action: tutela.ActionRead, Type: "Observation", Treated: true}.question()
	b.ReportAllocs()
	for b.Loop() {
		if !p.ask(q).allow {
			b.Fatal("denied")
		}
	}
}
