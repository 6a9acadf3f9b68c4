package source_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tutela-health/tutela/supply/source"
)

// Configurations that extend each other in a circle, lead out of the tree, nest without end or are no JSON find
// nothing, and end.
func TestHostileAliasesEnd(t *testing.T) {
	for name, text := range map[string]string{
		"circle":     `{"extends": ["./tsconfig.json", "./tsconfig"], "compilerOptions": {"baseUrl": ".", "paths": {"@*": ["*"]}}}`,
		"outside":    `{"extends": "../../../tsconfig.json", "compilerOptions": {"baseUrl": "../../..", "paths": {"@/*": ["../../etc/*", "/etc/*"]}}}`,
		"deep":       strings.Repeat("[", 60_000),
		"comments":   strings.Repeat("/**/", 16_000),
		"no end":     `{"compilerOptions": {"baseUrl": "\`,
		"brackets":   strings.Repeat("{},", 20_000),
		"wrong kind": `{"extends": 5, "compilerOptions": {"paths": {"@/*": "lib/*"}}}`,
	} {
		dir := t.TempDir()
		write(t, dir, "tsconfig.json", text)
		write(t, dir, "app.ts", "import { f } from '@/lib';\napp.get('/', (req, res) => f(req.query.x));\n")
		if found := scan(t, across(), dir).Findings; len(found) > 0 {
			t.Errorf("%s: %v", name, found)
		}
	}
}

// What extends another configuration has its own paths alone, and a name without a star means itself.
func TestAliasesFollowTheNearestConfiguration(t *testing.T) {
	for _, c := range []struct {
		name, near, far string
		found           int
	}{
		{"none", ``, ``, 0},
		{"a pattern", `{"compilerOptions": {"paths": {"@/*": ["./lib/*"]}}}`, ``, 1},
		{"a base alone", `{"compilerOptions": {"baseUrl": "./alias"}}`, ``, 1},
		{"a name", `{"compilerOptions": {"paths": {"@/run": ["./lib/run.ts"], "@/*": ["./none/*"]}}}`, ``, 1},
		{"extended", `{"extends": "../tsconfig"}`, `{"compilerOptions": {"paths": {"@/*": ["./web/lib/*"]}}}`, 1},
		{"said by itself", `{"extends": "../tsconfig.json", "compilerOptions": {"paths": {"~/*": ["./lib/*"]}}}`, `{"compilerOptions": {"paths": {"@/*": ["./web/lib/*"]}}}`, 0},
		{"of another folder", ``, `{"compilerOptions": {"baseUrl": "web", "paths": {"@/*": ["lib/*"]}}}`, 1},
	} {
		dir := t.TempDir()
		for at, text := range map[string]string{"web/tsconfig.json": c.near, "tsconfig.json": c.far} {
			if text != "" {
				write(t, dir, at, text)
			}
		}
		run := "import { exec } from 'child_process';\nexport function run(x: string) { exec('ping ' + x); }\n"
		write(t, dir, "web/lib/run.ts", run)
		write(t, dir, "web/alias/@/run.ts", run)
		write(t, dir, "web/app.ts", "import { run } from '@/run';\napp.get('/', (req, res) => run(req.query.host));\n")
		if got := len(scan(t, across(), dir).Findings); got != c.found {
			t.Errorf("%s: %d findings, want %d", c.name, got, c.found)
		}
	}
}

func FuzzAliases(f *testing.F) {
	for _, seed := range []string{
		`{"compilerOptions": {"baseUrl": ".", "paths": {"@/*": ["lib/*"]}}} // c`, `{"extends": ["./tsconfig.json"], /* x */ "compilerOptions": {"paths": {"*": ["*", "**"],},},}`, `"\"`, `/*`, `//`, `{"extends": "."}`,
	} {
		f.Add(seed)
	}
	dir := f.TempDir()
	for name, text := range map[string]string{"lib.ts": "export const f = (x) => eval(x);\n", "app.ts": "import { f } from '@/lib';\napp.get('/', (req, res) => f(req.query.x));\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		write(t, dir, "tsconfig.json", text)
		for _, found := range scan(t, source.NewAcross(source.NewCode()), dir).Findings {
			if at := fmt.Sprint(found.Place.Path, found.Place.Line); at != "app.ts2" {
				t.Errorf("a finding at %s", at)
			}
		}
	})
}
