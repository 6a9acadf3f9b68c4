package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/testkit"
)

// onDisk is a system's folder, and a check of it.
func onDisk(t *testing.T, id string, room func(string) (int64, int64, error)) (dir string, try func() tutela.Evidence) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	for _, name := range []string{"tutela.db", "keys/provider/1", "tls/server.key", "tls/server.pem"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("x"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	c := config{dir: dir, Key: keyTLS, Certificate: certificateTLS}
	return dir, func() tutela.Evidence {
		for _, check := range machineChecks(c, room) {
			if check.ID == id {
				return check.Try(t.Context())
			}
		}
		t.Fatalf("no check %s", id)
		return tutela.Evidence{}
	}
}

// A database, a key or a folder that others may open is found; the certificate is for everybody.
func TestFilesThatOthersMayOpenAreFound(t *testing.T) {
	const id = "protect.private-files"
	seen := testkit.Sabotage(t, id)
	dir, try := onDisk(t, id, nil)
	seen.Expect(try(), tutela.Pass, "by the service's account alone")
	for name, mode := range map[string]os.FileMode{"tutela.db": 0o640, "keys/provider/1": 0o604, "keys": 0o750, "tls/server.key": 0o644, ".": 0o755} {
		path := filepath.Join(dir, name)
		was, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		seen.Expect(try(), tutela.Fail, path)
		if err := os.Chmod(path, was.Mode()); err != nil {
			t.Fatal(err)
		}
		seen.Expect(try(), tutela.Pass)
	}
	if err := os.Chmod(filepath.Join(dir, "tls", "server.pem"), 0o644); err != nil { //nolint:gosec // as it may be
		t.Fatal(err)
	}
	seen.Expect(try(), tutela.Pass)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	seen.Expect(try(), tutela.CouldNotCheck, "no file")
}

func TestADiskThatFillsUpIsFound(t *testing.T) {
	const id = "watch.room-on-disk"
	seen := testkit.Sabotage(t, id)
	free, failed := int64(50<<30), error(nil)
	_, try := onDisk(t, id, func(string) (int64, int64, error) { return free, 100 << 30, failed })
	seen.Expect(try(), tutela.Pass, "50 %")
	free = 9 << 30
	seen.Expect(try(), tutela.Fail, "9 %", "make room")
	free = 11 << 30
	seen.Expect(try(), tutela.Pass)
	failed = errors.New("no such disk")
	seen.Expect(try(), tutela.CouldNotCheck, "no such disk")
}
