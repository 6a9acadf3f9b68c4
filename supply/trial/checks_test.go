package trial_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/gate"
	"github.com/tutela-health/tutela/supply/trial"
)

// tried runs one of the checks.
func tried(t *testing.T, c trial.Config, id string) tutela.Evidence {
	t.Helper()
	c.Clock = time.Now
	list := trial.Checks(c)
	i := slices.IndexFunc(list, func(c tutela.Check) bool { return c.ID == id })
	if i < 0 {
		t.Fatalf("no check %s", id)
	}
	return list[i].Try(t.Context())
}

// blind is a scanner that finds nothing, wild one that finds something in every file, and gone one that does not run.
func blind(context.Context, supply.Class, string) (*supply.Report, error) {
	return &supply.Report{}, nil
}

func wild(_ context.Context, class supply.Class, dir string) (*supply.Report, error) {
	tree, err := supply.OpenTree(dir)
	if err != nil {
		return nil, err
	}
	r := &supply.Report{}
	for _, f := range tree.Files {
		r.Findings = append(r.Findings, supply.Finding{Class: class, Place: supply.Place{Path: f.Path}, Severity: supply.High})
	}
	return r, tree.Close()
}

func gone(context.Context, supply.Class, string) (*supply.Report, error) {
	return nil, errors.New("no scanner")
}

// sabotage holds a check of a scanner to seeing that it is blind or wild.
func sabotage(t *testing.T, seen *testkit.Witness, id string) {
	t.Helper()
	seen.Expect(tried(t, trial.Config{}, id), tutela.Pass, "planted fault was found")
	seen.Expect(tried(t, trial.Config{Scan: blind}, id), tutela.Fail, "nothing was found in")
	seen.Expect(tried(t, trial.Config{}, id), tutela.Pass)
	seen.Expect(tried(t, trial.Config{Scan: wild}, id), tutela.Fail, "where nothing is")
	seen.Expect(tried(t, trial.Config{Scan: gone}, id), tutela.CouldNotCheck, "no scanner")
	seen.Expect(tried(t, trial.Config{}, id), tutela.Pass)
}

func TestAScannerOfSecretsThatIsBlindIsFound(t *testing.T) {
	sabotage(t, testkit.Sabotage(t, "build.secrets-found"), "build.secrets-found")
}

func TestAScannerOfSourceThatIsBlindIsFound(t *testing.T) {
	sabotage(t, testkit.Sabotage(t, "build.flaws-found"), "build.flaws-found")
}

func TestAScannerOfPipelinesThatIsBlindIsFound(t *testing.T) {
	sabotage(t, testkit.Sabotage(t, "build.pipelines-judged"), "build.pipelines-judged")
}

func TestAScannerOfInfrastructureThatIsBlindIsFound(t *testing.T) {
	sabotage(t, testkit.Sabotage(t, "build.infrastructure-judged"), "build.infrastructure-judged")
}

func TestAGateThatStandsOpenIsFound(t *testing.T) {
	const id = "build.gate-holds"
	seen := testkit.Sabotage(t, id)
	seen.Expect(tried(t, trial.Config{}, id), tutela.Pass, "was held back")
	always := func(passed bool) func(*supply.Report, time.Time) gate.Verdict {
		return func(*supply.Report, time.Time) gate.Verdict { return gate.Verdict{Passed: passed} }
	}
	seen.Expect(tried(t, trial.Config{Judge: always(true)}, id), tutela.Fail, "went through")
	seen.Expect(tried(t, trial.Config{Scan: blind}, id), tutela.Fail, "went through")
	seen.Expect(tried(t, trial.Config{}, id), tutela.Pass)
	seen.Expect(tried(t, trial.Config{Judge: always(false)}, id), tutela.Fail, "a sound tree was held back")
	seen.Expect(tried(t, trial.Config{Scan: gone}, id), tutela.CouldNotCheck, "no scanner")
	seen.Expect(tried(t, trial.Config{}, id), tutela.Pass)
}
