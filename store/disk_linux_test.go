package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// A reserve and a disk for tests of full disks, in bytes.
const (
	smallReserve = 4 << 20
	smallDisk    = "size=16m"
)

func TestFullDiskStopsWritesAndKeepsReads(t *testing.T) {
	cmd := childCommand(t, "full", "sqlite:"+filepath.Join(t.TempDir(), "disk", "f.db"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	err := cmd.Run()
	if errors.Is(err, syscall.EPERM) || cmd.ProcessState.ExitCode() == noMount {
		t.Log("no right to mount a small disk here; the database's own page limit stands in for it")
		fullByPageLimit(t)
		return
	}
	must(t, err)
}

const noMount = 77

// fillDisk mounts a small disk, fills it with records and goes on reading.
func fillDisk(url string) error {
	dir := filepath.Dir(url[len("sqlite:"):])
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, smallDisk); err != nil {
		os.Exit(noMount)
	}
	ctx := context.Background()
	db, err := store.Open(ctx, store.Config{URL: url, Reserve: smallReserve, MinFree: -1})
	if err != nil {
		return err
	}
	if err := db.Migrate(ctx, testMigrations()); err != nil {
		return err
	}
	stamper := newChain()
	db.SetStamper(stamper)
	written, err := writeUntilFull(ctx, db)
	if err != nil {
		return err
	}
	if err := fillRest(dir); err != nil {
		return err
	}
	if err := readsGoOn(ctx, db, dir); err != nil {
		return err
	}
	if err := db.Commit(ctx, note(2, 1, "no room")); !errors.Is(err, store.ErrFull) {
		return fmt.Errorf("a record was written to the room kept for entries: %w", err)
	}
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT, "size=64m"); err != nil {
		return err
	}
	return recovered(ctx, db, dir, written)
}

// writeUntilFull returns how many records fitted.
func writeUntilFull(ctx context.Context, db *store.DB) (int64, error) {
	body := string(make([]byte, 64<<10))
	for i := int64(0); ; i++ {
		err := db.Commit(ctx, note(1, i, body))
		if err == nil {
			continue
		}
		if !errors.Is(err, store.ErrFull) || !errs.Is(err, errs.Unavailable) || i < 10 {
			return 0, fmt.Errorf("record %d: %w", i, err)
		}
		return i, nil
	}
}

// fillRest takes what is left of the disk but the reserve.
func fillRest(dir string) error {
	f, err := os.Create(filepath.Join(dir, "ballast"))
	if err != nil {
		return err
	}
	defer f.Close()
	block := make([]byte, 4096)
	for {
		if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// readsGoOn commits entries until the reserve had to be given up, and some more.
func readsGoOn(ctx context.Context, db *store.DB, dir string) error {
	for i := range 200 {
		op := store.Op{Entries: [][]byte{make([]byte, 200)}}
		if err := db.Commit(ctx, op); err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "reserve")); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("the reserve was not given up: %w", err)
	}
	return nil
}

// recovered checks that with room again records are written, the reserve is back and nothing was lost.
func recovered(ctx context.Context, db *store.DB, dir string, written int64) error {
	if err := db.Commit(ctx, note(2, 2, "room again")); err != nil {
		return fmt.Errorf("after making room: %w", err)
	}
	if info, err := os.Stat(filepath.Join(dir, "reserve")); err != nil || info.Size() != smallReserve {
		return fmt.Errorf("the reserve is not back: %w", err)
	}
	var n int64
	if _, err := db.QueryRow(ctx, "SELECT count(*) FROM notes WHERE author = 1", nil, &n); err != nil || n != written {
		return fmt.Errorf("records: %d, want %d: %w", n, written, err)
	}
	return db.Close()
}

// fullByPageLimit meets SQLITE_FULL without a full disk.
func fullByPageLimit(t *testing.T) {
	t.Helper()
	db := openTest(t, "sqlite:"+filepath.Join(t.TempDir(), "p.db"))
	limit := func(pages string) {
		must(t, db.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), "PRAGMA max_page_count = "+pages)
			return err
		}))
	}
	limit("100")
	written, err := writeUntilFull(t.Context(), db)
	must(t, err)
	limit("1000000")
	must(t, db.Commit(t.Context(), note(2, 1, "room again")))
	if n := count(t, db, "notes"); int64(n) != written+1 {
		t.Errorf("notes: %d, want %d", n, written+1)
	}
}

func TestFullDatabaseLosesNothingAndGoesOn(t *testing.T) { fullByPageLimit(t) }

func TestWriteErrorLosesNothingAndGoesOn(t *testing.T) {
	must(t, childCommand(t, "limit", "sqlite:"+filepath.Join(t.TempDir(), "l.db")).Run())
}

// outgrowLimit has the kernel refuse writes beyond a file size, so that SQLite meets an I/O error.
func outgrowLimit(url string) error {
	signal.Ignore(syscall.SIGXFSZ)
	ctx := context.Background()
	db, err := store.Open(ctx, store.Config{URL: url, Reserve: -1})
	if err != nil {
		return err
	}
	if err := db.Migrate(ctx, testMigrations()); err != nil {
		return err
	}
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		return err
	}
	low := old
	low.Cur = 2 << 20
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &low); err != nil {
		return err
	}
	body := string(make([]byte, 64<<10))
	written := int64(0)
	for ; err == nil && written < 1000; written++ {
		err = db.Commit(ctx, note(1, written, body))
	}
	if written--; !errs.Is(err, errs.Unavailable) {
		return fmt.Errorf("beyond the limit: %w", err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		return err
	}
	if err := db.Commit(ctx, note(2, 1, "goes on")); err != nil {
		return fmt.Errorf("after the limit was lifted: %w", err)
	}
	var n int64
	if _, err := db.QueryRow(ctx, "SELECT count(*) FROM notes WHERE author = 1", nil, &n); err != nil || n != written {
		return fmt.Errorf("records: %d, want %d: %w", n, written, err)
	}
	return db.Close()
}
