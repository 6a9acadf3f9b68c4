package identity_test

import (
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/testkit"
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

	mu  sync.Mutex // guards now
	now time.Time
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// onEachEngine runs f in an empty system on every engine.
func onEachEngine(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, newWorld(t, "sqlite:"+filepath.Join(t.TempDir(), "t.db"))) })
	t.Run("postgres", func(t *testing.T) { f(t, newWorld(t, testkit.Postgres(t))) })
}

func newWorld(t *testing.T, url string) *world {
	t.Helper()
	ctx := t.Context()
	w := &world{t: t, now: time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)}
	var err error
	w.db, err = store.Open(ctx, store.Config{URL: url, Reserve: -1, MinFree: -1, Clock: w.clock})
	must(t, err)
	t.Cleanup(func() { must(t, w.db.Close()) })
	must(t, w.db.Migrate(ctx, append(audit.Migrations(), identity.Migrations()...)))
	provider, err := keys.CreateLocal(filepath.Join(t.TempDir(), "keys"))
	must(t, err)
	c := keys.Config{Tenant: tenant, Shelf: w.db, Provider: provider, Clock: w.clock}
	must(t, keys.Init(ctx, c))
	w.ring, err = keys.Open(ctx, c)
	must(t, err)
	t.Cleanup(w.ring.Close)
	w.audit, err = audit.Open(ctx, audit.Config{DB: w.db, Keys: w.ring, Tenant: tenant, Node: "node-1", Origin: "clinic.test", Clock: w.clock})
	must(t, err)
	return w
}

// service opens a Service, as a node has one. fresh says whether it hears of the others.
func (w *world) service(fresh *atomic.Bool) *identity.Service {
	w.t.Helper()
	c := identity.Config{DB: w.db, Ring: w.ring, Audit: w.audit, Clock: w.clock}
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
