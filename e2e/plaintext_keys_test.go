package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tutela-health/tutela/internal/testkit"
)

// While keys rotate, a patient is erased and the keyring moves to another provider, under load, nothing lies in plaintext: not when
// the process is killed in the middle of each, and not at the end.
func TestNothingLiesInPlaintextWhileKeysChange(t *testing.T) {
	onStoppable(t, holdsNoPlaintextWhileKeysChange)
}

func holdsNoPlaintextWhileKeysChange(t *testing.T, s *system, cluster *testkit.Cluster) {
	birds := &aviary{}
	s.start(t)
	loader := s.as(t, "loader")
	for i := range 3 { // those whom dev.json names, as the contract has it
		loader.want(t, http.StatusCreated, http.MethodPut, fmt.Sprintf("/fhir/r4/Patient/tryout%d", i), fmt.Sprintf(`{"resourceType":"Patient","id":"tryout%d"}`, i))
	}
	s.settle(t)
	to := filepath.Join(t.TempDir(), "to.yaml")
	must(t, os.WriteFile(to, fmt.Appendf(nil, "{provider: local, dir: %q}", filepath.Join(s.dir, "keys", "second")), 0o600))
	for i, deed := range [][]string{
		{"keys", "provider", "migrate", "--to", to},
		{"keys", "rotate"},
		{"keys", "rotate", "index"},
		{"patient", "erase", "%s", "--reason", "a test", "--as", "privacy", "--approve-as", "admin"},
	} {
		patient := birds.canary("Patient.id")
		loader.want(t, http.StatusCreated, http.MethodPut, "/fhir/r4/Patient/"+patient, fmt.Sprintf(`{"resourceType":"Patient","id":%q,"name":[{"family":%q}]}`, patient, birds.canary("family")))
		for n := range deed {
			deed[n] = strings.Replace(deed[n], "%s", patient, 1)
		}
		var load sync.WaitGroup
		ctx, stop := context.WithCancel(t.Context())
		half := make(chan struct{})
		value, query := birds.canary("written under load"), birds.canary("asked under load")
		load.Go(func() {
			begun := sync.OnceFunc(func() { close(half) })
			for n := 0; ctx.Err() == nil; n++ {
				id := fmt.Sprintf("load-%d-%d", i, n)
				_, err := loader.send(ctx, http.MethodPut, "/fhir/r4/Observation/"+id, fmt.Sprintf(
					`{"resourceType":"Observation","id":%q,"status":"final","code":{"text":%q},"subject":{"reference":"Patient/load"}}`, id, value))
				if err == nil {
					_, err = loader.send(ctx, http.MethodGet, "/fhir/r4/Patient?name="+query, "")
				}
				if n >= 10 || err != nil {
					begun()
				}
				if err != nil {
					return // the server was killed
				}
			}
		})
		done := make(chan result, 1)
		go func() { done <- s.run(t, deed...) }()
		<-half
		s.server.kill(t)
		stop()
		load.Wait()
		<-done
		s.noneRemains(t, cluster, birds.needles)
		s.start(t)
		s.moved(t)
		loader = s.as(t, "loader")
	}
	s.settled(t)
	s.stop(t)
	s.noneRemains(t, cluster, birds.needles)
	s.clean(t, "audit", "verify", "--deep")
}

// noneRemains sees that no needle lies in any file of a system that does not run.
func (s *system) noneRemains(t *testing.T, cluster *testkit.Cluster, needles []needle) {
	t.Helper()
	left, size := s.remains(t, cluster, needles)
	if len(left) > 0 || size == 0 {
		t.Errorf("plaintext lies in\n%s\nof %d bytes", strings.Join(lines(left), "\n"), size)
	}
}
