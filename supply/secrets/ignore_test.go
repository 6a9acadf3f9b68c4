package secrets_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/secrets"
)

// What .gitleaksignore lists is excused by file, rule and line, for all commits or one; a rule that
// gitleaks does not have is excused by the place.
func TestListedFindingsAreExcused(t *testing.T) {
	dir := t.TempDir()
	text := "# old ones\na.go:github-pat:3\nb.go:github-pat:3\nc.yaml:generic-api-key:1\nabc123:d\\e.go:github-pat:3\nnonsense\n"
	if err := os.WriteFile(filepath.Join(dir, ".gitleaksignore"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	tree, err := supply.OpenTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tree.Close() }()
	ignores, err := secrets.ReadIgnores(tree)
	if err != nil {
		t.Fatal(err)
	}
	finding := func(path, rule string, line int, commit string) supply.Finding {
		return supply.Finding{Class: supply.Secrets, Rule: supply.Rule{ID: rule}, Place: supply.Place{Path: path, Line: line, Commit: commit}}
	}
	r := &supply.Report{Findings: []supply.Finding{
		finding("a.go", "secret.github-pat", 3, ""), finding("a.go", "secret.github-pat", 3, "fff"), finding("c.yaml", "secret.password", 1, ""), finding("d/e.go", "secret.github-pat", 3, "abc123"),
		finding("a.go", "secret.github-pat", 4, ""), finding("b.go", "secret.jwt", 3, ""), finding("d/e.go", "secret.github-pat", 3, "fff"), finding("d/e.go", "secret.github-pat", 3, ""),
	}}
	ignores.Excuse(r)
	var excused []bool
	for _, f := range r.Findings {
		excused = append(excused, f.Waiver != nil && f.Waiver.From == ".gitleaksignore" && f.Waiver.Expires.IsZero())
	}
	if d := cmp.Diff([]bool{true, true, true, true, false, false, false, false}, excused); d != "" {
		t.Errorf("excused (-want +got):\n%s", d)
	}
}
