package identity_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/oauth"
	"github.com/tutela-health/tutela/identity/pages"
	"github.com/tutela-health/tutela/internal/testkit"
)

// live is a server of people's pages, the authorization server and one address that wants a token.
// A test puts something else in the place of its answers.
type live struct {
	http     *httptest.Server
	mux      *http.ServeMux
	sabotage atomic.Pointer[http.HandlerFunc]
}

func (w *world) serve(s *identity.Service) *live {
	w.t.Helper()
	l := &live{mux: http.NewServeMux()}
	l.http = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.Advance(time.Millisecond) // time passes
		if f := l.sabotage.Load(); f != nil {
			(*f)(rw, r)
			return
		}
		l.mux.ServeHTTP(rw, r)
	}))
	w.t.Cleanup(l.http.Close)
	log := slog.New(slog.DiscardHandler)
	people, err := pages.New(pages.Config{Identity: s, Base: l.http.URL, Log: log})
	must(w.t, err)
	people.Routes(l.mux)
	server := oauth.New(oauth.Config{
		Identity: s, Audit: w.audit, Pages: people.Authorize(), Session: pages.SessionCookie,
		Clock: w.Now, Log: log, Issuer: l.http.URL, FHIR: l.http.URL + "/fhir/r4", Private: true,
	})
	server.Routes(l.mux)
	w.t.Cleanup(func() { must(w.t, server.Close(context.WithoutCancel(w.t.Context()))) })
	l.mux.HandleFunc("GET /fhir/r4/Patient/{id}", func(rw http.ResponseWriter, r *http.Request) {
		if _, err := s.Authenticate(r.Context(), r.Header.Get("Authorization")); err != nil {
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		rw.WriteHeader(http.StatusForbidden) // the accounts of checks may nothing
	})
	return l
}

// instead has f answer; what it leaves to next is answered as ever.
func (l *live) instead(f func(w http.ResponseWriter, r *http.Request, next http.Handler)) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f(w, r, l.mux) })
	l.sabotage.Store(&h)
}

func (l *live) repair() { l.sabotage.Store(nil) }

// try tries one of the checks on the server, and has it leave nothing behind.
func (w *world) try(s *identity.Service, l *live, id string) tutela.Evidence {
	w.t.Helper()
	return w.tryWith(s, l, id, nil)
}

// tryWith is try where there are other tenants.
func (w *world) tryWith(s *identity.Service, l *live, id string, neighbours func() []identity.Neighbour) tutela.Evidence {
	w.t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(l.http.Certificate())
	for _, c := range s.Checks(identity.CheckConfig{
		Base: l.http.URL, TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, Neighbours: neighbours,
	}) {
		if c.ID != id {
			continue
		}
		before := w.left()
		e := c.Try(w.t.Context())
		if d := cmp.Diff(before, w.left()); d != "" {
			w.t.Errorf("the check left something behind: %s", d)
		}
		return e
	}
	w.t.Fatalf("there is no check %s", id)
	return tutela.Evidence{}
}

// left counts what lies in identity's tables. That logins came from this machine's address stays
// noted for an hour, as of every peer.
func (w *world) left() map[string]int64 {
	w.t.Helper()
	m := map[string]int64{}
	for _, rows := range []string{"users", "tokens", "identity_items WHERE kind <> 8"} {
		var n int64
		_, err := w.db.QueryRow(w.t.Context(), "SELECT COUNT(*) FROM "+rows, nil, &n)
		must(w.t, err)
		m[rows] = n
	}
	return m
}

func html(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/html")
	_, _ = fmt.Fprint(w, text)
}

// A page that takes half a login for a whole one, an API that takes its cookie for a token, and a
// login that asks for no second factor are found.
func TestLoginByAPasswordAloneIsFound(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		s := w.service(nil)
		l := w.serve(s)
		const id = "identity.second-factor"
		seen := testkit.Sabotage(t, id)
		seen.Expect(w.try(s, l, id), tutela.Pass, "the same account got in")

		l.instead(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			_, err := r.Cookie("__Host-tutela-attempt")
			if r.URL.Path == "/account" && err == nil {
				html(w, "<h1>Your account</h1>")
				return
			}
			next.ServeHTTP(w, r)
		})
		seen.Expect(w.try(s, l, id), tutela.Fail, "a password alone shows the account")

		l.instead(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
			if found && !strings.HasPrefix(token, "tut_") {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, r)
		})
		seen.Expect(w.try(s, l, id), tutela.Fail, "a half login's cookie shown as token")

		l.instead(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			c, err := r.Cookie("__Host-tutela-session")
			if r.URL.Path == "/account" && err == nil && !strings.Contains(c.Value, ".") {
				html(w, "<h1>Your account</h1>")
				return
			}
			next.ServeHTTP(w, r)
		})
		seen.Expect(w.try(s, l, id), tutela.Fail, "taken for a session shows the account")

		l.instead(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.Method == http.MethodPost && r.URL.Path == "/login" {
				html(w, "<h1>Welcome back</h1>")
				return
			}
			next.ServeHTTP(w, r)
		})
		seen.Expect(w.try(s, l, id), tutela.Fail, `showed "Welcome back" (200) and asked for no second factor`)

		l.instead(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.URL.Path == "/login/factor/totp" {
				http.Error(w, "", http.StatusInternalServerError)
				return
			}
			next.ServeHTTP(w, r)
		})
		seen.Expect(w.try(s, l, id), tutela.CouldNotCheck, "proves nothing")
		l.repair()
		seen.Expect(w.try(s, l, id), tutela.Pass)
		l.http.Close()
		seen.Expect(w.try(s, l, id), tutela.CouldNotCheck, "connection refused")
	})
}

// A node that does not hear of revocations goes on serving from its memory, and is found; so is one
// that looks at no expiry.
func TestNodeThatServesRevokedTokensIsFound(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		var fresh atomic.Bool
		fresh.Store(true)
		here, deaf := w.service(nil), w.service(&fresh)
		l := w.serve(deaf)
		const id = "identity.revoked-token"
		seen := testkit.Sabotage(t, id)
		seen.Expect(w.try(here, l, id), tutela.Fail, "a token revoked is still taken")
		seen.Expect(w.try(here, l, id), tutela.Fail, "a token whose session ended is still taken")
		fresh.Store(false) // it knows that it hears nothing, and asks the database
		seen.Expect(w.try(here, l, id), tutela.Pass, "refused at 2 places")

		l.instead(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			status := map[string]int{"/oauth2/userinfo": http.StatusOK}[r.URL.Path]
			if status == 0 {
				status = http.StatusForbidden
			}
			w.WriteHeader(status)
		})
		seen.Expect(w.try(here, l, id), tutela.Fail, "an expired token is still taken")

		l.instead(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(http.StatusUnauthorized) })
		seen.Expect(w.try(here, l, id), tutela.CouldNotCheck, "a refusal would prove nothing")
		l.repair()
		seen.Expect(w.try(here, l, id), tutela.Pass)
		l.http.Close()
		seen.Expect(w.try(here, l, id), tutela.CouldNotCheck, "connection refused")
	})
}
