package oauth_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/identitytest"
	"github.com/tutela-health/tutela/identity/oauth"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/store"
)

func TestMain(m *testing.M) {
	testkit.Main(m, func() error { return goleak.Find() })
}

const tenant = tutela.Tenant("clinic")

// system is an authorization server on HTTPS over a database of its own, with a clock that tests
// move and pages that a test reads as JSON.
type system struct {
	t        testing.TB
	base     string
	db       *store.DB
	ring     *keys.Ring
	audit    *audit.Log
	identity *identity.Service
	oauth    *oauth.Server
	http     *httptest.Server

	*identitytest.Clock
	ground *identitytest.Ground
	people map[string]*person
}

// person is an account with what proves it.
type person struct {
	identity.User
	credentials identity.Credentials
}

// each runs f on both engines.
func each(t *testing.T, f func(t *testing.T, s *system)) {
	t.Helper()
	identitytest.Each(t, func(t *testing.T, url string) { t.Parallel(); f(t, open(t, url)) })
}

// one runs on SQLite alone: for what the store has no part in.
func one(t *testing.T) *system {
	t.Helper()
	t.Parallel()
	return open(t, identitytest.SQLite(t))
}

func open(t testing.TB, database string) *system {
	t.Helper()
	return openAt(t, database, &identitytest.Clock{})
}

func openAt(t testing.TB, database string, now *identitytest.Clock, with ...peoplesPages) *system {
	t.Helper()
	s := &system{t: t, Clock: now, people: map[string]*person{}}
	s.ground = identitytest.Lay(t, identitytest.Config{URL: database, Migrations: identity.Migrations(), Clock: now.Now, Tenant: tenant})
	s.db, s.ring, s.audit = s.ground.DB, s.ground.Ring, s.ground.Audit
	var err error
	s.identity, err = identity.Open(t.Context(), identity.Config{DB: s.db, Ring: s.ring, Audit: s.audit, Clock: s.Now})
	must(t, err)
	s.serve(t, discard(), append(with, fakes)[0])
	return s
}

// peoplesPages puts the pages that people see on a mux, and gives them with what reads their cookie.
type peoplesPages func(s *system, mux *http.ServeMux) (oauth.Pages, func(*http.Request) string)

func fakes(*system, *http.ServeMux) (oauth.Pages, func(*http.Request) string) {
	return fakePages{}, cookieOf
}

func (s *system) serve(t testing.TB, log *slog.Logger, with peoplesPages) {
	t.Helper()
	mux := http.NewServeMux()
	s.http = httptest.NewUnstartedServer(nil)
	s.http.StartTLS()
	s.base = s.http.URL
	people, cookie := with(s, mux)
	s.oauth = oauth.New(oauth.Config{
		Identity: s.identity, Audit: s.audit, Pages: people, Session: cookie, Clock: s.Now, Log: log,
		Issuer: s.base, FHIR: s.base + "/fhir/r4", Private: true, Roots: rootsOf(s.http), Retries: []time.Duration{0, 0},
	})
	s.oauth.Routes(mux)
	inner := s.oauth.CORS(mux)
	s.http.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner.ServeHTTP(w, httpx.WithRequestID(w, r)) // as the server does
	})
	t.Cleanup(func() {
		s.http.Close()
		must(t, s.oauth.Close(context.WithoutCancel(t.Context())))
	})
}

// by is who makes what tests need.
func by() tutela.Actor { return tutela.Actor{ID: "test", Kind: tutela.ActorSystem, Name: "test"} }

// account is a person's account as most tests want it.
func account(name string) identity.NewUser {
	u := identity.NewUser{Username: name, Kind: tutela.ActorPerson, Roles: []string{name}, Scopes: []string{"user/*.cruds"}}
	switch name {
	case "admin":
		u.Scopes = nil
	case "patient":
		u.Scopes, u.Patient, u.FHIRUser = []string{"patient/*.rs"}, "p-own", tutela.Ref{Type: "Patient", ID: "p-own"}
	case "auditor":
		u.Scopes = nil
	default:
		u.FHIRUser = tutela.Ref{Type: "Practitioner", ID: "dr-" + name}
	}
	return u
}

// person gives the account of a name, made when it is first asked for.
func (s *system) person(name string) *person {
	s.t.Helper()
	if p, ok := s.people[name]; ok {
		return p
	}
	u, c, err := s.identity.CreateUser(s.t.Context(), by(), account(name))
	must(s.t, err)
	s.people[name] = &person{u, c}
	return s.people[name]
}

// admin is an administrator as a caller.
func (s *system) admin() tutela.Principal {
	s.t.Helper()
	u := s.person("admin").User
	return tutela.Principal{Tenant: tenant, ID: u.ID, Kind: u.Kind, Roles: u.Roles, Assurance: identity.ACRTwoFactors}
}

// register makes a client.
func (s *system) register(c identity.Client) (identity.Client, string) {
	s.t.Helper()
	made, secret, err := s.identity.RegisterClient(s.t.Context(), s.admin(), c)
	must(s.t, err)
	return made, secret
}

const appCallback = "https://app.example/callback"

// app is a public SMART application.
func app() identity.Client {
	return identity.Client{
		ID: "growth-chart", Name: "Growth chart", Public: true, RedirectURIs: []string{appCallback},
		PostLogoutRedirectURIs: []string{"https://app.example/bye"}, GrantTypes: []string{identity.GrantCode, identity.GrantRefresh},
		Scopes: []string{"openid", "profile", "fhirUser", "launch", "launch/patient", "online_access", "offline_access",
			"patient/*.cruds", "user/*.cruds"},
		LaunchURI: "https://app.example/launch",
	}
}

// login proves a person and gives the session's cookie.
func (s *system) login(name string) identity.Login {
	s.t.Helper()
	p := s.person(name)
	s.Advance(31 * time.Second) // each one-time password counts once
	a, err := s.identity.BeginLogin(s.t.Context(), identity.LoginRequest{
		Username: name, Password: p.credentials.Password, Address: "192.0.2.1", Agent: "test",
	})
	must(s.t, err)
	l, err := s.identity.FinishTOTP(s.t.Context(), a.ID, oneTime(s.t, p.credentials.TOTP, s.Now()))
	must(s.t, err)
	return l
}

// oneTime is the one-time password of a moment (RFC 6238).
func oneTime(t testing.TB, secret string, at time.Time) string {
	t.Helper()
	key, err := base32.StdEncoding.DecodeString(secret)
	must(t, err)
	m := hmac.New(sha1.New, key)
	_ = binary.Write(m, binary.BigEndian, at.Unix()/30)
	sum := m.Sum(nil)
	i := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[i:])&0x7fffffff)%1_000_000)
}

// works reports whether an access token is alive.
func (s *system) works(token string) bool {
	s.t.Helper()
	_, err := s.identity.Authenticate(s.t.Context(), "Bearer "+token)
	if err != nil && !errs.Is(err, errs.Unauthenticated) {
		s.t.Fatal(err)
	}
	return err == nil
}

// entries are those of an action, the oldest first.
func (s *system) entries(action tutela.Action) []tutela.Entry {
	s.t.Helper()
	return s.ground.Entries(s.t, action)
}

// post sends a form to an endpoint that machines call.
func (s *system) post(path string, f url.Values, change ...func(*http.Request)) (int, map[string]any, http.Header) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.base+path, strings.NewReader(f.Encode()))
	must(s.t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, c := range change {
		c(req)
	}
	return s.do(req)
}

func (s *system) get(path string, change ...func(*http.Request)) (int, map[string]any, http.Header) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.base+path, http.NoBody)
	must(s.t, err)
	for _, c := range change {
		c(req)
	}
	return s.do(req)
}

func (s *system) do(req *http.Request) (int, map[string]any, http.Header) {
	s.t.Helper()
	res, err := s.http.Client().Do(req)
	must(s.t, err)
	defer func() { _ = res.Body.Close() }()
	var body map[string]any
	_ = json.NewDecoder(res.Body).Decode(&body) // what is no JSON leaves it nil
	return res.StatusCode, body, res.Header
}

func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func basic(id, secret string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret)) }
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// mounted is a mux that only notes what is put on it.
type mounted []string

// HandleFunc implements oauth.Mux.
func (m *mounted) HandleFunc(pattern string, _ func(http.ResponseWriter, *http.Request)) {
	*m = append(*m, pattern)
}

func cutPattern(pattern string) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	return method, path
}
