package identity_test

import (
	"sync/atomic"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/identitytest"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/store"
)

const tenant = tutela.Tenant("clinic")

// world is a database with keys, a ledger and a clock that tests move.
type world struct {
	t     *testing.T
	db    *store.DB
	ring  *keys.Ring
	audit *audit.Log

	identitytest.Clock
}

// onEachEngine runs f in an empty system on every engine.
func onEachEngine(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	identitytest.Each(t, func(t *testing.T, url string) { f(t, newWorld(t, url)) })
}

func newWorld(t *testing.T, url string) *world {
	t.Helper()
	w := &world{t: t}
	g := identitytest.Lay(t, identitytest.Config{URL: url, Migrations: identity.Migrations(), Clock: w.Now, Tenant: tenant})
	w.db, w.ring, w.audit = g.DB, g.Ring, g.Audit
	return w
}

// service opens a Service, as a node has one. fresh says whether it hears of the others.
func (w *world) service(fresh *atomic.Bool) *identity.Service {
	w.t.Helper()
	c := identity.Config{DB: w.db, Ring: w.ring, Audit: w.audit, Clock: w.Now}
	if fresh != nil {
		c.Fresh = fresh.Load
	}
	s, err := identity.Open(w.t.Context(), c)
	must(w.t, err)
	return s
}

// root is whoever makes accounts here.
func root() tutela.Actor { return tutela.Actor{ID: "root", Kind: tutela.ActorSystem} }

// nurse is an account to be made.
func nurse(name string) identity.NewUser {
	return identity.NewUser{Username: name, Kind: tutela.ActorPerson, Roles: []string{"nurse"}, Unit: "ward-1",
		Scopes: []string{"user/*.cruds"}, Client: "app", FHIRUser: tutela.Ref{Type: "Practitioner", ID: "p-" + name}}
}

// issued makes an account and a token for it.
func (w *world) issued(s *identity.Service, n identity.NewUser) identity.Issued {
	w.t.Helper()
	_, _, err := s.CreateUser(w.t.Context(), root(), n)
	must(w.t, err)
	i, err := w.issue(s, n.Username)
	must(w.t, err)
	return i
}

// issue gives an account a token of the client "app".
func (w *world) issue(s *identity.Service, username string) (identity.Issued, error) {
	w.t.Helper()
	u, err := s.User(w.t.Context(), username)
	if err != nil {
		return identity.Issued{}, err
	}
	return s.IssueFor(w.t.Context(), identity.IssueRequest{User: u.ID, Client: "app", Scopes: u.Scopes, Assurance: "aal2"})
}

// entries gives what the ledger holds of an action.
func (w *world) entries(action tutela.Action) []tutela.Entry {
	w.t.Helper()
	var list []tutela.Entry
	must(w.t, w.audit.Search(w.t.Context(), audit.Query{Action: action}, func(o audit.Opened) error {
		list = append(list, o.Entry)
		return nil
	}))
	return list
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
