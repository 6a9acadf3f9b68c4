package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
)

// repository is the module's root, from here.
const repository = "../.."

// broughtBy gives the checks of a new try-out system, as an assessment runs them.
func broughtBy(t *testing.T) []tutela.Check {
	t.Helper()
	c := config{
		Tenant: "checks", Origin: "checks.test/ledger", Node: "node-1", Hosts: []string{"checks.test"}, Listen: "127.0.0.1:0", URL: "https://checks.test",
		Certificate: certificateTLS, Key: keyTLS, Keys: localKeys("keys/provider"), TryOut: true, dir: filepath.Join(t.TempDir(), "data"),
	}
	if err := makeSystem(t.Context(), c, ""); err != nil {
		t.Fatal(err)
	}
	c, err := readConfig(filepath.Join(c.dir, configFile))
	if err != nil {
		t.Fatal(err)
	}
	s, err := openSystem(t.Context(), c, "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	srv, err := s.assemble(nil)
	if err != nil {
		t.Fatal(err)
	}
	list := s.planeChecks
	if err := srv.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := s.close(t.Context()); err != nil {
		t.Error(err)
	}
	return list
}

// Each check has a test with a witness, which is not content before it saw the check fail and then pass: a check that
// cannot fail does not get in. And no witness speaks of a check that is not run.
func TestEveryCheckIsSabotagedByATest(t *testing.T) {
	witnessed := witnesses(t)
	seen := map[string]bool{}
	for _, c := range broughtBy(t) {
		if seen[c.ID] {
			t.Errorf("two checks are called %s", c.ID)
		}
		seen[c.ID] = true
		if len(witnessed[c.ID]) == 0 {
			t.Errorf(`%s has no sabotage: a test that begins testkit.Sabotage(t, %q), breaks what it guards, and heals it`, c.ID, c.ID)
		}
	}
	for id, tests := range witnessed {
		if !seen[id] {
			t.Errorf("%v sabotage %s, which no system runs", tests, id)
		}
	}
}

// Each says what it is about in the catalogue's words: a requirement of ours, and sections of regulations.
func TestEveryCheckNamesARequirement(t *testing.T) {
	for _, c := range broughtBy(t) {
		if !slices.ContainsFunc(c.Controls, ours) || c.Title == "" || c.Fresh <= 0 || c.Try == nil {
			t.Errorf("incomplete: %s %q %v", c.ID, c.Title, c.Controls)
		}
	}
}

// The table of docs/checks.md is the checks, each in a row.
func TestDocumentedChecksAreTheChecks(t *testing.T) {
	want := map[string]string{}
	for _, c := range broughtBy(t) {
		want[c.ID] = fmt.Sprintf("| `%s` | %s | %s | %.0f h |", c.ID, c.Title, strings.Join(c.Controls, ", "), c.Fresh.Hours())
	}
	text, err := os.ReadFile(filepath.Join(repository, "docs", "checks.md"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if rest, row := strings.CutPrefix(line, "| `"); row {
			id, _, _ := strings.Cut(rest, "`")
			got[id] = strings.TrimSpace(line)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("docs/checks.md (-the checks +the table):\n%s", d)
	}
}

// ours tells the requirements of the product, such as P02.
func ours(control string) bool {
	return len(control) == 3 && strings.ContainsRune("PWBGS", rune(control[0])) && strings.Trim(control[1:], "0123456789") == ""
}

// witnesses finds which tests call testkit.Sabotage, by the check that they name. The source is read, so that a word in
// a comment is none, and neither is a helper that no test calls: only test functions count.
func witnesses(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(repository, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") || strings.Contains(path, "testdata") || filepath.Base(path) == "witness_test.go" {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				for _, id := range sabotaged(f) {
					found[id] = append(found[id], f.Name.Name)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// sabotaged lists the checks for which a test function calls a witness, by a literal or by a constant of its own.
func sabotaged(f *ast.FuncDecl) (ids []string) {
	constants := map[string]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ValueSpec:
			for i, v := range n.Values {
				if text, ok := literal(v, nil); ok && i < len(n.Names) {
					constants[n.Names[i].Name] = text
				}
			}
		case *ast.CallExpr:
			called, ok := n.Fun.(*ast.SelectorExpr)
			if !ok || called.Sel.Name != "Sabotage" || len(n.Args) != 2 {
				break
			}
			if of, ok := called.X.(*ast.Ident); ok && of.Name == "testkit" {
				if id, ok := literal(n.Args[1], constants); ok {
					ids = append(ids, id)
				}
			}
		}
		return true
	})
	return ids
}

// literal is the text of a string that is written out.
func literal(e ast.Expr, constants map[string]string) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == token.STRING
	case *ast.Ident:
		text, ok := constants[e.Name]
		return text, ok
	}
	return "", false
}
