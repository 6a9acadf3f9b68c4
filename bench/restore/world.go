package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// world is a folder with a system, its backups, and what comes back of them.
type world struct {
	binary   string
	charts   string // Synthea's
	temp     string
	imported used // by all imports
}

// in is a path in the folder.
func (w *world) in(names ...string) string {
	return filepath.Join(append([]string{w.temp}, names...)...)
}

// used is what a command took.
type used struct {
	clock     time.Duration
	processor time.Duration // user and system
	memory    int64         // bytes of the resident set, at most
	load      string        // of the machine when it began: runnable processes over the last minute, five, fifteen
}

// plus is what two commands took, one after the other.
func (u used) plus(v used) used {
	if u.load == "" {
		u.load = v.load
	}
	u.clock, u.processor, u.memory = u.clock+v.clock, u.processor+v.processor, max(u.memory, v.memory)
	return u
}

// print tells what a step took.
func (w *world) print(name string, u used) {
	fmt.Printf("%-27s %6.1f s, %6.1f s of processors, %4d MiB at most (load %s)\n", name, u.clock.Seconds(), u.processor.Seconds(), u.memory>>20, u.load)
}

// step runs one command, and tells what it took and said last.
func (w *world) step(ctx context.Context, name string, args ...string) error {
	u, said, err := w.command(ctx, args...)
	w.print(name, u)
	lines := strings.Split(strings.TrimSpace(string(said)), "\n")
	fmt.Printf("    %s\n", lines[len(lines)-1])
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// command runs the binary to its end.
func (w *world) command(ctx context.Context, args ...string) (u used, said []byte, err error) {
	u.load = load()
	cmd := exec.CommandContext(ctx, w.binary, args...)
	cmd.Env = append(os.Environ(), "TMPDIR="+w.temp)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return u, out.Bytes(), fmt.Errorf("%w: %s", err, problems.Bytes())
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return u, out.Bytes(), errors.New("memory is not known here")
	}
	u.clock = time.Since(began)
	u.processor = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	u.memory = usage.Maxrss << 10
	return u, out.Bytes(), nil
}

// load is the machine's, as Linux tells it.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if fields := strings.Fields(string(text)); err == nil && len(fields) > 2 {
		return strings.Join(fields[:3], " ")
	}
	return "unknown"
}

// served is a system at work.
type served struct{ process *exec.Cmd }

// startWithin is how long a start may take.
const startWithin = time.Minute

// serve starts the system and waits until it answers.
func (w *world) serve(ctx context.Context) (*served, error) {
	ready := w.in("data", "dev.json")
	if err := os.Remove(ready); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	s := &served{exec.CommandContext(ctx, w.binary, "dev", "--data", w.in("data"), "--addr", "localhost:0", "--patients", "0")}
	s.process.Stderr = os.Stderr
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(startWithin); ; time.Sleep(50 * time.Millisecond) {
		text, err := os.ReadFile(ready)
		if err == nil && json.Valid(text) {
			return s, nil
		}
		if time.Now().After(deadline) {
			return nil, errors.Join(fmt.Errorf("tutela dev is not ready: %w", err), s.stop())
		}
	}
}

// stop ends it as an operator does.
func (s *served) stop() error {
	return errors.Join(s.process.Process.Signal(syscall.SIGTERM), s.process.Wait())
}

// create makes the system, empty.
func (w *world) create(ctx context.Context) error {
	s, err := w.serve(ctx)
	if err != nil {
		return err
	}
	return s.stop()
}
