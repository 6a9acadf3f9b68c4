package records_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/store"
)

// filling writes records until the disk has no room for more, and holds what was acknowledged.
type filling struct {
	*rig.Rig
	kept []string
}

// put writes a record of some size, and says how that was answered.
func (f *filling) put(t *testing.T) int {
	t.Helper()
	id := fmt.Sprint("n", len(f.kept))
	note := ""
	for range 800 {
		note += rand.Text() // which nothing compresses
	}
	body := strings.Replace(observation(id, "kept", "p"), "{", `{"note":[{"text":"`+note+`"}],`, 1)
	a := f.Do(t, rig.Call{As: rig.Loader, Method: http.MethodPut, Path: "Observation/" + id, Body: body})
	if a.Status == http.StatusCreated {
		f.kept = append(f.kept, id)
	}
	return a.Status
}

func (f *filling) read(t *testing.T, id string) int {
	t.Helper()
	return f.Do(t, rig.Call{As: rig.Loader, Method: http.MethodGet, Path: "Observation/" + id}).Status
}

// whole reads everything that was acknowledged, writes once more, and holds all rows to the ledger.
func (f *filling) whole(t *testing.T) {
	t.Helper()
	if status := f.put(t); status != http.StatusCreated {
		t.Errorf("with room again: %d", status)
	}
	for _, id := range f.kept {
		if status := f.read(t, id); status != http.StatusOK {
			t.Errorf("%s was acknowledged: %d", id, status)
		}
	}
	f.Verify(t)
}

// reachable lets PostgreSQL, which runs as somebody else, come to the disk.
func reachable(t *testing.T, d *testkit.Disk) {
	t.Helper()
	if err := os.Chmod(filepath.Join(d.Dir, "..", ".."), 0o711); err != nil { //nolint:gosec // see above
		t.Fatal(err)
	}
}

// onPostgres has PostgreSQL, of this process alone, keep the tables on the disk, and its own log elsewhere. It gives the address of the
// database that the first rig makes there.
func onPostgres(t *testing.T, d *testkit.Disk) (url string) {
	t.Helper()
	reachable(t, d)
	c := testkit.SharedCluster(t)
	owner, err := os.Stat(c.Dir())
	if err != nil {
		t.Fatal(err)
	}
	space := filepath.Join(d.Dir, "space")
	if err := os.Mkdir(space, 0o700); err != nil {
		t.Fatal(err)
	}
	if s, ok := owner.Sys().(*syscall.Stat_t); !ok || os.Chown(space, int(s.Uid), int(s.Gid)) != nil {
		t.Fatal("the folder cannot be given to PostgreSQL")
	}
	run(t, c.URL("postgres"), "CREATE TABLESPACE small LOCATION '"+space+"'", "ALTER ROLE CURRENT_USER SET default_tablespace = small")
	return c.URL("test_1")
}

// ledgerApart moves the ledger's tables and indexes to where the system's own lie, as docs/configuration.md says.
func ledgerApart(t *testing.T, url string) {
	t.Helper()
	run(t, url, `DO $$ DECLARE name regclass; BEGIN
  FOR name IN SELECT oid FROM pg_class WHERE relname LIKE 'ledger\_%' AND relkind IN ('r', 'i') AND relnamespace = current_schema()::regnamespace LOOP
    EXECUTE format('ALTER TABLE %s SET TABLESPACE pg_default', name);
  END LOOP;
END $$`)
}

// run says SQL to a database.
func run(t *testing.T, url string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range statements {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// fill writes until nothing more is taken, and says how the last was answered.
func (f *filling) fill(t *testing.T) int {
	t.Helper()
	const most = 5000 // far more than the disk holds
	for range most {
		if status := f.put(t); status != http.StatusCreated {
			return status
		}
	}
	return http.StatusCreated
}

// The disk of PostgreSQL's tables is full and that of the ledger is not: writes are refused as what may be tried again, reads go on with
// their entries, and with room everything that was acknowledged is there.
func TestPostgresReadsOnWhileItsTablesAreFull(t *testing.T) {
	testkit.OnSmallDisk(t, 96<<20, func(t *testing.T, d *testkit.Disk) {
		url := onPostgres(t, d)
		f := &filling{Rig: rig.Open(t, rig.Config{Engine: store.Postgres})}
		ledgerApart(t, url)
		for range 3 {
			d.Fill(1 << 20)
			if status := f.fill(t); status != http.StatusServiceUnavailable {
				t.Errorf("without room: %d", status)
			}
			for range 300 {
				if status := f.read(t, f.kept[0]); status != http.StatusOK {
					t.Fatalf("read without room to write: %d", status)
				}
			}
			d.Free()
			f.whole(t)
		}
	})
}

// Everything of PostgreSQL lies on the disk that is full: nothing is answered without its entry, and PostgreSQL itself may end when its own
// log has no room. With room, and PostgreSQL started again, everything that was acknowledged is there.
func TestNothingIsLostWhenAllOfPostgresIsFull(t *testing.T) {
	testkit.OnSmallDisk(t, 160<<20, func(t *testing.T, d *testkit.Disk) {
		reachable(t, d)
		t.Setenv("TMPDIR", d.Dir)
		c := testkit.SharedCluster(t)
		f := &filling{Rig: rig.Open(t, rig.Config{Engine: store.Postgres, Dir: t.TempDir()})}
		for range 2 {
			d.Fill(1 << 20)
			if status := f.fill(t); status != http.StatusServiceUnavailable {
				t.Errorf("without room: %d", status)
			}
			for range 300 {
				if status := f.read(t, f.kept[0]); status != http.StatusOK && status != http.StatusServiceUnavailable {
					t.Fatalf("read without room to write: %d", status)
				}
			}
			d.Free()
			if err := errors.Join(c.Crash(), c.Start(t.Context())); err != nil {
				t.Fatal(err)
			}
			f.whole(t)
		}
	})
}
