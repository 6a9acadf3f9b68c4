package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The process is killed at random moments of rotations of the generation key and of the index's, and of erasures.
// After each start what was begun is carried to its end: everybody else's records open, the erased stay shut, and the
// ledger verifies.
func TestKillDuringRotationsAndErasures(t *testing.T) {
	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, postgresFor(t, engine))
			s.start(t)
			loader := s.as(t, "loader")
			const patients = 6
			for i := range patients {
				loader.want(t, http.StatusCreated, http.MethodPut, fmt.Sprintf("/fhir/r4/Patient/k%d", i), fmt.Sprintf(`{"resourceType":"Patient","id":"k%d","name":[{"family":"Killed"}]}`, i))
			}
			for round := range patients - 1 {
				deed := [][]string{
					{"keys", "rotate"},
					{"patient", "erase", fmt.Sprint("k", round), "--reason", "a test", "--as", "privacy", "--approve-as", "admin"},
					{"keys", "rotate", "index"},
					{"patient", "erase", fmt.Sprint("k", round), "--reason", "a test", "--as", "privacy", "--approve-as", "admin"},
					{"patient", "erase", fmt.Sprint("k", round), "--reason", "a test", "--as", "privacy", "--approve-as", "admin"},
				}[round]
				done := make(chan result, 1)
				go func() { done <- s.run(t, deed...) }()
				<-time.After(time.Duration(300+rand.IntN(2500)) * time.Millisecond)
				s.server.kill(t)
				<-done
				s.start(t)
				loader = s.as(t, "loader")
				s.settled(t)
				for i := range patients {
					want := http.StatusOK
					if s.erased(t, i) {
						want = http.StatusNotFound
					}
					loader.want(t, want, http.MethodGet, fmt.Sprintf("/fhir/r4/Patient/k%d", i), "")
				}
			}
			s.clean(t, "audit", "verify", "--deep")
			s.stop(t)
			s.clean(t, "audit", "verify", "--deep")
		})
	}
}

// settled waits until no rotation and no approved erasure is under way.
func (s *system) settled(t *testing.T) {
	t.Helper()
	const underWay = `"state":"rewrapping" "state":"approved" "state":"redacted" "state":"shredded" "state":"reindexed" "state":"rewrapped" "building":true`
	for start := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		said := s.clean(t, "keys", "list", "--format", "json") + s.clean(t, "patient", "erase", "--list") + s.clean(t, "index", "state")
		rotating := strings.Contains(s.clean(t, "keys", "list"), "rewrapping")
		busy := func(state string) bool { return strings.Contains(said, state) }
		under := rotating
		for _, state := range strings.Fields(underWay) {
			under = under || busy(state)
		}
		if !under {
			return
		}
		if time.Since(start) > 3*time.Minute {
			t.Fatalf("still under way: %s", said)
		}
	}
}

// erased reports whether a patient has been: by whom an erasure that is done was of.
func (s *system) erased(t *testing.T, i int) bool {
	t.Helper()
	r := s.run(t, "patient", "hold", fmt.Sprint("k", i), "--reason", "a look")
	if r.code == 0 {
		s.clean(t, "patient", "hold", fmt.Sprint("k", i), "--lift")
		return false
	}
	return true
}
