package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"
)

// plantedRule is about what nobody else does here.
const plantedRule = `title: Planted
id: e2e-planted
description: Something was planted.
level: low
logsource: {category: ehr_access}
detection: {s: {metadata.event_code: [create, update], databucket.name: Basic}, condition: s}
`

// BenchmarkEntryToFinding plants what is to be found while nine clients read and write as fast as they can, and measures
// how long it takes from the answer to the planted request until the findings show it: one an operation. The mark is
// two seconds for 99 of 100.
func BenchmarkEntryToFinding(b *testing.B) {
	for _, engine := range engines() {
		b.Run(engine, func(b *testing.B) {
			s := newSystem(b, postgresFor(b, engine))
			s.start(b)
			s.stop(b)
			s.watchBy(b, plantedRule)
			s.start(b)
			prepareSubjects(b, s)
			y := newTally(1)
			f := &traffic{client: s.as(b, "loader"), tally: y, failed: b.Errorf}
			ctx, cancel := context.WithCancel(b.Context())
			wait := f.start(ctx)
			took := s.plant(b, b.N)
			b.ReportMetric(float64(y.answers.Load())/b.Elapsed().Seconds(), "answers/s")
			cancel()
			wait()
			s.stop(b)
			slices.Sort(took)
			b.ReportMetric(took[len(took)/2].Seconds(), "s-p50")
			b.ReportMetric(took[len(took)*99/100].Seconds(), "s-p99")
		})
	}
}

// plant does what is to be found n times, and gives how long each took.
func (s *system) plant(b *testing.B, n int) (took []time.Duration) {
	loader, auditor := s.as(b, "loader"), s.as(b, "auditor")
	b.ResetTimer()
	for i := range n {
		loader.want(b, http.StatusCreated, http.MethodPut, fmt.Sprintf("/fhir/r4/Basic/planted-%d", i), fmt.Sprintf(`{"resourceType":"Basic","id":"planted-%d","code":{"text":"e2e"}}`, i))
		since := time.Now()
		for !s.sees(b, auditor, i+1) {
			time.Sleep(20 * time.Millisecond)
		}
		took = append(took, time.Since(since))
	}
	b.StopTimer()
	return took
}

// sees reports whether the finding has so many hits.
func (s *system) sees(b *testing.B, auditor *client, hits int) bool {
	var page struct{ Findings []suspicion }
	must(b, json.Unmarshal(auditor.want(b, http.StatusOK, http.MethodGet, "/api/v1/findings?rule=e2e-planted&limit=10", "").body, &page))
	return len(page.Findings) > 0 && page.Findings[0].Hits >= hits
}
