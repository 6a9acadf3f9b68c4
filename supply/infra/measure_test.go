package infra_test

import (
	"cmp"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/infra"
	"github.com/tutela-health/tutela/supply/pipeline"
)

// TestMeasureInfra measures the rules on samples that others marked ($TUTELA_IAC_SAMPLES: a folder such as assets/queries
// of KICS, whose every query has test/positive*, test/negative* and positive_expected_result.json), else on one of ours.
// A query counts as known when one of our rules tells its samples with the fault from those without; by that rule they are
// counted.
func TestMeasureInfra(t *testing.T) {
	root := cmp.Or(os.Getenv("TUTELA_IAC_SAMPLES"), filepath.Join("testdata", "marked"))
	whole := tally{}
	for _, kind := range []string{"dockerfile", "dockerCompose", "k8s", "terraform/aws", "cloudFormation/aws", "cicd/github"} {
		queries, err := filepath.Glob(filepath.Join(root, kind, "*", "test"))
		if err != nil {
			t.Fatal(err)
		}
		sum := tally{}
		for _, q := range queries {
			one := measured(t, kind, q)
			if one.known == 0 || one.wrong > 0 {
				t.Logf("%s/%s: %+v", kind, filepath.Base(filepath.Dir(q)), one)
			}
			sum.add(one)
		}
		whole.add(sum)
		t.Logf("%s: %d queries, %d known; samples with a fault %d, of known queries %d, found %d (%d on a marked line); samples without, of known queries %d, found %d",
			kind, sum.queries, sum.known, sum.places, sum.knownPlaces, sum.found, sum.exact, sum.knownRight, sum.wrong)
	}
	if whole.known == 0 || whole.right == 0 {
		t.Errorf("nothing was measured: %+v", whole)
	}
}

// tally is what was measured.
type tally struct{ queries, known, places, knownPlaces, found, exact, right, knownRight, wrong int }

func (s *tally) add(o tally) {
	s.queries, s.known, s.places, s.knownPlaces = s.queries+o.queries, s.known+o.known, s.places+o.places, s.knownPlaces+o.knownPlaces
	s.found, s.exact, s.right, s.knownRight, s.wrong = s.found+o.found, s.exact+o.exact, s.right+o.right, s.knownRight+o.knownRight, s.wrong+o.wrong
}

// measured looks at the samples of one query.
func measured(t *testing.T, kind, folder string) (sum tally) {
	t.Helper()
	var expected []struct {
		Line int    `json:"line"`
		File string `json:"fileName"`
	}
	text, err := os.ReadFile(filepath.Join(folder, "positive_expected_result.json"))
	if err == nil {
		err = json.Unmarshal(text, &expected)
	}
	if err != nil {
		t.Fatalf("%s: %v", folder, err)
	}
	for i := range expected {
		if only, _ := filepath.Glob(filepath.Join(folder, "positive.*")); expected[i].File == "" && len(only) == 1 {
			expected[i].File = filepath.Base(only[0])
		}
	}
	right, err := filepath.Glob(filepath.Join(folder, "negative*"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]int{}
	for _, e := range expected {
		files[e.File] = append(files[e.File], e.Line)
	}
	hits, alarms, exact := map[string]int{}, map[string]int{}, map[string]int{}
	for name, marked := range files {
		for rule, lines := range sample(t, kind, filepath.Join(folder, name)) {
			hits[rule]++
			if slices.ContainsFunc(lines, func(l int) bool { return slices.Contains(marked, l) }) {
				exact[rule]++
			}
		}
	}
	for _, name := range right {
		for rule := range sample(t, kind, name) {
			alarms[rule]++
		}
	}
	sum.queries, sum.places, sum.right = 1, len(files), len(right)
	best := ""
	for _, rule := range slices.Sorted(maps.Keys(hits)) {
		telling := hits[rule]*len(right)-alarms[rule]*len(files) > 0 && 2*alarms[rule] <= len(right)
		if telling && (best == "" || hits[rule]*len(right)-alarms[rule]*len(files) > hits[best]*len(right)-alarms[best]*len(files)) {
			best = rule
		}
	}
	if best != "" {
		sum.known, sum.knownPlaces, sum.found, sum.exact, sum.wrong, sum.knownRight = 1, len(files), hits[best], exact[best], alarms[best], len(right)
	}
	return sum
}

// sample scans one file by itself, under the name that its kind has, and gives the lines of each rule's findings.
func sample(t *testing.T, kind, file string) map[string][]int {
	t.Helper()
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
		return nil // it is named and not there, or a folder of several
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	name := map[string]string{"dockerfile": "Dockerfile", "dockerCompose": "docker-compose.yml", "cicd/github": ".github/workflows/a.yml"}[kind]
	dir := t.TempDir()
	at := filepath.Join(dir, cmp.Or(name, filepath.Base(file)))
	if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, text, 0o600); err != nil {
		t.Fatal(err)
	}
	tree, err := supply.OpenTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tree.Close() }()
	lines := map[string][]int{}
	r, err := supply.Scan{Files: []supply.FileScanner{pipeline.Scanner{}}, Trees: []supply.TreeScanner{infra.Scanner{}}, Clock: time.Now}.Run(t.Context(), tree)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Findings {
		for l := f.Place.Line; l <= max(f.Place.Line, f.Place.End); l++ {
			lines[f.Rule.ID] = append(lines[f.Rule.ID], l)
		}
	}
	return lines
}
