package access

import (
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
