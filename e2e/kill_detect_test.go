package e2e_test

import (
	"cmp"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/testkit"
)

// ownRules are rules of the house: one is found at every read of a patient's record, and one remembers from one event to the
// next, so that what detection loses or sees twice shows in the counts of both.
const ownRules = `title: Read
id: e2e-read
name: e2e_read
description: A record was read.
level: low
logsource: {category: ehr_access}
detection: {s: {metadata.event_code: [read, history-instance]}, condition: s}
tutela: {group: [resources.uid]}
---
title: Seven writes
id: e2e-seven
description: Seven times something was written.
level: medium
correlation: {type: event_count, rules: [e2e_write], group-by: [actor.user.uid, resources.uid], timespan: 30d, condition: {gte: 7}}
---
title: Written
id: e2e-write
name: e2e_write
description: Something was written.
level: informational
logsource: {category: ehr_access}
detection: {s: {metadata.event_code: [create, update, delete]}, condition: s}
tutela: {group: [resources.uid]}
`

// The process is killed while it detects, again and again: what is found in the end is what one run finds that is never
// interrupted over the same ledger, nothing is missing, nothing is counted twice, and each finding is told once.
func TestKilledDetectionLosesAndRepeatsNothing(t *testing.T) {
	onStoppable(t, func(t *testing.T, s *system, _ *testkit.Cluster) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		dice := rand.New(rand.NewPCG(seed, 0))
		s.start(t)
		s.stop(t)
		s.watchBy(t, ownRules) // before anything happens that they are about
		s.start(t)
		prepareSubjects(t, s)
		for round := range max(rounds(t)/2, 3) {
			f := &traffic{client: s.as(t, "loader"), tally: newTally(1), round: round, failed: t.Errorf}
			wait := f.start(t.Context())
			s.hasFound(t, 1+dice.IntN(80))
			if dice.IntN(4) == 0 {
				s.stop(t) // what detection remembers is written
			} else {
				s.server.kill(t)
			}
			wait()
			s.start(t)
		}
		killed := s.found(t)
		s.toldOnce(t, killed)
		s.stop(t)
		s.forgetDetection(t)
		s.start(t)
		if d := diff.Diff(s.found(t), killed); d != "" {
			t.Errorf("(-never interrupted, +killed):\n%s", d)
		}
		hits := map[string]int{}
		for _, f := range killed {
			hits[f.Rule] += f.Hits
		}
		t.Logf("%d findings, hits %v", len(killed), hits)
		if hits["e2e-read"] == 0 || hits["e2e-seven"] == 0 {
			t.Error("too little happened to tell anything")
		}
		s.stop(t)
	})
}

// watchBy lets a stopped system watch by further rules.
func (s *system) watchBy(t testing.TB, text string) {
	t.Helper()
	must(t, os.Mkdir(filepath.Join(s.dir, "rules"), 0o700))
	must(t, os.WriteFile(filepath.Join(s.dir, "rules", "e2e.yml"), []byte(text), 0o600))
	file := filepath.Join(s.dir, "tutela.yaml")
	conf, err := os.ReadFile(file)
	must(t, err)
	must(t, os.WriteFile(file, append(conf, "detect: {rules: rules}\n"...), 0o600))
}

// suspicion is a finding, without what depends on when it was worked out.
type suspicion struct {
	ID, Rule, Level, Actor, Group string
	Risk, Hits, Shown, Touched    int
	First, Last                   time.Time
	Patients, Entries, Reasons    []string
}

// found gives the findings about what the loader did, once detection has seen all of it.
func (s *system) found(t *testing.T) (list []suspicion) {
	t.Helper()
	s.caughtUp(t)
	auditor := s.as(t, "auditor")
	for after := ""; ; {
		var page struct {
			Findings []suspicion
			Next     string
		}
		must(t, json.Unmarshal(auditor.want(t, http.StatusOK, http.MethodGet, "/api/v1/findings?limit=100&after="+after, "").body, &page))
		for _, f := range page.Findings {
			if strings.HasPrefix(f.Rule, "e2e-") {
				list = append(list, f)
			}
		}
		if after = page.Next; after == "" {
			break
		}
	}
	slices.SortFunc(list, func(a, b suspicion) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// The series of /metrics that tests wait for.
const (
	seriesHits    = "tutela_detection_hits_total"
	seriesWaiting = `tutela_detection_waiting{stream="ledger"}`
	seriesPending = "tutela_ledger_pending_batches"
)

// hasFound waits until this run of the server has taken offence so often: a killed node's lease runs for a while yet, and
// detection must be in the middle of its work.
func (s *system) hasFound(t *testing.T, hits int) {
	t.Helper()
	s.untilMetrics(t, 1, func(m map[string]float64) bool { return m[seriesHits] >= float64(hits) })
}

// caughtUp waits until detection has looked at all of the ledger: what it writes itself comes behind what it has seen.
func (s *system) caughtUp(t *testing.T) {
	t.Helper()
	s.untilMetrics(t, 3, func(m map[string]float64) bool {
		waiting, works := m[seriesWaiting]
		return works && waiting == 0 && m[seriesPending] == 0
	})
}

// untilMetrics waits until what the server says of itself is as it should be, so many looks in a row.
func (s *system) untilMetrics(t *testing.T, looks int, holds func(map[string]float64) bool) {
	t.Helper()
	nobody := s.as(t, "")
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for still := 0; still < looks; {
		m := map[string]float64{}
		for line := range strings.Lines(string(nobody.want(t, http.StatusOK, http.MethodGet, "/metrics", "").body)) {
			if name, value, ok := strings.Cut(strings.TrimSpace(line), "} "); ok {
				m[name+"}"], _ = strconv.ParseFloat(value, 64)
			} else if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
				m[name], _ = strconv.ParseFloat(value, 64)
			}
		}
		if still++; !holds(m) {
			still = 0
		}
		select {
		case <-tick.C:
		case <-s.server.ended:
			t.Fatalf("the server ended: %s", s.lastLog())
		case <-t.Context().Done():
			t.Fatal("detection does not get there")
		}
	}
}

// toldOnce holds that the ledger tells of each finding once.
func (s *system) toldOnce(t *testing.T, list []suspicion) {
	t.Helper()
	text := s.clean(t, "audit", "search", "--action", "finding.open", "--format", "json", "--limit", "10000", "--as", "auditor")
	for _, f := range list {
		if n := strings.Count(text, `"id":"`+f.ID+`"`); n != 1 {
			t.Errorf("finding %s of %s is told %d times", f.ID, f.Rule, n)
		}
	}
}

// forgetDetection takes away what detection found and how far it came, so that it begins anew.
func (s *system) forgetDetection(t *testing.T) {
	t.Helper()
	d := s.behind(t)
	for _, table := range []string{"detect_state", "detect_memory", "detect_findings"} {
		_, err := d.db.ExecContext(t.Context(), "DELETE FROM "+table)
		must(t, err)
	}
}
