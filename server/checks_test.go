package server_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/fips140"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/server"
)

// outside is a server on a free port, as the world sees it.
type outside struct {
	base string
	tls  *tls.Config
}

// publish serves a handler over TLS until the test ends.
func publish(t *testing.T, h http.Handler) outside {
	t.Helper()
	certificate, pool := authority(t)
	srv := httptest.NewUnstartedServer(h)
	srv.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}}
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return outside{srv.URL, &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}}
}

// authority makes a certificate for the loopback address and what trusts it.
func authority(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, leaf, leaf, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// try runs one check of the site against an address.
func (s *site) try(t *testing.T, id string, at outside) tutela.Evidence {
	t.Helper()
	for _, c := range s.server.Checks(server.CheckConfig{Base: at.base, TLS: at.tls}) {
		if c.ID == id {
			return c.Try(t.Context())
		}
	}
	t.Fatalf("no check %s", id)
	return tutela.Evidence{}
}

func verdict(t *testing.T, e tutela.Evidence, want tutela.Verdict, say ...string) {
	t.Helper()
	if e.Verdict != want || e.On == "" {
		t.Errorf("verdict %v, want %v: %+v", e.Verdict, want, e)
	}
	for _, text := range say {
		if !strings.Contains(e.Observed, text) {
			t.Errorf("%q does not say %q", e.Observed, text)
		}
	}
}

// nobodyListens is an address where a server was.
func nobodyListens(t *testing.T) outside {
	t.Helper()
	at := publish(t, http.NotFoundHandler())
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at.base = "https://" + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return at
}

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
	verdict(t, s.try(t, id, at), tutela.Pass, "401", "34 requests on 17 routes")
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
		"answered 401 with a resource": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient"}}]}`)
		},
		"answered 302": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) },
	} {
		sabotage.Store(&f)
		verdict(t, s.try(t, id, at), tutela.Fail, name)
	}
	sabotage.Store(nil)
	verdict(t, s.try(t, id, at), tutela.Pass)
	verdict(t, s.try(t, id, nobodyListens(t)), tutela.CouldNotCheck, "could not be asked")
	at.tls = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	verdict(t, s.try(t, id, at), tutela.CouldNotCheck, "certificate")
}

// helloTLS11 is a ServerHello that takes TLS 1.1, as a server too old or too obliging sends it.
func helloTLS11() []byte {
	hello := append([]byte{2, 0, 0, 38, 3, 2}, make([]byte, 32)...)
	hello = append(hello, 0, 0xc0, 0x09, 0)
	return append([]byte{22, 3, 2, 0, byte(len(hello))}, hello...)
}

// before listens in front of an address. answer may take a connection by its first bytes; what it
// leaves alone goes on to the address.
func before(t *testing.T, at outside, answer func(first []byte) []byte) outside {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	to := strings.TrimPrefix(at.base, "https://")
	var done sync.WaitGroup
	done.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			done.Go(func() { relay(conn, to, answer) })
		}
	})
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		done.Wait()
	})
	at.base = "https://" + l.Addr().String()
	return at
}

func relay(conn net.Conn, to string, answer func(first []byte) []byte) {
	defer func() { _ = conn.Close() }()
	first := make([]byte, 11) // as far as the version in a ClientHello
	if _, err := io.ReadFull(conn, first); err != nil {
		return
	}
	if b := answer(first); b != nil {
		_, _ = conn.Write(b)
		return
	}
	onward, err := new(net.Dialer).DialContext(context.Background(), "tcp", to)
	if err != nil {
		return
	}
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = onward.Write(first)
		_, _ = io.Copy(onward, conn)
		_ = onward.Close()
	})
	_, _ = io.Copy(conn, onward)
	_ = conn.Close()
	both.Wait()
}

func TestOldTLSIsFound(t *testing.T) {
	s := newSite(t, nil)
	at := publish(t, s.Handler)
	const id = "protect.tls-version"
	verdict(t, s.try(t, id, at), tutela.Pass, "TLS 1.0 refused with alert 70", "TLS 1.1 refused with alert 70", "TLS 1.2 completed", "TLS 1.3 completed")
	old := before(t, at, func(first []byte) []byte {
		if first[9] == 3 && first[10] == 2 {
			return helloTLS11()
		}
		return nil
	})
	verdict(t, s.try(t, id, old), tutela.Fail, "TLS 1.1 accepted", "TLS 1.0 refused")
	alone := before(t, at, func([]byte) []byte { return nil })
	verdict(t, s.try(t, id, alone), tutela.Pass)
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

// childEnv makes this test binary try the FIPS check, instead of testing it.
const childEnv = "TUTELA_TEST_FIPS_CHILD"

// The check passes in FIPS mode and fails outside it: each in a process of its own, since the mode
// cannot change while one runs.
func TestFIPSModeIsSeen(t *testing.T) {
	if certified, child := os.LookupEnv(childEnv); child {
		reportFIPS(t, certified)
		return
	}
	module := fips140.Version()
	for _, c := range []struct {
		mode, certified string
		want            tutela.Verdict
		say             []string
	}{
		{"on", module, tutela.Pass, []string{"FIPS mode is on", "X25519 as the only group: refused", "ChaCha20-Poly1305 as the only cipher: refused"}},
		{"off", module, tutela.Fail, []string{"FIPS mode is off", "X25519 as the only group: accepted", "ChaCha20-Poly1305 as the only cipher: accepted"}},
		{"on", "v0.0.1", tutela.Fail, []string{module + " is not a certified one"}},
		{"on", module, tutela.Pass, nil},
	} {
		verdict(t, fipsChild(t, c.mode, c.certified), c.want, c.say...)
	}
}

func reportFIPS(t *testing.T, certified string) {
	t.Helper()
	at := publish(t, http.NotFoundHandler())
	text, err := json.Marshal(server.FIPSCheck(at.base, certified).Try(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("evidence %s", text)
}

func fipsChild(t *testing.T, mode, certified string) tutela.Evidence {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestFIPSModeIsSeen$", "-test.v")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140="+mode, childEnv+"="+certified)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	_, text, found := strings.Cut(string(out), "evidence ")
	if !found {
		t.Fatalf("no evidence: %s", out)
	}
	var e tutela.Evidence
	if err := json.NewDecoder(strings.NewReader(text)).Decode(&e); err != nil {
		t.Fatal(errors.Join(err, errors.New(text)))
	}
	return e
}

func TestWithoutAListenerFIPSIsNotProven(t *testing.T) {
	s := newSite(t, nil)
	e := s.try(t, "protect.fips", nobodyListens(t))
	if e.Verdict == tutela.Pass || !strings.Contains(e.Observed, "would prove nothing") {
		t.Errorf("%+v", e)
	}
}

// Every check says what it bears on, and how long it counts.
func TestChecksAreComplete(t *testing.T) {
	for _, c := range newSite(t, nil).server.Checks(server.CheckConfig{}) {
		if c.ID == "" || c.Title == "" || len(c.Controls) == 0 || c.Fresh <= 0 {
			t.Errorf("%+v", c)
		}
		if e := c.Try(t.Context()); e.Verdict == tutela.Pass {
			t.Errorf("%s passes without an address: %s", c.ID, e.Observed)
		}
	}
}
