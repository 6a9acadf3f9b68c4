package server

import (
	"context"
	"crypto/fips140"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/tutela-health/tutela"
)

// Mounted lists the patterns of the routes under a prefix, in order.
func (s *Server) Mounted(prefix string) []string {
	var list []string
	for _, p := range s.mounted.patterns {
		if _, path, _ := strings.Cut(p, " "); strings.HasPrefix(path, prefix) {
			list = append(list, p)
		}
	}
	slices.Sort(list)
	return list
}

// ServePlain is Serve without TLS, to be spoken to by hand.
func (s *Server) ServePlain(l net.Listener) error { return s.http.Serve(l) }

// Gated is what the gateway adds around a proven caller's request, around nothing.
func (s *Server) Gated(p tutela.Principal) http.Handler {
	return s.forwarded(s.hardened(s.bounded(s.exact(s.held(operations()["GET /fhir/r4/{type}/{id}"], http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) { _ = s.slowCaller(r.Context(), w, &p) }))))))
}

// Told brings the counts of failures into the ledger.
func (s *Server) Told(ctx context.Context) error { return s.failures.Flush(ctx) }

// Unlisted lists what planes wanted mounted and is not exposed.
func (s *Server) Unlisted() []string { return s.mounted.unlisted }

// Listed lists what is exposed, in order.
func Listed() []string { return slices.Sorted(maps.Keys(operations())) }

// Who tells for whom an operation is listed.
func Who(pattern string) string { return string(operations()[pattern].who) }

// Mounting mounts an empty answer at patterns, and gives what was not mounted.
func Mounting(patterns ...string) (h http.Handler, unlisted []string) {
	r := newRouter(operations(), func(_ exposed, h http.Handler) http.Handler { return h })
	for _, p := range patterns {
		r.HandleFunc(p, func(http.ResponseWriter, *http.Request) {})
	}
	return r.mux, r.unlisted
}

// Measured are the checks of measurements over a handler of the test's own.
func Measured(host string, h http.Handler) map[string]func(context.Context) tutela.Evidence {
	c := metricsCheck{host, func() http.Handler { return h }}
	return map[string]func(context.Context) tutela.Evidence{"watch.metrics-closed": c.closed, "watch.requests-measured": c.counted}
}

// FIPSCheck is the check with a list of certified modules of the test's own.
func FIPSCheck(base string, certified ...string) tutela.Check {
	c := fipsCheck{base: base, enabled: fips140.Enabled, module: fips140.Version, certified: certified}
	return tutela.Check{Try: c.try}
}
