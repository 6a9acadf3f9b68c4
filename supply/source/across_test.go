package source_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/source"
)

// copied is the samples in a folder of their own: what lies in testdata is left out of scans.
func copied(t *testing.T) (dir string, want map[string]bool) {
	t.Helper()
	dir, want = t.TempDir(), map[string]bool{}
	root := filepath.Join("testdata", "across")
	err := filepath.WalkDir(root, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		write(t, dir, filepath.ToSlash(rel), string(text))
		for i, line := range strings.Split(string(text), "\n") {
			if _, rule, ok := strings.Cut(line, "WANT "); ok {
				want[fmt.Sprintf("%s:%d %s", filepath.ToSlash(rel), i+1, rule)] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir, want
}

func across() source.Across { return source.NewAcross(source.NewCode()) }

// What a request brings is followed into the functions of other files and back, and no further than it goes: each
// fault has a twin that is right.
func TestFlowsAcrossFiles(t *testing.T) {
	dir, want := copied(t)
	got := map[string]bool{}
	for _, f := range scan(t, across(), dir).Findings {
		got[fmt.Sprintf("%s:%d %s", f.Place.Path, f.Place.Line, f.Rule.ID)] = true
		if f.Rule.ID == "code.command-injection" && strings.HasPrefix(f.Place.Path, "js/") && !strings.Contains(f.Message, "in js/lib/shell.js:4") {
			t.Errorf("it does not say where: %s", f.Message)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("findings (-want +got):\n%s", d)
	}
}

// What is remembered is what would be found: after a change of the function, and not of its caller, too.
func TestFlowsAcrossFilesAreRemembered(t *testing.T) {
	dir, want := copied(t)
	folder := t.TempDir()
	again := func() []supply.Finding {
		t.Helper()
		c, err := supply.OpenCache(folder, dir)
		if err != nil {
			t.Fatal(err)
		}
		found := scan(t, across().Using(c), dir).Findings
		if err := c.Save([]supply.Class{supply.Source}); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(scan(t, across(), dir).Findings, found); d != "" {
			t.Errorf("cold and warm (-cold +warm):\n%s", d)
		}
		return found
	}
	first := again()
	if len(again()) != len(first) || len(first) != len(want) {
		t.Errorf("%d findings, then others", len(first))
	}
	write(t, dir, "js/lib/deep.js", "module.exports = { last: function last(name) { return name.length; } };\n")
	if got := again(); len(got) != len(first)-1 {
		t.Errorf("%d findings after one was mended two files away, of %d", len(got), len(first))
	}
	write(t, dir, "ts/tsconfig.base.json", `{"compilerOptions": {"baseUrl": ".", "paths": {"@clinic/*": ["src/*"]}}}`)
	if got := again(); len(got) != len(first)-6 {
		t.Errorf("%d findings after an alias led elsewhere, of %d", len(got), len(first))
	}
}

// Chains and circles of imports, and files that are made to be followed for ever, end.
func TestHostileImportsEnd(t *testing.T) {
	dir := t.TempDir()
	for i := range 200 {
		write(t, dir, fmt.Sprintf("f%d.js", i), fmt.Sprintf("const a = require('./f%d'); const b = require('./f%d');\nexports.g = function g(x, y, z) { a.g(x, y, z); b.g(y, z, x); return a.g(x + y, y + z, z + x); };\n", (i+1)%200, (i*7+3)%200))
	}
	write(t, dir, "self.py", "from . import self\nfrom .self import f\nfrom ........ import up\nimport self.self.self\n\ndef f(x):\n    return f(x)\n")
	if list := scan(t, across(), dir).Findings; len(list) > 0 {
		t.Errorf("%d findings", len(list))
	}
}
