package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/tutela-health/tutela/internal/testkit"
)

// system is a data directory and the process that serves it, while it runs.
type system struct {
	dir      string
	postgres string   // URL of its database; empty for SQLite
	log      string   // what every run of the server printed
	env      []string // what the server's environment has besides
	server   *process
	info     devInfo
}

// devInfo is what dev.json tells.
type devInfo struct {
	URL        string `json:"url"`
	FHIR       string `json:"fhir"`
	CA         string `json:"ca"`
	PID        int    `json:"pid"`
	Settled    bool   `json:"settled"`
	Identities map[string]struct {
		Username string `json:"username"`
		Password string `json:"password"`
		TOTP     string `json:"totp"`
		FHIRUser string `json:"fhirUser"`
		Patient  string `json:"patient"`
	} `json:"identities"`
}

// engines are the database engines on which every promise is held.
func engines() []string { return []string{"sqlite", "postgres"} }

// postgresFor gives the URL of an empty database; "" is the embedded SQLite.
func postgresFor(t testing.TB, engine string) string {
	t.Helper()
	if engine == "sqlite" {
		return ""
	}
	return testkit.Postgres(t)
}

// newSystem names a system that start will make. The log lies beside the directory.
func newSystem(t testing.TB, postgres string) *system {
	t.Helper()
	top := t.TempDir()
	return &system{dir: filepath.Join(top, "data"), log: filepath.Join(top, "server.log"), postgres: postgres}
}

// start serves the system, making it on first use, until it is stopped, killed or the test ends.
func (s *system) start(t testing.TB) {
	t.Helper()
	args := []string{"dev", "--data", s.dir, "--addr", "localhost:0", "--patients", "0"}
	if _, err := os.Stat(filepath.Join(s.dir, "tutela.yaml")); errors.Is(err, os.ErrNotExist) && s.postgres != "" {
		args = append(args, "--postgres", s.postgres)
	}
	cmd := exec.Command(tutelaPath(t), args...)
	cmd.Env = append(cmd.Environ(), s.env...)
	server := startProcess(t, cmd, s.log)
	s.server = server
	t.Cleanup(func() { server.kill(t) })
	if err := s.await(t.Context()); err != nil {
		t.Fatalf("%v: %s", err, s.lastLog())
	}
}

// startWithin bounds how long a system may take to make itself and be ready.
const startWithin = time.Minute

// await reads dev.json as soon as this run has written it: a killed run leaves its own behind.
func (s *system) await(ctx context.Context) error {
	return s.told(ctx, func(info devInfo) bool { return info.PID == s.server.cmd.Process.Pid })
}

// settle waits until the try-out identities have met as many patients as they will.
func (s *system) settle(t testing.TB) {
	t.Helper()
	if err := s.told(t.Context(), func(info devInfo) bool { return info.Settled }); err != nil {
		t.Fatalf("the try-out does not settle: %v: %s", err, s.lastLog())
	}
}

// told reads dev.json until it says what is waited for.
func (s *system) told(ctx context.Context, holds func(devInfo) bool) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		var info devInfo
		text, err := os.ReadFile(s.devFile())
		if err == nil && json.Unmarshal(text, &info) == nil && holds(info) {
			s.info = info
			return nil
		}
		select {
		case <-tick.C:
		case <-s.server.ended:
			return errors.Join(errors.New("the server ended while starting"), s.server.err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *system) devFile() string { return filepath.Join(s.dir, "dev.json") }

func (s *system) lastLog() []byte {
	text, err := os.ReadFile(s.log)
	if err != nil {
		return nil
	}
	return text[max(0, len(text)-4000):]
}

// stop ends the server cleanly.
func (s *system) stop(t testing.TB) {
	t.Helper()
	if err := s.server.stop(t); err != nil {
		t.Fatalf("stop: %v: %s", err, s.lastLog())
	}
	if _, err := os.Stat(s.devFile()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("dev.json is there after a clean stop: %v", err)
	}
}

// result is what a command printed and how it ended.
type result struct {
	code     int
	out, err string
}

// run runs a command on the system.
func (s *system) run(t testing.TB, args ...string) result {
	t.Helper()
	cmd := exec.Command(tutelaPath(t), append(args, "--data", s.dir)...)
	var out, errout bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errout
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errout.String()}
}

// clean runs a command that must end with 0 and gives what it printed.
func (s *system) clean(t testing.TB, args ...string) string {
	t.Helper()
	r := s.run(t, args...)
	if r.code != 0 {
		t.Fatalf("tutela %v: exit %d\n%s%s", args, r.code, r.out, r.err)
	}
	return r.out
}
