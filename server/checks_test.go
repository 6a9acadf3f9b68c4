package server_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/server"
)

// A handler that forgets to ask for the token, that answers a refusal with the resource in it, or
// that fails instead of refusing, is found.
func TestSkippedAuthenticationIsFound(t *testing.T) {
	s := newSite(t, nil)
	s.Put(t, `{"resourceType":"Patient","id":"1"}`)
	token := s.Token(t, rig.Loader)
	var sabotage atomic.Pointer[http.HandlerFunc]
	at := publish(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = rig.Host
		if f := sabotage.Load(); f != nil {
			(*f)(w, r)
			return
		}
		s.Handler.ServeHTTP(w, r)
	}))
	const id = "protect.token-required"
	seen := testkit.Sabotage(t, id)
	const open = 10 // routes that answer strangers, see routes.go; tiles of entries do not
	routes := len(s.server.Mounted("/")) - open + 1
	seen.Expect(s.try(t, id, at), tutela.Pass, "all were refused", fmt.Sprintf("%d requests on %d routes", 2*routes, routes))
	for name, f := range map[string]http.HandlerFunc{
		"GET /fhir/r4/{type} answered 200": func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && r.URL.Path == "/fhir/r4/Patient" {
				r.Header.Set("Authorization", "Bearer "+token)
			}
			s.Handler.ServeHTTP(w, r)
		},
		"GET /ledger/tile/entries/000 answered 404": func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/ledger/") {
				http.NotFound(w, r)
				return
			}
			s.Handler.ServeHTTP(w, r)
		},
		"was refused with a resource": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient"}}]}`)
		},
		"answered 302": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) },
	} {
		sabotage.Store(&f)
		seen.Expect(s.try(t, id, at), tutela.Fail, name)
	}
	sabotage.Store(nil)
	seen.Expect(s.try(t, id, at), tutela.Pass)
	seen.Expect(s.try(t, id, nobodyListens(t)), tutela.CouldNotCheck, "could not be asked")
	at.tls = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	seen.Expect(s.try(t, id, at), tutela.CouldNotCheck, "certificate")
}

// helloTLS11 is a ServerHello that takes TLS 1.1, as a server too old or too obliging sends it.
func helloTLS11() []byte {
	hello := append([]byte{2, 0, 0, 38, 3, 2}, make([]byte, 32)...)
	hello = append(hello, 0, 0xc0, 0x09, 0)
	return append([]byte{22, 3, 2, 0, byte(len(hello))}, hello...)
}

func TestOldTLSIsFound(t *testing.T) {
	s := newSite(t, nil)
	at := publish(t, s.Handler)
	const id = "protect.tls-version"
	seen := testkit.Sabotage(t, id)
	seen.Expect(s.try(t, id, at), tutela.Pass, "TLS 1.0 refused with alert 70", "TLS 1.1 refused with alert 70", "TLS 1.2 completed", "TLS 1.3 completed")
	old := before(t, at, func(first []byte) []byte {
		if first[9] == 3 && first[10] == 2 {
			return helloTLS11()
		}
		return nil
	})
	seen.Expect(s.try(t, id, old), tutela.Fail, "TLS 1.1 accepted", "TLS 1.0 refused")
	alone := before(t, at, func([]byte) []byte { return nil })
	seen.Expect(s.try(t, id, alone), tutela.Pass)
}

// A server that speaks no TLS 1.3, or shows a certificate of somebody else, fails; one that
// refuses everything, speaks something else or is gone, could not be checked.
func TestWhatTLSShouldBeAndIsNot(t *testing.T) {
	s := newSite(t, nil)
	at := publish(t, s.Handler)
	const id = "protect.tls-version"
	stranger := at
	stranger.tls = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	verdict(t, s.try(t, id, stranger), tutela.Fail, "TLS 1.3 does not work", "certificate")
	refusing := before(t, at, func([]byte) []byte { return []byte{21, 3, 1, 0, 2, 2, 40} })
	verdict(t, s.try(t, id, refusing), tutela.CouldNotCheck, "would prove nothing")
	plain := httptest.NewServer(s.Handler)
	t.Cleanup(plain.Close)
	verdict(t, s.try(t, id, outside{base: "https://" + strings.TrimPrefix(plain.URL, "http://")}), tutela.CouldNotCheck, "not TLS")
	verdict(t, s.try(t, id, nobodyListens(t)), tutela.CouldNotCheck, "connect")
	verdict(t, s.try(t, id, outside{base: plain.URL}), tutela.CouldNotCheck, "not an https address")
}

// Every check says what it bears on, and how long it counts.
func TestChecksAreComplete(t *testing.T) {
	for _, c := range newSite(t, nil).server.Checks(server.CheckConfig{}) {
		if c.ID == "" || c.Title == "" || len(c.Controls) == 0 || c.Fresh <= 0 {
			t.Errorf("%+v", c)
		}
		if slices.Contains([]string{"protect.rate-limit", "watch.metrics-closed", "watch.requests-measured"}, c.ID) {
			continue // they ask the handler itself
		}
		if e := c.Try(t.Context()); e.Verdict == tutela.Pass {
			t.Errorf("%s passes without an address: %s", c.ID, e.Observed)
		}
	}
}

// The check's own failed proofs are the check's, in the ledger too, and raise no alarm; whoever sends a mark that is not of a
// run under way, or one of before, is counted where he comes from.
func TestTheCheckOfTokensIsNoAttack(t *testing.T) {
	s := newSite(t, nil)
	var seen atomic.Pointer[string]
	at := publish(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = rig.Host
		mark := r.Header.Get("Tutela-Assess")
		seen.Store(&mark)
		s.Handler.ServeHTTP(w, r)
	}))
	verdict(t, s.try(t, "protect.token-required", at), tutela.Pass)
	for _, mark := range []string{"", "x", *seen.Load()} {
		r := request(t, http.MethodGet, "/api/v1/keys", "")
		r.Header.Set("Tutela-Assess", mark)
		if w := s.send(r); w.Code != http.StatusUnauthorized {
			t.Errorf("%q: %d", mark, w.Code)
		}
	}
	if err := s.server.Told(t.Context()); err != nil {
		t.Fatal(err)
	}
	counted := map[string]int{}
	for _, e := range s.entries(t, tutela.ActionAuthenticate) {
		if e.Outcome == tutela.OutcomeDenied {
			counted[e.Address] += max(e.Count, 1)
		}
	}
	if counted["tutela-assess"] < 200 || counted["192.0.2.1"] != 3 || counted["127.0.0.1"] != 0 {
		t.Errorf("counted by address: %v", counted)
	}
}
