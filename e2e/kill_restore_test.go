package e2e_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela/internal/testkit"
)

// stay writes patients who are to stay whatever is killed.
func (s *system) stay(t *testing.T, from, to int) {
	t.Helper()
	loader := s.as(t, "loader")
	for i := from; i < to; i++ {
		loader.want(t, http.StatusCreated, http.MethodPut, fmt.Sprintf("/fhir/r4/Patient/s%d", i), fmt.Sprintf(`{"resourceType":"Patient","id":"s%d","name":[{"family":"Stays"}]}`, i))
	}
}

// stayed reads them.
func (s *system) stayed(t *testing.T, n int) {
	t.Helper()
	loader := s.as(t, "loader")
	for i := range n {
		loader.want(t, http.StatusOK, http.MethodGet, fmt.Sprintf("/fhir/r4/Patient/s%d", i), "")
	}
}

// A restore is killed at random moments, into nothing and over a system: in the place there is nothing, what was there, or
// what was restored, whole each time; the next one succeeds, and takes away what was half built.
func TestKillDuringRestores(t *testing.T) {
	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, postgresFor(t, engine))
			s.start(t)
			const patients = 30
			s.stay(t, 0, patients)
			copies := filepath.Join(t.TempDir(), "copies")
			s.clean(t, "backup", "create", "--to", copies)
			s.stop(t)
			args := []string{"backup", "restore", "--from", copies, "--keys", filepath.Join(s.dir, "keys"), "--force"}
			if engine == "postgres" {
				args = append(args, "--postgres", testkit.Postgres(t))
			}
			into := &system{dir: filepath.Join(t.TempDir(), "restored"), log: s.log}
			began := time.Now()
			into.clean(t, args...)
			whole := time.Since(began)
			must(t, os.RemoveAll(into.dir))
			for range 6 {
				p := startProcess(t, exec.Command(tutelaPath(t), append(args, "--data", into.dir)...), s.log)
				select {
				case <-time.After(rand.N(whole)):
				case <-p.ended:
				}
				p.kill(t)
				if _, err := os.Stat(into.dir); !errors.Is(err, os.ErrNotExist) {
					into.clean(t, "audit", "verify", "--deep")
				}
			}
			into.clean(t, args...)
			left, err := filepath.Glob(into.dir + ".restoring-*")
			must(t, err)
			for _, dir := range left { // killed between the last two steps, where it might be the only one of its kind
				if _, err := os.Stat(filepath.Join(dir, "tutela.yaml")); err != nil {
					t.Errorf("left behind: %s: %v", dir, err)
				}
			}
			into.start(t)
			into.stayed(t, patients)
			into.stop(t)
			into.clean(t, "audit", "verify", "--deep")
		})
	}
}

// The server is killed at random moments while keys move from one provider to another and back, under load: it starts each
// time, everything opens, and the move goes on.
func TestKillDuringProviderMigrations(t *testing.T) {
	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, postgresFor(t, engine))
			s.start(t)
			s.stay(t, 0, 5)
			for round := range 5 {
				to := filepath.Join(t.TempDir(), "to.yaml")
				must(t, os.WriteFile(to, fmt.Appendf(nil, "{provider: local, dir: %q}", filepath.Join(s.dir, "keys", fmt.Sprint("at-", round))), 0o600))
				done := make(chan result, 1)
				go func() { done <- s.run(t, "keys", "provider", "migrate", "--to", to) }()
				<-time.After(time.Duration(100+rand.IntN(900)) * time.Millisecond)
				s.server.kill(t)
				<-done
				s.start(t)
				s.stayed(t, 5+round)
				s.stay(t, 5+round, 6+round)
				s.moved(t)
				s.clean(t, "audit", "verify", "--deep")
			}
			s.stop(t)
			s.clean(t, "audit", "verify", "--deep")
		})
	}
}

// moved ends a move that was broken off, if one was.
func (s *system) moved(t *testing.T) {
	t.Helper()
	if r := s.run(t, "keys", "provider", "migrate"); r.code != 0 && !strings.Contains(r.err, "names no provider") {
		t.Errorf("the move does not go on: %d %s%s", r.code, r.out, r.err)
	}
}
