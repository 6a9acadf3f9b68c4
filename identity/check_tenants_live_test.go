package identity_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/testkit"
)

// A tenant that takes a neighbour's token, that tells it from nonsense, or that answers under a name which
// is not its own, is found.
func TestATokenThatCountsInAnotherTenantIsFound(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		s := w.service(nil)
		l := w.serve(s)
		there := newWorld(t, "sqlite:"+filepath.Join(t.TempDir(), "beta.db"))
		beta := there.serve(there.service(nil))
		const host = "example.com" // which httptest's certificate names too
		house := func(neighbour http.Handler) func(http.ResponseWriter, *http.Request, http.Handler) {
			return func(rw http.ResponseWriter, r *http.Request, own http.Handler) {
				switch {
				case r.Host == host && r.TLS.ServerName == host:
					neighbour.ServeHTTP(rw, r)
				case r.TLS.ServerName == "" && "https://"+r.Host == l.http.URL:
					own.ServeHTTP(rw, r)
				default:
					http.NotFound(rw, r)
				}
			}
		}
		try := func(neighbours ...identity.Neighbour) tutela.Evidence {
			return w.tryWith(s, l, "access.across-tenants", func() []identity.Neighbour { return neighbours })
		}
		roots := x509.NewCertPool()
		roots.AddCert(l.http.Certificate())
		next := identity.Neighbour{Host: host, TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}

		seen := testkit.Sabotage(t, "access.across-tenants")
		l.instead(house(beta.mux))
		seen.Expect(try(), tutela.Pass, "by 0 other tenants")
		seen.Expect(try(next), tutela.Pass, "by 1 other tenants")
		l.instead(house(l.mux))
		seen.Expect(try(next), tutela.Fail, "/oauth2/userinfo of the tenant example.com answers 200 to a token of this one, and 401 to nonsense")
		l.instead(house(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			got := httptest.NewRecorder()
			l.mux.ServeHTTP(got, r)
			if rw.WriteHeader(http.StatusUnauthorized); got.Code != http.StatusUnauthorized {
				_, _ = rw.Write([]byte("not of this house"))
			}
		})))
		seen.Expect(try(next), tutela.Fail, "answers 401 to a token of this one, and 401 to nonsense")
		l.repair()
		seen.Expect(try(), tutela.Fail, "is answered 200 under the host tutela-assess-")
		l.instead(house(beta.mux))
		seen.Expect(try(next), tutela.Pass)
		seen.Expect(try(identity.Neighbour{Host: "gamma.test", TLS: next.TLS}), tutela.CouldNotCheck, "certificate")
	})
}
