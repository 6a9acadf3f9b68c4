package testkit

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// diskEnv tells a test's own binary, started once more, that it is where disks may be mounted.
const diskEnv = "TUTELA_TEST_SMALL_DISK"

// Disk is a file system of a test's own, which it fills and empties.
type Disk struct {
	Dir string

	t       testing.TB
	mounted bool // else a limit on the size of files stands in for what is full
}

// OnSmallDisk runs f with a file system of so many bytes. The test goes on in a process of its own, in
// its own mount namespace: as root, or as anybody where user namespaces are allowed, as on Debian 12. Where neither is, the kernel
// bounds the size of files for that process in place of the disk, and the log says so. Call it first and only in a test, not in a subtest.
func OnSmallDisk(t *testing.T, size int64, f func(t *testing.T, d *Disk)) {
	t.Helper()
	if os.Getenv(diskEnv) == "" {
		apart(t)
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	d := &Disk{Dir: filepath.Join(t.TempDir(), "disk"), t: t}
	if err := os.Mkdir(d.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	err := syscall.Mount("tmpfs", d.Dir, "tmpfs", 0, fmt.Sprintf("size=%d", size))
	if d.mounted = err == nil; !d.mounted {
		t.Logf("no right to mount a disk here (%v): the size of files is bounded instead", err)
	}
	t.Cleanup(func() {
		if d.Free(); d.mounted {
			if err := syscall.Unmount(d.Dir, syscall.MNT_DETACH); err != nil {
				t.Error(err)
			}
		}
	})
	f(t, d)
}

// apart runs the test again, and is as it ends there.
func apart(t *testing.T) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread() // whose child it is, and ends with
	defer runtime.UnlockOSThread()
	run := func(attributes *syscall.SysProcAttr) ([]byte, error) {
		cmd := exec.CommandContext(t.Context(), exe, "-test.run", "^"+t.Name()+"$", "-test.v")
		cmd.Env, cmd.SysProcAttr = append(os.Environ(), diskEnv+"=1"), attributes
		attributes.Pdeathsig = syscall.SIGKILL
		return cmd.CombinedOutput()
	}
	namespaces := &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		namespaces.Cloneflags = syscall.CLONE_NEWUSER
		namespaces.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		namespaces.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	out, err := run(namespaces)
	if errors.Is(err, syscall.EPERM) {
		out, err = run(&syscall.SysProcAttr{})
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%s\n%v", out, err)
	}
}

// ballast is the file that takes the room.
const ballast = "ballast"

// Fill leaves so many bytes of room.
func (d *Disk) Fill(leave int64) {
	d.t.Helper()
	d.Free()
	if !d.mounted {
		d.limit(uint64(leave))
		return
	}
	var s syscall.Statfs_t
	if err := syscall.Statfs(d.Dir, &s); err != nil {
		d.t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(d.Dir, ballast))
	if err != nil {
		d.t.Fatal(err)
	}
	size := max(int64(s.Bavail)*s.Bsize-leave, 0)
	block := make([]byte, 1<<16)
	for size > 0 && err == nil {
		n := min(size, int64(len(block)))
		_, err = f.Write(block[:n])
		size -= n
	}
	if closed := f.Close(); err != nil && !errors.Is(err, syscall.ENOSPC) || closed != nil {
		d.t.Fatal(err, closed)
	}
}

// Free gives the room back.
func (d *Disk) Free() {
	d.t.Helper()
	if !d.mounted {
		d.limit(^uint64(0))
		return
	}
	if err := os.Remove(filepath.Join(d.Dir, ballast)); err != nil && !errors.Is(err, os.ErrNotExist) {
		d.t.Fatal(err)
	}
}

// limit has the kernel refuse to let files of this process grow beyond a size.
func (d *Disk) limit(size uint64) {
	d.t.Helper()
	var l syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l)
	if l.Cur = min(size, l.Max); err == nil {
		err = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l)
	}
	if err != nil {
		d.t.Fatal(err)
	}
}
