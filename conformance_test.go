package tutela_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// namedTest finds tests as documents name them: `package TestName`, the package by its folder.
func namedTest() *regexp.Regexp {
	return regexp.MustCompile("`([a-z0-9./]+) ((?:Test|Fuzz)[A-Za-z0-9]+)`")
}

// TestDocumentsNameTestsThatExist holds what documents say of tests to the tests.
func TestDocumentsNameTestsThatExist(t *testing.T) {
	declared := map[string]map[string]bool{}
	for path, least := range map[string]int{"docs/conformance.md": 60, "docs/threat-model.md": 20} {
		text := read(t, path)
		named := namedTest().FindAllStringSubmatch(text, -1)
		if len(named) < least {
			t.Errorf("%s names only %d tests", path, len(named))
		}
		for _, n := range named {
			folder, name := n[1], n[2]
			if declared[folder] == nil {
				declared[folder] = testsIn(t, folder)
			}
			if !declared[folder][name] {
				t.Errorf("%s names %s of %s, which is not there", path, name, folder)
			}
		}
	}
}

// TestEveryAssertionHasATestOrAReason reads the tables of the conformance checklist.
func TestEveryAssertionHasATestOrAReason(t *testing.T) {
	rows := 0
	for line := range strings.Lines(read(t, "docs/conformance.md")) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| assertion ") {
			continue
		}
		rows++
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if len(cells) != 3 {
			t.Errorf("a row of %d cells: %s", len(cells), line)
			continue
		}
		held := strings.TrimSpace(cells[2])
		_, reason, unmet := strings.Cut(held, ": ")
		unmet = unmet && (strings.HasPrefix(held, "Not met: ") || strings.HasPrefix(held, "Not offered: ")) && reason != ""
		if tested := namedTest().MatchString(held); tested == unmet {
			t.Errorf("neither a test nor a reason, or both: %s", line)
		}
	}
	if rows < 50 {
		t.Errorf("only %d rows were read", rows)
	}
}

// testsIn lists the test functions that a folder declares.
func testsIn(t *testing.T, folder string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(filepath.FromSlash(folder), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				all[f.Name.Name] = true
			}
		}
	}
	return all
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
