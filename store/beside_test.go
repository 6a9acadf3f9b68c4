package store_test

import (
	"testing"

	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/store"
)

func TestSchemaBesideTakesThePlaceOfAnother(t *testing.T) {
	url := testkit.Postgres(t)
	b, err := store.MakeBeside(t.Context(), url, "restore")
	must(t, err)
	occupied := func() bool {
		yes, err := b.Occupied(t.Context())
		must(t, err)
		return yes
	}
	if occupied() {
		t.Error("an empty database counts as occupied")
	}
	before := openTest(t, url)
	must(t, before.Commit(t.Context(), note(1, 1, "old")))
	must(t, before.Close())
	if !occupied() {
		t.Error("a database with tables counts as empty")
	}
	for range 2 { // what a process left that died does not stand in the way
		b, err = store.MakeBeside(t.Context(), url, "restore")
		must(t, err)
		beside, err := store.Open(t.Context(), store.Config{URL: b.URL()})
		must(t, err)
		must(t, beside.Migrate(t.Context(), testMigrations()))
		must(t, beside.Commit(t.Context(), note(1, 1, "new")))
		must(t, beside.Close())
	}
	body := func(url string) (text string) {
		db, err := store.Open(t.Context(), store.Config{URL: url})
		must(t, err)
		defer func() { must(t, db.Close()) }()
		_, err = db.QueryRow(t.Context(), "SELECT body FROM notes", nil, &text)
		must(t, err)
		return text
	}
	if got := body(url); got != "old" {
		t.Errorf("before: %s", got)
	}
	must(t, b.TakeOver(t.Context(), "before"))
	if got := body(url); got != "new" {
		t.Errorf("after: %s", got)
	}
	if err := b.TakeOver(t.Context(), "again"); err == nil {
		t.Error("a schema that is gone took over")
	}
	if got := body(url); got != "new" {
		t.Errorf("after a failure: %s", got)
	}
	must(t, b.GiveBack(t.Context(), "before"))
	if got := body(url); got != "old" {
		t.Errorf("after it was given back: %s", got)
	}
	must(t, b.Drop(t.Context()))
}
