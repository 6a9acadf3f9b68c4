package server_test

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/tutela-health/tutela/server"
)

// A tenant that could not be opened is said to be unavailable; it is not another's 404.
func TestAnAbsentTenantIsUnavailable(t *testing.T) {
	s := newSite(t, func(c *server.Config) { c.Tenant, c.TLS = "rig", &tls.Config{MinVersion: tls.VersionTLS12} })
	c := server.HouseConfig{Tenants: []*server.Server{s.server}, Absent: map[string][]string{"away": {"Away.test"}}, Log: slog.New(slog.DiscardHandler)}
	h, err := server.NewHouse(c)
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]int{"rig.test": 200, "away.test:8443": 503, "nobody.test": 404, "": 404} {
		r := request(t, http.MethodGet, "/healthz", "")
		r.Host = host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%q: %d, want %d", host, w.Code, want)
		}
	}
	c.Absent["other"] = []string{"RIG.test"}
	if _, err := server.NewHouse(c); err == nil {
		t.Error("a host has two tenants")
	}
}
