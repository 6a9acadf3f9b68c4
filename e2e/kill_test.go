package e2e_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/tutela-health/tutela/internal/testkit"
)

// roundsEnv sets how often the process is killed on each engine.
const (
	roundsEnv     = "TUTELA_ROUNDS"
	defaultRounds = 12
)

func rounds(t *testing.T) int {
	t.Helper()
	text := os.Getenv(roundsEnv)
	if text == "" {
		return defaultRounds
	}
	n, err := strconv.Atoi(text)
	must(t, err)
	return n
}

// The process is killed while clients read and write, again and again, and on PostgreSQL in some
// rounds the database with it, before it or instead of it. Whatever a client was told is there
// afterwards, with its entry; a transaction is there whole or not at all; the ledger verifies.
func TestKillLosesNothingThatWasAnswered(t *testing.T) {
	onStoppable(t, killRounds)
}

func killRounds(t *testing.T, s *system, cluster *testkit.Cluster) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	s.start(t)
	prepareSubjects(t, s)
	answers := int64(0)
	for round := range rounds(t) {
		since := time.Now()
		y := newTally(1 + dice.Int64N(400))
		f := &traffic{client: s.as(t, "loader"), tally: y, round: round, failed: t.Errorf}
		wait := f.start(t.Context())
		s.awaitFull(t, y)
		s.strike(t, cluster, dice.IntN(6), y)
		wait()
		s.clean(t, "audit", "verify", "--deep")
		s.start(t)
		k := &reckoning{s.as(t, "loader"), s.as(t, "auditor"), since, t.Errorf}
		k.tally(t, y)
		if answers += y.answers.Load(); t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
	s.stop(t)
	s.clean(t, "audit", "verify", "--deep")
	t.Logf("%d answers over %d rounds", answers, rounds(t))
}

// prepareSubjects makes the patients, and waits until the try-out has put its clinicians into their
// care teams: what it writes is not what a test looks for.
func prepareSubjects(t testing.TB, s *system) {
	t.Helper()
	loader := s.as(t, "loader")
	for i := range subjects {
		id := fmt.Sprintf("subject-%d", i)
		loader.want(t, http.StatusCreated, http.MethodPut, "/fhir/r4/Patient/"+id, fmt.Sprintf(`{"resourceType":"Patient","id":%q}`, id))
	}
	s.settle(t)
}

// awaitFull waits for as many answers as the round asks for.
func (s *system) awaitFull(t *testing.T, y *tally) {
	t.Helper()
	select {
	case <-y.full:
	case <-s.server.ended:
		t.Fatalf("the server ended by itself: %s", s.lastLog())
	}
}

// strike kills the process, and on PostgreSQL in half of the rounds the database too: both at once,
// or the database alone first, which the process must survive.
func (s *system) strike(t *testing.T, cluster *testkit.Cluster, kind int, y *tally) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	switch {
	case cluster == nil || kind > 2:
		s.server.kill(t)
	case kind == 0:
		must(t, cluster.Crash())
		s.server.kill(t)
		must(t, cluster.Start(ctx))
	default:
		must(t, cluster.Crash())
		must(t, cluster.Start(ctx))
		s.awaitMore(t, y)
		s.server.kill(t)
	}
}

// awaitMore waits for the server to answer again.
func (s *system) awaitMore(t *testing.T, y *tally) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for before := y.answers.Load(); y.answers.Load() < before+20; {
		select {
		case <-tick.C:
		case <-s.server.ended:
			t.Fatalf("the server ended when its database did: %s", s.lastLog())
		case <-t.Context().Done():
			t.Fatal("the server does not answer since its database was back")
		}
	}
}
