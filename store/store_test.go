package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/store"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(childRole); role != "" {
		os.Exit(child(role))
	}
	testkit.Main(m, func() error { return goleak.Find() })
}

var (
	notes = &store.Table{
		Name:    "notes",
		Columns: []store.Column{{"author", store.Int}, {"number", store.Int}, {"body", store.Text}},
		Key:     2,
	}
	counters = &store.Table{
		Name:    "counters",
		Columns: []store.Column{{"id", store.Int}, {"value", store.Int}},
		Key:     1,
	}
)

func testMigrations() []store.Migration {
	return []store.Migration{{ID: "9000_test", SQL: `
CREATE TABLE notes (author {{int}} NOT NULL, number {{int}} NOT NULL, body {{text}}, PRIMARY KEY (author, number)) {{clustered}};
CREATE TABLE chain (lane {{int}} NOT NULL, seq {{int}} NOT NULL, body {{bytes}} NOT NULL, PRIMARY KEY (lane, seq)) {{clustered}};
CREATE TABLE counters (id {{int}} PRIMARY KEY, value {{int}}) {{clustered}};
` + valuesSchema}}
}

func note(author, number int64, body string) store.Op {
	return store.Op{Inserts: []store.Rows{{Table: notes, Rows: [][]any{{author, number, body}}}}}
}

func claim(id int64, expect []any, value int64) store.Op {
	return store.Op{Claims: []store.Claim{{Table: counters, Key: []any{id}, Expect: expect, Set: []any{id, value}}}}
}

// onEachEngine runs f against a fresh database of every engine.
func onEachEngine(t *testing.T, f func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, openTest(t, "sqlite:"+filepath.Join(t.TempDir(), "t.db"))) })
	t.Run("postgres", func(t *testing.T) { f(t, openTest(t, testkit.Postgres(t))) })
}

func openTest(t testing.TB, url string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{URL: url, Reserve: 1 << 20})
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	must(t, db.Migrate(t.Context(), testMigrations()))
	return db
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func count(t testing.TB, db store.Querier, table string) int {
	t.Helper()
	var n int
	_, err := db.QueryRow(t.Context(), "SELECT count(*) FROM "+table, nil, &n)
	must(t, err)
	return n
}
