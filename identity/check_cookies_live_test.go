package identity_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/testkit"
)

// Cookies that scripts read, that go without TLS, or that other hosts and sites may send, are found.
func TestCookiesThatOthersMayHaveAreFound(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		s := w.service(nil)
		l := w.serve(s)
		const id = "identity.session-cookies"
		seen := testkit.Sabotage(t, id)
		seen.Expect(w.try(s, l, id), tutela.Pass, "cookies of a login are bound to this host")
		for attribute, say := range map[string]string{"HttpOnly": "is read by scripts", "SameSite=Lax": "is sent with other sites' forms", "Secure": "is sent without TLS"} {
			l.instead(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				got := httptest.NewRecorder()
				next.ServeHTTP(got, r)
				for name, values := range got.Header() {
					for _, v := range values {
						if name == "Set-Cookie" {
							v = strings.ReplaceAll(v, "; "+attribute, "")
						}
						w.Header().Add(name, v)
					}
				}
				w.WriteHeader(got.Code)
				_, _ = w.Write(got.Body.Bytes())
			})
			seen.Expect(w.try(s, l, id), tutela.Fail, say)
			l.repair()
			seen.Expect(w.try(s, l, id), tutela.Pass)
		}
		l.http.Close()
		seen.Expect(w.try(s, l, id), tutela.CouldNotCheck, "connection refused")
	})
}
