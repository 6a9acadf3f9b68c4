package testkit_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/tutela-health/tutela/internal/testkit"
)

// A small disk is full when it was filled, and takes files again when it was freed.
func TestSmallDiskFillsAndFrees(t *testing.T) {
	testkit.OnSmallDisk(t, 1<<20, func(t *testing.T, d *testkit.Disk) {
		write := func(size int) error { return os.WriteFile(filepath.Join(d.Dir, "f"), make([]byte, size), 0o600) }
		if err := write(1 << 19); err != nil {
			t.Fatal(err)
		}
		d.Fill(64 << 10)
		err := os.WriteFile(filepath.Join(d.Dir, "g"), make([]byte, 1<<18), 0o600)
		if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EFBIG) {
			t.Errorf("a full disk takes a file: %v", err)
		}
		d.Free()
		if err := write(1 << 18); err != nil {
			t.Error(err)
		}
	})
}
