package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/server"
)

// entrance is a whole site that strangers reach over the network, and in front of which a test puts what breaks it.
type entrance struct {
	*site
	at    outside
	broke atomic.Pointer[http.HandlerFunc]
}

func newEntrance(t *testing.T) *entrance {
	t.Helper()
	e := &entrance{site: newWholeSite(t, nil)}
	err := e.Identity.EnsureClient(t.Context(), tutela.Actor{ID: "test"}, identity.Client{
		ID: appID, Name: "Desk", Public: true, RedirectURIs: []string{appRedirect}, GrantTypes: []string{identity.GrantCode}, Scopes: []string{"openid"},
	})
	if err != nil {
		t.Fatal(err)
	}
	e.Put(t, `{"resourceType":"Patient","id":"1"}`)
	e.sequence(t)
	e.at = publish(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Host, "127.0.0.1") {
			r.Host = rig.Host
		}
		if f := e.broke.Load(); f != nil {
			(*f)(w, r)
			return
		}
		e.Handler.ServeHTTP(w, r)
	}))
	return e
}

// instead has f answer until it is healed.
func (e *entrance) instead(f http.HandlerFunc) { e.broke.Store(&f) }

func (e *entrance) heal() { e.broke.Store(nil) }

// answered is what the site itself answers.
func (e *entrance) answered(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	e.Handler.ServeHTTP(w, r)
	return w
}

// give writes an answer that a test changed.
func give(w http.ResponseWriter, status int, h http.Header, body string) {
	maps.Copy(w.Header(), h)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// sabotage holds a check to passing as the site is, to failing under each of what breaks it, and to passing again.
func (e *entrance) sabotage(t *testing.T, seen *testkit.Witness, id string, breaks map[string]http.HandlerFunc) {
	t.Helper()
	seen.Expect(e.try(t, id, e.at), tutela.Pass)
	for say, f := range breaks {
		e.instead(f)
		seen.Expect(e.try(t, id, e.at), tutela.Fail, say)
		e.heal()
		seen.Expect(e.try(t, id, e.at), tutela.Pass)
	}
	seen.Expect(e.try(t, id, nobodyListens(t)), tutela.CouldNotCheck)
}

// without is the site less a header.
func (e *entrance) without(name, value string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		got := e.answered(r)
		if got.Header().Del(name); value != "" {
			got.Header().Set(name, value)
		}
		give(w, got.Code, got.Header(), got.Body.String())
	}
}

func TestAnswersThatForbidTooLittleAreFound(t *testing.T) {
	e := newEntrance(t)
	const id = "protect.hardened-answers"
	e.sabotage(t, testkit.Sabotage(t, id), id, map[string]http.HandlerFunc{
		"come back without TLS":       e.without("Strict-Transport-Security", "max-age=300"),
		"guess at what it is":         e.without("X-Content-Type-Options", ""),
		"load what the page does not": e.without("Content-Security-Policy", "script-src 'self'"),
		"framed by other sites":       e.without("Content-Security-Policy", "default-src 'none'"),
		"tell other sites":            e.without("Referrer-Policy", "unsafe-url"),
		"kept by browsers":            e.without("Cache-Control", "public"),
		"names the product":           e.without("Server", "tutela/1.0"),
	})
}

func TestErrorsThatTellTooMuchAreFound(t *testing.T) {
	e := newEntrance(t)
	const id = "protect.quiet-errors"
	on := func(path string, f func(w http.ResponseWriter, r *http.Request)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, path) {
				f(w, r)
				return
			}
			e.Handler.ServeHTTP(w, r)
		}
	}
	e.sabotage(t, testkit.Sabotage(t, id), id, map[string]http.HandlerFunc{
		"is answered with what was sent": on("/fhir/", func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, "unknown: "+r.URL.String(), http.StatusBadRequest)
		}),
		"SQLSTATE": on("/ledger/", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "ERROR: relation does not exist (SQLSTATE 42P01)", http.StatusBadRequest)
		}),
		"sends breaks it":     on("/oauth2/token", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }),
		"as if it made sense": on("/invitation/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }),
	})
}

func TestRequestsWithoutBoundsAreFound(t *testing.T) {
	e := newEntrance(t)
	const id = "protect.bounded-requests"
	e.sabotage(t, testkit.Sabotage(t, id), id, map[string]http.HandlerFunc{
		"POST /oauth2/token with": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusBadRequest)
		},
	})
}

func TestRequestsOfTwoReadingsAreFound(t *testing.T) {
	e := newEntrance(t)
	const id = "protect.one-reading"
	lax := func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path, r.RequestURI, r.URL.RawPath = "/healthz", "/healthz", ""
		for name := range r.Header {
			r.Header.Del(name)
		}
		e.Handler.ServeHTTP(w, r)
	}
	e.sabotage(t, testkit.Sabotage(t, id), id, map[string]http.HandlerFunc{"an address that climbs is answered [200]": func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.RequestURI, "..") {
			lax(w, r)
			return
		}
		e.Handler.ServeHTTP(w, r)
	}, "another method in a header is answered [200]": func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Http-Method-Override") != "" {
			lax(w, r)
			return
		}
		e.Handler.ServeHTTP(w, r)
	}, "a length beside chunks": func(w http.ResponseWriter, r *http.Request) {
		if got := e.answered(r); len(r.TransferEncoding) > 0 {
			got.Header().Del("Connection") // what follows is taken for a request
			give(w, got.Code, got.Header(), got.Body.String())
			return
		}
		e.Handler.ServeHTTP(w, r)
	}})
}

func TestScriptsOfOtherSitesAreFound(t *testing.T) {
	e := newEntrance(t)
	const id = "protect.foreign-scripts"
	e.sabotage(t, testkit.Sabotage(t, id), id, map[string]http.HandlerFunc{
		"lets scripts of https://tutela-canary.invalid read": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
			e.Handler.ServeHTTP(w, r)
		},
		"use people's cookies": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Access-Control-Allow-Credentials", "true")
			e.Handler.ServeHTTP(w, r)
		},
	})
}

func TestFormsOfOtherSitesAreFound(t *testing.T) {
	e := newEntrance(t)
	const id = "protect.foreign-forms"
	e.sabotage(t, testkit.Sabotage(t, id), id, map[string]http.HandlerFunc{
		"from another site's page is answered": func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("Origin")
			r.Header.Del("Sec-Fetch-Site")
			e.Handler.ServeHTTP(w, r)
		},
		"without the form's own secret": func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && r.Header.Get("Sec-Fetch-Site") == "same-origin" {
				w.WriteHeader(http.StatusOK)
				return
			}
			e.Handler.ServeHTTP(w, r)
		},
	})
}

func TestCertificatesThatEndOrThatNobodyTrustsAreFound(t *testing.T) {
	s := newSite(t, nil)
	const id = "protect.certificate"
	seen := testkit.Sabotage(t, id)
	shown := func(until time.Time, curve elliptic.Curve) outside {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		certificate, pool := certified(t, until, key)
		return publishBy(t, s.Handler, certificate, pool)
	}
	seen.Expect(s.try(t, id, shown(time.Now().Add(13*24*time.Hour), elliptic.P256())), tutela.Fail, "renew it")
	good := shown(time.Now().Add(20*24*time.Hour), elliptic.P256())
	seen.Expect(s.try(t, id, good), tutela.Pass, "trusted under the address's name")
	seen.Expect(s.try(t, id, outside{base: good.base, tls: &tls.Config{MinVersion: tls.VersionTLS12}}), tutela.Fail, "do not trust it")
	seen.Expect(s.try(t, id, nobodyListens(t)), tutela.CouldNotCheck)
}

func TestOldCiphersAreFound(t *testing.T) {
	s := newSite(t, nil)
	at := publish(t, s.Handler)
	const id = "protect.old-ciphers"
	seen := testkit.Sabotage(t, id)
	seen.Expect(s.try(t, id, at), tutela.Pass, "9 old suites")
	offers := 0
	old := before(t, at, func([]byte) []byte {
		if offers++; offers == 1 {
			return nil // what should be accepted is
		}
		return helloOf12()
	})
	seen.Expect(s.try(t, id, old), tutela.Fail, "TLS 1.2 with RC4 was accepted")
	seen.Expect(s.try(t, id, before(t, at, func([]byte) []byte { return []byte{21, 3, 3, 0, 2, 2, 40} })), tutela.CouldNotCheck, "would prove nothing")
	seen.Expect(s.try(t, id, at), tutela.Pass)
}

// helloOf12 is a ServerHello that takes what is offered over TLS 1.2.
func helloOf12() []byte {
	hello := append([]byte{2, 0, 0, 38, 3, 3}, make([]byte, 32)...)
	hello = append(hello, 0, 0, 5, 0)
	return append([]byte{22, 3, 3, 0, byte(len(hello))}, hello...)
}

func TestAnswersWithoutTLSAreFound(t *testing.T) {
	s := newSite(t, nil)
	const id = "protect.no-plaintext"
	seen := testkit.Sabotage(t, id)
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = rig.Host
		s.Handler.ServeHTTP(w, r)
	}))
	t.Cleanup(plain.Close)
	seen.Expect(s.try(t, id, outside{base: "https://" + strings.TrimPrefix(plain.URL, "http://")}), tutela.Fail, "without TLS is answered 200")
	seen.Expect(s.try(t, id, publish(t, s.Handler)), tutela.Pass, "refused with 400")
	seen.Expect(s.try(t, id, nobodyListens(t)), tutela.CouldNotCheck)
}

// obliging is an authorization endpoint that lets a request through that the site refuses.
func (e *entrance) obliging(picks func(*http.Request) bool, to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/oauth2/authorize" && picks(r) {
			if got := e.answered(r); got.Header().Get("Location") == "" || strings.Contains(got.Header().Get("Location"), "error=") {
				w.Header().Set("Location", to)
				w.WriteHeader(http.StatusSeeOther)
				return
			}
		}
		e.Handler.ServeHTTP(w, r)
	}
}

func TestRedirectsToAnywhereAreFound(t *testing.T) {
	e := newEntrance(t)
	const id = "identity.registered-redirects"
	any := func(*http.Request) bool { return true }
	e.sabotage(t, testkit.Sabotage(t, id), id, map[string]http.HandlerFunc{
		"is taken for an address to return to (303)": e.obliging(any, "/login?resume=x"),
		"https://desk.example.tutela-canary.invalid": e.obliging(func(r *http.Request) bool {
			return strings.HasPrefix(r.URL.Query().Get("redirect_uri"), "https://desk.example.tutela-canary")
		}, "https://desk.example.tutela-canary.invalid/callback?error=x"),
	})
}

func TestCodesWithoutProofAreFound(t *testing.T) {
	e := newEntrance(t)
	const id = "identity.proof-of-code"
	seen := testkit.Sabotage(t, id)
	e.sabotage(t, seen, id, map[string]http.HandlerFunc{
		"no challenge goes on (303)": e.obliging(func(r *http.Request) bool { return r.URL.Query().Get("code_challenge") == "" }, "/login?resume=x"),
		"the method plain goes on":   e.obliging(func(r *http.Request) bool { return r.URL.Query().Get("code_challenge_method") == "plain" }, appRedirect+"?code=x"),
	})
	e.instead(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	seen.Expect(e.try(t, id, e.at), tutela.CouldNotCheck, "would prove nothing")
}

func TestGrantsThatProveNothingAreFound(t *testing.T) {
	e := newEntrance(t)
	const id = "identity.old-grants"
	e.sabotage(t, testkit.Sabotage(t, id), id, map[string]http.HandlerFunc{
		"response_type:token] goes on": e.obliging(func(r *http.Request) bool { return r.URL.Query().Get("response_type") == "token" }, "/login?resume=x"),
		"gives tokens to nobody": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/oauth2/token" {
				_, _ = io.WriteString(w, `{"access_token":"x"}`)
				return
			}
			e.Handler.ServeHTTP(w, r)
		},
	})
}

func TestForgedProofsAreFound(t *testing.T) {
	e := newEntrance(t)
	const id = "identity.forged-assertions"
	e.sabotage(t, testkit.Sabotage(t, id), id, map[string]http.HandlerFunc{
		"POST /oauth2/introspect takes a forged proof": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/oauth2/introspect" {
				_, _ = io.WriteString(w, `{"active":false}`)
				return
			}
			e.Handler.ServeHTTP(w, r)
		},
	})
}

func TestWaysToOtherSitesAreFound(t *testing.T) {
	e := newEntrance(t)
	const id = "identity.stray-returns"
	e.sabotage(t, testkit.Sabotage(t, id), id, map[string]http.HandlerFunc{
		"sends browsers on to https://tutela-canary.invalid": func(w http.ResponseWriter, r *http.Request) {
			if to := r.URL.Query().Get("return"); to != "" {
				w.Header().Set("Location", to)
				w.WriteHeader(http.StatusSeeOther)
				return
			}
			e.Handler.ServeHTTP(w, r)
		},
	})
}

func TestALedgerThatNobodyCanVerifyIsFound(t *testing.T) {
	e := newEntrance(t)
	const id = "watch.ledger-provable"
	changed := func(path string, change func(body string) string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			got := e.answered(r)
			if strings.HasPrefix(r.URL.Path, path) {
				give(w, got.Code, got.Header(), change(got.Body.String()))
				return
			}
			give(w, got.Code, got.Header(), got.Body.String())
		}
	}
	asked := 0
	old := e.answered(request(t, http.MethodGet, "/ledger/checkpoint", "")).Body.String()
	e.Put(t, `{"resourceType":"Patient","id":"2"}`)
	e.sequence(t)
	e.sabotage(t, testkit.Sabotage(t, id), id, map[string]http.HandlerFunc{
		"not signed by a known key": changed("/ledger/checkpoint", func(b string) string { return strings.Replace(b, "\n", "x\n", 1) }),
		"do not add up":             changed("/ledger/tile/", func(b string) string { return string(b[0]^1) + b[1:] }),
		"a later checkpoint is not of the same ledger: it has": changed("/ledger/checkpoint", func(b string) string {
			if asked++; asked > 1 {
				return old // the ledger was put back
			}
			return b
		}),
	})
}

func TestMeasurementsForStrangersAreFound(t *testing.T) {
	s := newSite(t, nil)
	const id = "watch.metrics-closed"
	seen := testkit.Sabotage(t, id)
	try := func(h http.HandlerFunc) tutela.Evidence { return measuredBy(t, h, id) }
	seen.Expect(try(s.Handler.ServeHTTP), tutela.Pass, "4 requests")
	seen.Expect(try(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = "127.0.0.1:1" // a proxy that hides where they come from
		for _, h := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded"} {
			r.Header.Del(h)
		}
		s.Handler.ServeHTTP(w, r)
	}), tutela.Fail, "from another address is answered 200", "and 1 more")
	seen.Expect(try(http.NotFound), tutela.CouldNotCheck, "would prove nothing")
	seen.Expect(try(s.Handler.ServeHTTP), tutela.Pass)
}

// measuredBy runs a check of measurements over a handler.
func measuredBy(t *testing.T, h http.HandlerFunc, id string) tutela.Evidence {
	t.Helper()
	return server.Measured(rig.Host, h)[id](t.Context())
}

func TestRequestsThatNobodyCountsAreFound(t *testing.T) {
	s := newSite(t, nil)
	const id = "watch.requests-measured"
	seen := testkit.Sabotage(t, id)
	seen.Expect(measuredBy(t, s.Handler.ServeHTTP, id), tutela.Pass, "counted within the same moment")
	stale := ""
	seen.Expect(measuredBy(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/metrics" {
			s.Handler.ServeHTTP(w, r)
			return
		}
		if stale == "" {
			got := httptest.NewRecorder()
			s.Handler.ServeHTTP(got, r)
			stale = got.Body.String()
		}
		_, _ = io.WriteString(w, stale)
	}, id), tutela.Fail, "was not counted")
	seen.Expect(measuredBy(t, http.NotFound, id), tutela.CouldNotCheck, "404")
	seen.Expect(measuredBy(t, s.Handler.ServeHTTP, id), tutela.Pass)
}
