package main

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestAServersMemoryIsNotDumped: what a process says of itself once it is hardened. It is one of its
// own, since there is no way back.
func TestAServersMemoryIsNotDumped(t *testing.T) {
	if os.Getenv("TUTELA_HARDEN") != "" {
		hardened(t)
		return
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAServersMemoryIsNotDumped$", "-test.v")
	child.Env = append(os.Environ(), "TUTELA_HARDEN=1")
	if said, err := child.CombinedOutput(); err != nil || !strings.Contains(string(said), "--- PASS") {
		t.Errorf("%v\n%s", err, said)
	}
}

func hardened(t *testing.T) {
	failed := hardenMemory()
	dumpable, _, no := syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_GET_DUMPABLE, 0, 0)
	if no != 0 || dumpable != 0 {
		t.Errorf("dumpable is %d (%v)", dumpable, no)
	}
	var core syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &core); err != nil || core.Max != 0 {
		t.Errorf("core dumps of up to %d bytes (%v)", core.Max, err)
	}
	switch locked := lockedKB(t); {
	case mayLock() && (failed != nil || locked == 0):
		t.Errorf("%d kB are locked (%v)", locked, failed)
	case !mayLock() && (failed == nil || !strings.Contains(failed.Error(), "LimitMEMLOCK")):
		t.Errorf("may not lock, and says %v", failed)
	}
	grown := make([]byte, 64<<20) // memory that comes later
	for i := range grown {
		grown[i] = 1
	}
	if mayLock() && lockedKB(t) < 64<<10 {
		t.Errorf("of 64 MiB that came later %d kB are locked", lockedKB(t))
	}
}

func lockedKB(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmLck:"); ok {
			n, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("the kernel does not say how much is locked")
	return 0
}
