package pages_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/federation"
	"github.com/tutela-health/tutela/identity/identitytest"
	"github.com/tutela-health/tutela/identity/oauth"
	"github.com/tutela-health/tutela/identity/pages"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/store"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// site is people's pages on a server of their own, over HTTPS, on a clock that tests move.
type site struct {
	base     string
	shown    *x509.Certificate // by the server
	roots    *x509.CertPool
	identity *identity.Service
	pages    *pages.Pages
	audit    *audit.Log
	mux      *http.ServeMux
	log      *syncBuffer

	testkit.Clock
}

// engines are those that behaviour is tested on.
func engines() []store.Engine { return []store.Engine{store.SQLite, store.Postgres} }

// open starts a site on an engine.
func open(t *testing.T, engine store.Engine) *site {
	t.Helper()
	s := &site{mux: http.NewServeMux(), log: &syncBuffer{}}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s.base = "https://localhost:" + port
	s.wire(t, engine)
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: s.mux, ReadHeaderTimeout: time.Minute, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}}
	server.TLS = &tls.Config{Certificates: []tls.Certificate{s.certificate(t)}, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	return s
}

func (s *site) wire(t *testing.T, engine store.Engine) {
	t.Helper()
	ctx := t.Context()
	url := identitytest.SQLite(t)
	if engine == store.Postgres {
		url = testkit.Postgres(t)
	}
	log := slog.New(slog.NewTextHandler(s.log, nil))
	g := identitytest.Lay(t, identitytest.Config{URL: url, Migrations: identity.Migrations(), Clock: s.Now, Tenant: "pages", Log: log})
	s.audit = g.Audit
	var err error
	s.identity, err = identity.Open(ctx, identity.Config{DB: g.DB, Ring: g.Ring, Audit: s.audit, Clock: s.Now, RPID: "localhost", Origins: []string{s.base}})
	check(t, err)
	s.pages, err = pages.New(pages.Config{Identity: s.identity, Base: s.base, Log: log, Roles: testRoles(), Labels: []pages.Role{{Name: "HIV", Label: "HIV and AIDS"}, {Name: "PSY", Label: "Mental health"}}, Patients: samplePatients,
		Federation: federation.New(federation.Config{Identity: s.identity, Clock: s.Now, Base: s.base, Loopback: true})})
	check(t, err)
	s.pages.Routes(s.mux)
	server := oauth.New(oauth.Config{Identity: s.identity, Audit: s.audit, Pages: s.pages.Authorize(), Session: pages.SessionCookie,
		Clock: s.Now, Log: log, Issuer: s.base, FHIR: s.base + "/fhir/r4", Private: true})
	server.Routes(s.mux)
	t.Cleanup(func() { check(t, server.Close(context.WithoutCancel(ctx))) })
}

// samplePatients stands for the search of the FHIR API, which lies above this plane.
func samplePatients(_ context.Context, _ tutela.Principal, name string) ([]pages.PatientChoice, error) {
	var list []pages.PatientChoice
	for _, p := range []pages.PatientChoice{
		{ID: "p1", Name: "Odile Marchetti", Detail: "born 1961-04-02"}, {ID: "p2", Name: "Odile Marchetti", Detail: "born 1988-12-30"}, {ID: "p3", Name: injection},
	} {
		if strings.Contains(strings.ToLower(p.Name), strings.ToLower(name)) {
			list = append(list, p)
		}
	}
	return list, nil
}

func testRoles() []pages.Role {
	return []pages.Role{{Name: "admin", Label: "Administrator"}, {Name: "physician", Label: "Physician"}, {Name: "nurse", Label: "Nurse"}, {Name: "auditor", Label: "Auditor"}}
}

// certificate makes the server's, and what clients trust it by.
func (s *site) certificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: clock.System().Add(-time.Hour), NotAfter: clock.System().Add(24 * time.Hour),
		DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	check(t, err)
	cert, err := x509.ParseCertificate(der)
	check(t, err)
	s.roots = x509.NewCertPool()
	s.roots.AddCert(cert)
	s.shown = cert
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// person makes an account that is enrolled, as a try-out has them.
func (s *site) person(t *testing.T, name string, roles ...string) identity.Credentials {
	t.Helper()
	_, c, err := s.identity.CreateUser(t.Context(), tutela.Actor{ID: "test", Kind: tutela.ActorSystem},
		identity.NewUser{Username: name, Kind: tutela.ActorPerson, Roles: roles, Scopes: []string{"user/*.cruds"}})
	check(t, err)
	return c
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// syncBuffer is a log that tests read.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
