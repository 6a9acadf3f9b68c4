package server_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
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
	return publishBy(t, h, certificate, pool)
}

// publishBy is publish with a certificate of the test's choice.
func publishBy(t *testing.T, h http.Handler, certificate tls.Certificate, pool *x509.CertPool) outside {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}}
	srv.Config.MaxHeaderBytes = 256 << 10 // as a Server has it
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
	return certified(t, time.Now().Add(time.Hour), key)
}

// certified makes a certificate of a key, good until then.
func certified(t *testing.T, until time.Time, key *ecdsa.PrivateKey) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	leaf := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: until, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
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

// The application that checks ask as, where a site has one.
const (
	appID       = "desk"
	appRedirect = "https://desk.example/callback"
)

// try runs one check of the site against an address.
func (s *site) try(t *testing.T, id string, at outside) tutela.Evidence {
	t.Helper()
	for _, c := range s.server.Checks(server.CheckConfig{Base: at.base, TLS: at.tls, Application: appID, Redirect: appRedirect}) {
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
