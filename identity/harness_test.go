package identity

import (
	"context"
	"encoding/base32"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/identity/identitytest"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/store"
)

func TestMain(m *testing.M) {
	testkit.Main(m, func() error { return goleak.Find() })
}

const (
	testHost     = "clinic.test"
	testOrigin   = "https://clinic.test"
	goodPassword = "seven violet tractors hum"
	someAddress  = "192.0.2.7"
)

// world is a system of one or more nodes over one database, with a clock that tests move.
type world struct {
	t    testing.TB
	db   *store.DB
	ring *keys.Ring
	log  *audit.Log

	identitytest.Clock
	ground *identitytest.Ground

	hashes atomic.Int64 // passwords hashed
}

// each runs f on both engines.
func each(t *testing.T, f func(t *testing.T, w *world, s *Service)) {
	t.Helper()
	t.Parallel()
	identitytest.Each(t, func(t *testing.T, url string) {
		t.Parallel()
		w := newWorld(t, url)
		f(t, w, w.open())
	})
}

func newWorld(t testing.TB, url string) *world {
	t.Helper()
	w := &world{t: t}
	w.ground = identitytest.Lay(t, identitytest.Config{URL: url, Migrations: Migrations(), Clock: w.Now})
	w.db, w.ring, w.log = w.ground.DB, w.ground.Ring, w.ground.Audit
	return w
}

// open gives a node's Service. Its passwords are hashed with fewer rounds, and counted.
func (w *world) open() *Service {
	w.t.Helper()
	s, err := Open(w.t.Context(), Config{
		DB: w.db, Ring: w.ring, Audit: w.log, Clock: w.Now, Name: "Clinic", RPID: testHost, Origins: []string{testOrigin},
	})
	must(w.t, err)
	s.hasher.iterations = 1000
	s.hasher.derive = func(v Verifier, password string) ([]byte, error) {
		w.hashes.Add(1)
		return v.derive(password)
	}
	return s
}

// entries are those of an action, the oldest first.
func (w *world) entries(t *testing.T, action tutela.Action) []tutela.Entry {
	t.Helper()
	return w.ground.Entries(t, action)
}

// person is somebody with an account and an authenticator.
type person struct {
	User
	secret []byte // of one-time passwords
	codes  []string
}

// join makes an account the way people get one: invited, with a password and one-time passwords.
func join(t testing.TB, w *world, s *Service, inv Invitation) (person, Login) {
	t.Helper()
	ctx := t.Context()
	attempt, err := s.AcceptInvitation(ctx, inv.Token, goodPassword)
	must(t, err)
	secret, _, err := s.EnrolTOTP(ctx, attempt)
	must(t, err)
	key := decoded(t, secret)
	done, err := s.ConfirmTOTP(ctx, attempt, totpCode(key, totpStep(w.Now())))
	must(t, err)
	u, err := s.UserByID(ctx, done.Login.Session.User)
	must(t, err)
	return person{User: u, secret: key, codes: done.RecoveryCodes}, done.Login
}

// admin makes the first administrator and gives him as a caller.
func admin(t testing.TB, w *world, s *Service) (person, tutela.Principal) {
	t.Helper()
	inv, err := s.FirstInvitation(t.Context(), NewUser{Username: "root", Roles: []string{"admin"}})
	must(t, err)
	p, login := join(t, w, s, inv)
	return p, s.Principal(login.Session, p.User)
}

// nurse makes an account of everyday work.
func nurse(t testing.TB, w *world, s *Service, by tutela.Principal, username string) (person, Login) {
	t.Helper()
	inv, err := s.Invite(t.Context(), by, NewUser{Username: username, Roles: []string{"nurse"}, Scopes: []string{"user/*.rs"}})
	must(t, err)
	return join(t, w, s, inv)
}

// code is the one-time password of now. The clock moves first, so that it is a new one.
func (p person) code(w *world) string {
	w.Advance(totpPeriod * time.Second)
	return totpCode(p.secret, totpStep(w.Now()))
}

// begin gives the right password.
func (p person) begin(ctx context.Context, s *Service) (Attempt, error) {
	return s.BeginLogin(ctx, LoginRequest{Username: p.Username, Password: goodPassword, Address: someAddress, Agent: "test"})
}

// logIn proves both factors.
func (p person) logIn(t testing.TB, w *world, s *Service) Login {
	t.Helper()
	a, err := p.begin(t.Context(), s)
	must(t, err)
	l, err := s.FinishTOTP(t.Context(), a.ID, p.code(w))
	must(t, err)
	return l
}

// bearer gives an access token bound to a session.
func bearer(t testing.TB, s *Service, l Login) string {
	t.Helper()
	issued, err := s.IssueFor(t.Context(), IssueRequest{
		User: l.Session.User, Client: "app", Session: l.Session.ID, Scopes: []string{"user/*.rs"}, Assurance: l.Session.ACR,
	})
	must(t, err)
	return "Bearer " + issued.Token
}

func decoded(t testing.TB, secret string) []byte {
	t.Helper()
	key, err := base32.StdEncoding.DecodeString(secret)
	must(t, err)
	return key
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refused fails the test unless err is of a kind.
func refused(t testing.TB, what string, err error, kind errs.Kind) {
	t.Helper()
	if !errs.Is(err, kind) {
		t.Errorf("%s: got %v, want an error of kind %d", what, err, kind)
	}
}
