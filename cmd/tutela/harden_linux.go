package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// mlockall's flags (mlockall(2)); syscall has no name for the last.
const onFault = 4

// hardenMemory keeps opened keys out of core dumps, of other processes' sight, and of swap. The error says
// what could not be had. Memory is locked only where that has no limit: under one, a process that
// grows would be ended by it.
func hardenMemory() error {
	var none syscall.Rlimit
	err := syscall.Setrlimit(syscall.RLIMIT_CORE, &none)
	if _, _, no := syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_DUMPABLE, 0, 0); no != 0 {
		err = errors.Join(err, fmt.Errorf("switch dumps off: %w", no))
	}
	if !mayLock() {
		return errors.Join(err, errors.New("memory may be swapped out, keys among it: allow locking it (LimitMEMLOCK=infinity in systemd, ulimit -l unlimited), or switch swap off"))
	}
	if no := syscall.Mlockall(syscall.MCL_CURRENT | syscall.MCL_FUTURE | onFault); no != nil {
		err = errors.Join(err, fmt.Errorf("lock memory: %w", no))
	}
	return err
}

// mayLock reports whether this process may lock memory without limit.
func mayLock() bool {
	var limit syscall.Rlimit
	const memlock, unlimited = 8, ^uint64(0)
	if syscall.Getrlimit(memlock, &limit) == nil && limit.Cur == unlimited {
		return true
	}
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false
	}
	const lockCapability = 14 // CAP_IPC_LOCK, capabilities(7)
	for line := range strings.Lines(string(text)) {
		if mask, ok := strings.CutPrefix(line, "CapEff:"); ok {
			n, err := strconv.ParseUint(strings.TrimSpace(mask), 16, 64)
			return err == nil && n>>lockCapability&1 == 1
		}
	}
	return false
}
