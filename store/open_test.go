package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/store"
)

func TestUnsafeSettingsAreRefused(t *testing.T) {
	c, err := testkit.StartCluster(t.Context(), "fsync=off")
	must(t, err)
	t.Cleanup(func() { must(t, c.Stop()) })
	assertUnsafe(t, c.URL("postgres"), "fsync")
	must(t, c.Crash())
	must(t, c.Start(t.Context(), "full_page_writes=off"))
	assertUnsafe(t, c.URL("postgres"), "full_page_writes")

	url := testkit.Postgres(t)
	conn, err := pgx.Connect(t.Context(), url)
	must(t, err)
	_, err = conn.Exec(t.Context(), "ALTER DATABASE "+conn.Config().Database+" SET synchronous_commit = off")
	must(t, err)
	must(t, conn.Close(t.Context()))
	assertUnsafe(t, url, "synchronous_commit")
}

func assertUnsafe(t *testing.T, url, setting string) {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{URL: url})
	if !errors.Is(err, store.ErrUnsafe) || !strings.Contains(err.Error(), setting) {
		t.Errorf("%s: got %v", setting, err)
	}
	if err == nil {
		must(t, db.Close())
	}
}

func TestUnknownURLIsRefused(t *testing.T) {
	for _, url := range []string{"", "mysql://x", "/tmp/x.db", "postgres://127.0.0.1:1/x"} {
		if _, err := store.Open(t.Context(), store.Config{URL: url}); err == nil {
			t.Errorf("%q was opened", url)
		}
	}
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	dir := t.TempDir()
	db := openTest(t, "sqlite:"+filepath.Join(dir, "with space?.db"))
	must(t, db.Commit(t.Context(), note(1, 1, "x")))
	files, err := os.ReadDir(dir)
	must(t, err)
	if len(files) < 3 {
		t.Errorf("%d files, want database, log and reserve at least", len(files))
	}
	for _, f := range files {
		info, err := f.Info()
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", f.Name(), info.Mode().Perm())
		}
	}
}

func TestMigrationsRunOnceWhenNodesStartTogether(t *testing.T) {
	urls := map[string]string{"sqlite": "sqlite:" + filepath.Join(t.TempDir(), "m.db"), "postgres": testkit.Postgres(t)}
	for engine, url := range urls {
		t.Run(engine, func(t *testing.T) {
			steps := append(testMigrations(), store.Migration{ID: "9001_once", SQL: "INSERT INTO counters VALUES (1, 1)"})
			var wg sync.WaitGroup
			for range 6 {
				wg.Go(func() {
					if err := migrate(t.Context(), url, steps); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			must(t, migrate(t.Context(), url, steps))
			db, err := store.Open(t.Context(), store.Config{URL: url, Reserve: -1})
			must(t, err)
			t.Cleanup(func() { must(t, db.Close()) })
			if n := count(t, db, "counters"); n != 1 {
				t.Errorf("rows: %d, want 1", n)
			}
		})
	}
}

func migrate(ctx context.Context, url string, steps []store.Migration) error {
	db, err := store.Open(ctx, store.Config{URL: url, Reserve: -1})
	if err != nil {
		return err
	}
	return errors.Join(db.Migrate(ctx, steps), db.Close())
}

func TestHistoryThatDiffersIsRefused(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *store.DB) {
		changed := testMigrations()
		changed[0].SQL += " "
		if err := db.Migrate(t.Context(), changed); !errors.Is(err, store.ErrChanged) {
			t.Errorf("changed: %v", err)
		}
		err := db.Migrate(t.Context(), nil)
		if !errors.Is(err, store.ErrNewer) || !errs.Is(err, errs.Unsupported) || !strings.Contains(err.Error(), "9000_test") {
			t.Errorf("newer: %v", err)
		}
		if err := db.Migrate(t.Context(), append(testMigrations(), testMigrations()...)); err == nil {
			t.Error("two migrations of one name were applied")
		}
		broken := append(testMigrations(), store.Migration{ID: "9001", SQL: "CREATE TABLE half (a {{int}}); SELECT nonsense"})
		if err := db.Migrate(t.Context(), broken); err == nil {
			t.Error("a broken migration was applied")
		}
		if _, err := db.QueryRow(t.Context(), "SELECT a FROM half", nil); err == nil {
			t.Error("a broken migration left a table")
		}
		must(t, db.Migrate(t.Context(), testMigrations()))
	})
}

func TestEnginesMayDifferInAMigration(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *store.DB) {
		must(t, db.Migrate(t.Context(), append(testMigrations(), store.Migration{
			ID: "9001", SQLite: "INSERT INTO counters VALUES (1, 1)", Postgres: "INSERT INTO counters VALUES (2, 1)",
		})))
		var id int
		_, err := db.QueryRow(t.Context(), "SELECT id FROM counters", nil, &id)
		want := map[store.Engine]int{store.SQLite: 1, store.Postgres: 2}[db.Engine()]
		if err != nil || id != want {
			t.Errorf("id %d, %v", id, err)
		}
	})
}
