// Package identitytest lays the ground that identity stands on, for the tests of its packages: a database with
// keys and a ledger, on a clock that tests move. It does not know identity itself, whose own tests use it too.
package identitytest

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/store"
)

// Config says what a Ground is made of.
type Config struct {
	URL        string // of an empty database
	Migrations []store.Migration
	Clock      clock.Clock
	Tenant     tutela.Tenant // "clinic" where it is empty; the ledger's origin is "clinic.test" then
	Log        *slog.Logger  // nil: nothing is logged
}

// Ground is one node's.
type Ground struct {
	DB    *store.DB
	Ring  *keys.Ring
	Audit *audit.Log

	cfg      Config
	provider keys.Provider
}

// Lay makes an empty system, which the test's end closes.
func Lay(t testing.TB, c Config) *Ground {
	t.Helper()
	if c.Tenant == "" {
		c.Tenant = "clinic"
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	g := &Ground{cfg: c}
	g.open(t)
	Must(t, g.DB.Migrate(t.Context(), append(audit.Migrations(), c.Migrations...)))
	var err error
	g.provider, err = keys.CreateLocal(filepath.Join(t.TempDir(), "keys"))
	Must(t, err)
	Must(t, keys.Init(t.Context(), g.keys()))
	g.wire(t, "n")
	return g
}

// Another is the ground of another node on the same database.
func (g *Ground) Another(t testing.TB, name string) *Ground {
	t.Helper()
	other := &Ground{cfg: g.cfg, provider: g.provider}
	other.open(t)
	other.wire(t, name)
	return other
}

func (g *Ground) open(t testing.TB) {
	t.Helper()
	var err error
	g.DB, err = store.Open(t.Context(), store.Config{URL: g.cfg.URL, Reserve: -1, MinFree: -1, Clock: g.cfg.Clock})
	Must(t, err)
	t.Cleanup(func() { Must(t, g.DB.Close()) })
}

func (g *Ground) keys() keys.Config {
	return keys.Config{Tenant: g.cfg.Tenant, Shelf: g.DB, Provider: g.provider, Clock: g.cfg.Clock}
}

func (g *Ground) wire(t testing.TB, node string) {
	t.Helper()
	var err error
	g.Ring, err = keys.Open(t.Context(), g.keys())
	Must(t, err)
	t.Cleanup(g.Ring.Close)
	g.Audit, err = audit.Open(t.Context(), audit.Config{
		DB: g.DB, Keys: g.Ring, Tenant: g.cfg.Tenant, Node: node, Origin: string(g.cfg.Tenant) + ".test", Clock: g.cfg.Clock, Log: g.cfg.Log,
	})
	Must(t, err)
}

// Entries are those of an action, the oldest first.
func (g *Ground) Entries(t testing.TB, action tutela.Action) []tutela.Entry {
	t.Helper()
	for n := int64(1); n > 0; {
		var err error
		n, err = g.Audit.Sequence(t.Context())
		Must(t, err)
	}
	var list []tutela.Entry
	Must(t, g.Audit.Search(t.Context(), audit.Query{Action: action}, func(o audit.Opened) error {
		list = append(list, o.Entry)
		return nil
	}))
	return list
}

// SQLite is the address of an empty embedded database.
func SQLite(t testing.TB) string {
	t.Helper()
	return "sqlite:" + filepath.Join(t.TempDir(), "t.db")
}

// Each runs f with an empty database of every engine.
func Each(t *testing.T, f func(t *testing.T, url string)) {
	t.Helper()
	for engine, url := range map[string]func(testing.TB) string{"sqlite": SQLite, "postgres": testkit.Postgres} {
		t.Run(engine, func(t *testing.T) { f(t, url(t)) })
	}
}

// Must ends the test on an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
