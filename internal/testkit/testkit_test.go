package testkit_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/tutela-health/tutela/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m, func() error { return goleak.Find() }) }

func TestEveryTestGetsAnEmptyDatabase(t *testing.T) {
	for range 2 {
		conn, err := pgx.Connect(t.Context(), testkit.Postgres(t))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), "CREATE TABLE t (a int)"); err != nil {
			t.Error(err)
		}
		if err := conn.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestCrashedClusterKeepsItsDataAndStoppedOneLeavesNothing(t *testing.T) {
	ctx := t.Context()
	c, err := testkit.StartCluster(ctx)
	if err != nil {
		t.Fatal(err)
	}
	url, err := c.CreateDatabase(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Crash(), c.Start(ctx)); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(conn.Close(ctx), c.Stop()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(c.Dir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("files are left: %v", err)
	}
	if _, err := pgx.Connect(ctx, url); err == nil {
		t.Error("a stopped server answers")
	}
}

func TestHaltedClusterKeepsItsFilesAndDumpsItsRows(t *testing.T) {
	ctx := t.Context()
	c, err := testkit.StartCluster(ctx)
	if err != nil {
		t.Fatal(err)
	}
	url, err := c.CreateDatabase(ctx)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.Exec(ctx, "CREATE TABLE t (a text); INSERT INTO t VALUES ('kept over a halt')")
	if err := errors.Join(err, conn.Close(ctx), c.Halt()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(c.Dir(), "data", "PG_VERSION")); err != nil {
		t.Error(err)
	}
	if err := c.Start(ctx); err != nil {
		t.Fatal(err)
	}
	dump, err := c.Dump(ctx, url)
	if err != nil || !bytes.Contains(dump, []byte("kept over a halt")) {
		t.Errorf("dump %q, %v", dump, err)
	}
	if err := c.Stop(); err != nil {
		t.Error(err)
	}
}
