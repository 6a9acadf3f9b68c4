package tutela_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/tutela-health/tutela"

// layers are the planes from the lowest up. A plane imports lower lines only, never sideways.
func layers() [][]string {
	return [][]string{
		{"r4"},
		{"keys", "store"},
		{"audit"},
		{"identity", "access"},
		{"records"},
		{"fhir", "privacy", "recovery", "supply", "host", "detect"},
		{"respond"},
		{"assure"},
		{"console"},
		{"server"},
		{"cmd"},
	}
}

// openers are the planes that may import what opens a chart: whoever holds both keys and
// records can.
func openers() map[string][]string {
	return map[string][]string{
		"keys":    {"audit", "identity", "records", "recovery", "supply", "cmd"},
		"records": {"fhir", "privacy", "recovery", "cmd"},
	}
}

// assemblies wire planes together for tests and measurements; nothing ships from them.
func assemblies() []string { return []string{"bench", "e2e", "internal/rig"} }

// TestPlanesImportLowerLayersOnly reads the source itself: what a build lists is cached.
func TestPlanesImportLowerLayersOnly(t *testing.T) {
	rank := map[string]int{}
	for i, line := range layers() {
		for _, plane := range line {
			rank[plane] = i
		}
	}
	seen := 0
	eachImport(t, func(file, plane, imported string) {
		seen++
		to, known := rank[imported]
		switch {
		case imported == "internal", imported == plane, imported == "":
			return
		case !known:
			t.Errorf("%s imports %s, which has no layer", file, imported)
		case plane == "internal":
			if imported != "r4" && imported != "store" { // testkit starts a database, sample speaks FHIR
				t.Errorf("%s: internal packages know no plane, and it imports %s", file, imported)
			}
		case plane == "":
			t.Errorf("%s: the vocabulary imports nothing, and it imports %s", file, imported)
		case rank[plane] <= to:
			t.Errorf("%s: %s may not import %s", file, plane, imported)
		}
		if allowed, guarded := openers()[imported]; guarded && plane != imported && !slices.Contains(allowed, plane) {
			t.Errorf("%s: %s may not import %s: the list of those who can open a chart stays short", file, plane, imported)
		}
	})
	if seen < 50 {
		t.Fatalf("only %d imports seen: the test does not look where the code is", seen)
	}
}

// TestVocabularyIsStandardLibraryOnly holds the root package to its word.
func TestVocabularyIsStandardLibraryOnly(t *testing.T) {
	for _, path := range importsOf(t, "tutela.go") {
		if strings.Contains(path, ".") {
			t.Errorf("tutela.go imports %s", path)
		}
	}
}

// eachImport calls f for every import of one of the module's packages by shipped code, with the
// plane (first path element) on either side.
func eachImport(t *testing.T, f func(file, plane, imported string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != "." || d.Name() == "testdata" || slices.Contains(assemblies(), filepath.ToSlash(path))) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		plane := first(filepath.ToSlash(path))
		if plane == path {
			plane = ""
		}
		for _, imp := range importsOf(t, path) {
			if rest, ok := strings.CutPrefix(imp, module); ok {
				f(path, plane, first(strings.TrimPrefix(rest, "/")))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func first(path string) string {
	head, _, _ := strings.Cut(path, "/")
	return head
}

func importsOf(t *testing.T, path string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, i := range f.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	return list
}
