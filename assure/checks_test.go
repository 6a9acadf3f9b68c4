package assure_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure"
	"github.com/tutela-health/tutela/internal/testkit"
)

// A schedule that stands still is found: whether it once ran, or never began.
func TestEvidenceThatRunsOutIsFound(t *testing.T) {
	seen := testkit.Sabotage(t, "govern.evidence-fresh")
	var clock testkit.Clock
	began := clock.Now()
	newest, failed := map[string]tutela.Evidence{}, error(nil)
	w := assure.Watch{
		Checks: func() []tutela.Check {
			return []tutela.Check{{ID: "an.hourly", Fresh: time.Hour}, {ID: "a.daily", Fresh: 24 * time.Hour}}
		},
		Newest: func(context.Context) (map[string]tutela.Evidence, error) { return newest, failed },
		Clock:  clock.Now, Since: began,
	}
	try := func() tutela.Evidence { return w.Check().Try(t.Context()) }
	seen.Expect(try(), tutela.Pass, "2 checks")
	clock.Advance(4 * time.Hour)
	seen.Expect(try(), tutela.Fail, "1 of 2", "an.hourly")
	newest["an.hourly"] = tutela.Evidence{Check: "an.hourly", Expires: clock.Now().Add(time.Hour)}
	seen.Expect(try(), tutela.Pass)
	clock.Advance(23 * time.Hour)
	seen.Expect(try(), tutela.Fail, "2 of 2", "a.daily, an.hourly")
	failed = errors.New("the ledger is gone")
	seen.Expect(try(), tutela.CouldNotCheck, "the ledger is gone")
	failed = nil
	for _, id := range []string{"an.hourly", "a.daily"} {
		newest[id] = tutela.Evidence{Check: id, Expires: clock.Now().Add(time.Hour)}
	}
	seen.Expect(try(), tutela.Pass)
}
