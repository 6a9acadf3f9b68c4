package store_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/store"
)

func TestTablesAreDescribedAlikeOnEachEngine(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *store.DB) {
		number := map[store.Engine]string{store.SQLite: "INTEGER", store.Postgres: "bigint"}[db.Engine()]
		must(t, db.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), strings.ReplaceAll("CREATE TABLE upside (a # NOT NULL, b # NOT NULL, c # NOT NULL, PRIMARY KEY (c, a))", "#", number))
			return err
		}))
		tables, err := db.Tables(t.Context())
		must(t, err)
		named := func(name string) *store.Table {
			i := slices.IndexFunc(tables, func(t *store.Table) bool { return t.Name == name })
			if i < 0 {
				t.Fatalf("no table %s among %d", name, len(tables))
			}
			return tables[i]
		}
		if d := cmp.Diff(notes, named("notes")); d != "" {
			t.Error(d)
		}
		upside := &store.Table{Name: "upside", Key: 2, Columns: []store.Column{{Name: "c"}, {Name: "a"}, {Name: "b"}}}
		if d := cmp.Diff(upside, named("upside")); d != "" {
			t.Error(d)
		}
		for _, name := range []string{"leases", "jobs", "invalidations", "wrapped_keys", "schema_migrations"} {
			named(name)
		}
	})
}

func TestRowsAreReadAsTheyWereWritten(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *store.DB) {
		want := [][]any{{int64(-5), int64(1), "text"}, {int64(2), int64(1), nil}, {int64(2), int64(3), ""}}
		must(t, db.Commit(t.Context(), store.Op{Inserts: []store.Rows{{Table: notes, Rows: want}}}))
		var got [][]any
		must(t, db.Query(t.Context(), notes.Select(notes.ByKey()), nil, func(s store.Scanner) error {
			row, err := notes.ScanRow(s)
			got = append(got, row)
			return err
		}))
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	})
}
