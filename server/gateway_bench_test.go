package server_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/server"
)

// BenchmarkGateway is what limits and headers cost a proven caller's read.
func BenchmarkGateway(b *testing.B) {
	r := rig.Open(b, rig.Config{})
	s := server.New(server.Config{Hosts: []string{rig.Host}, Audit: r.Audit, Access: r.Access, Identity: r.Identity, Clock: clock.System, Log: quiet(),
		FHIR: unmounted(r), Gateway: server.Gateway{Rates: server.Rates{Caller: server.Rate{PerSecond: 1e9, Burst: 1e9}}}})
	h := s.Gated(tutela.Principal{ID: "u", Client: "app", Roles: []string{"physician"}})
	req := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/fhir/r4/Observation/123", http.NoBody)
	w := httptest.NewRecorder()
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(w, req)
	}
	if err := s.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
}
