package access

import (
	"testing"

	"github.com/tutela-health/tutela"
)

// BenchmarkAuthorize is one decision, which every request takes.
func BenchmarkAuthorize(b *testing.B) {
	a := New(func(tutela.PatientID) tutela.Bucket { return 101 })
	p := tutela.Principal{Roles: []string{string(RoleBilling)}, Scopes: []string{"user/Patient.rs", "user/*.rs"}}
	r := Request{Action: tutela.ActionRead, Type: "Coverage", Purpose: tutela.PurposePayment}
	b.ReportAllocs()
	for b.Loop() {
		g, err := a.Authorize(p, r)
		if err != nil || !g.Admits(Facts{Type: "Coverage"}) {
			b.Fatal(err)
		}
	}
}
