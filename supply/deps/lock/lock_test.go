package lock_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/deps/lock"
)

// say writes what a test compares: one component a line, with what its file said of it.
func say(l *lock.List) string {
	var b strings.Builder
	for _, c := range l.Components {
		fmt.Fprintf(&b, "%s%s%s\n", c.PURL, flags(c), said(c))
	}
	for _, m := range l.Missed {
		fmt.Fprintf(&b, "missed: %s\n", m)
	}
	return b.String()
}

func flags(c supply.Component) string {
	s := ""
	if c.Direct {
		s += " direct"
	}
	if c.Develop {
		s += " dev"
	}
	return s
}

func said(c supply.Component) string {
	s := ""
	for _, h := range c.Hashes {
		name, value, _ := strings.Cut(h, ":")
		s += " " + name + ":" + value[:6]
	}
	if len(c.Licenses) > 0 {
		s += " [" + strings.Join(c.Licenses, ", ") + "]"
	}
	if c.Deprecated != "" {
		s += " (" + c.Deprecated + ")"
	}
	for _, r := range c.Requires {
		s += " >" + r[strings.LastIndexAny(r, "/:")+1:]
	}
	return s
}

// Every kind of lock file, as its package manager writes it, and what is in it. The files stand in
// testdata, one archive a package manager: each file is followed by "NAME.want".
func TestLockFiles(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal(archives, err)
	}
	for _, file := range archives {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		files := map[string][]byte{}
		for _, f := range txtar.Parse(text).Files {
			files[f.Name] = f.Data
		}
		for name, want := range files {
			name, ok := strings.CutSuffix(name, ".want")
			if !ok {
				continue
			}
			l, err := read(name, files)
			got := ""
			if err != nil {
				got = "error: " + err.Error() + "\n"
			} else {
				got = say(l)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("%s: %s (-want +got):\n%s", file, name, d)
			}
		}
	}
}

func read(name string, files map[string][]byte) (*lock.List, error) {
	if lock.IsPom(name) {
		return lock.Pom(name, func(path string) ([]byte, error) {
			if text, ok := files[path]; ok {
				return text, nil
			}
			return nil, os.ErrNotExist
		})
	}
	return lock.Read(name, files[name])
}

// Manifests that ask for packages, and such that do not.
func TestManifests(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		want       string
	}{
		{"package.json", `{"dependencies":{"a":"^1"}}`, "npm"},
		{"package.json", `{"dependencies":{},"scripts":{"x":"y"}}`, ""},
		{"package.json", `{"dependencies":{"a":"workspace:*"}}`, ""},
		{"package.json", `{`, ""},
		{"pyproject.toml", "[project]\ndependencies = ['a>=1']", "PyPI"},
		{"pyproject.toml", "[tool.poetry.dependencies]\npython = '^3.9'", ""},
		{"pyproject.toml", "[tool.black]\nline-length = 100", ""},
		{"Pipfile", "[packages]\na = '*'", "PyPI"},
		{"setup.py", "setup(\n    install_requires=['a'],\n)", "PyPI"},
		{"Gemfile", "source 'x'\ngem 'rails'", "RubyGems"},
		{"composer.json", `{"require":{"php":">=8","ext-json":"*"}}`, ""},
		{"composer.json", `{"require":{"a/b":"^1"}}`, "Packagist"},
		{"Cargo.toml", "[package]\nname='x'\n[dependencies]\nserde = '1'", "crates.io"},
		{"Cargo.toml", "[package]\nname='x'", ""},
		{"a.csproj", `<Project><ItemGroup><PackageReference Include="A" Version="1" /></ItemGroup></Project>`, "NuGet"},
		{"build.gradle", "dependencies {\n  implementation 'a:b:1'\n}", "Maven"},
		{"build.gradle.kts", "plugins { java }", ""},
		{"README.md", "gem 'x'", ""},
	} {
		if wish, _ := lock.Asks(tc.name, []byte(tc.text)); wish.Ecosystem != tc.want {
			t.Errorf("%s %q: %q, want %q", tc.name, tc.text, wish.Ecosystem, tc.want)
		}
	}
}

// hostile are texts made to break parsers.
func hostile() map[string]string {
	deep := strings.Repeat(`{"dependencies":{"a":`, 50_000)
	bomb := "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
	for i := 1; i < 12; i++ {
		bomb += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 10), ","))
	}
	laughs := `<?xml version="1.0"?><!DOCTYPE p [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><project><artifactId>&b;</artifactId></project>`
	rounds := "<project><properties>"
	for i := range 60 {
		rounds += fmt.Sprintf("<p%d>${p%d}${p%d}${p%d}</p%d>", i, i+1, i+1, i+1, i)
	}
	rounds += "</properties><dependencies><dependency><groupId>g</groupId><artifactId>a</artifactId><version>${p0}</version></dependency></dependencies></project>"
	return map[string]string{
		"deep": deep, "brackets": "a = " + strings.Repeat("[", 200_000), "bomb": bomb, "laughs": laughs, "rounds": rounds, "huge line": strings.Repeat("a==1", 1<<20),
		"nul": "\x00\xff\xfe", "empty": "", "xml deep": strings.Repeat("<a>", 200_000), "quotes": strings.Repeat(`"`, 100_000), "ats": strings.Repeat("@", 100_000) + ":\n  version 1\n",
		"markers": "<<<<<<< ours\n=======\n>>>>>>> theirs\n", "null": "null", "list": "[1,2,3]", "types": `{"packages":{"node_modules/a":{"version":1}},"dependencies":[],"libraries":null}`,
	}
}

// No file makes a reader hang, panic or take memory without bound; the test's own time limit is the judge.
func TestHostileFiles(t *testing.T) {
	names := []string{"go.mod", "package-lock.json", "yarn.lock", "pnpm-lock.yaml", "Pipfile.lock", "poetry.lock", "requirements.txt", "gradle.lockfile", "Gemfile.lock", "packages.lock.json", "project.assets.json", "packages.config", "composer.lock", "Cargo.lock", "bom.json", "pom.xml"}
	for what, text := range hostile() {
		for _, name := range names {
			l, err := read(name, map[string][]byte{name: []byte(text)})
			if err == nil && len(l.Components) > 1 {
				t.Errorf("%s as %s: %d components", what, name, len(l.Components))
			}
			if err != nil && len(err.Error()) > 400 {
				t.Errorf("%s as %s: an error of %d bytes", what, name, len(err.Error()))
			}
		}
	}
	many := `{"packages":{` + strings.TrimSuffix(manyPackages(200_001), ",") + `}}`
	if _, err := lock.Read("package-lock.json", []byte(many)); err == nil {
		t.Error("more packages than any tree has were taken")
	}
	loop := `<project><artifactId>a</artifactId><parent><groupId>g</groupId><artifactId>a</artifactId><version>1</version><relativePath>pom.xml</relativePath></parent></project>`
	if _, err := read("pom.xml", map[string][]byte{"pom.xml": []byte(loop)}); err != nil {
		t.Errorf("a pom that is its own parent: %v", err)
	}
}

func manyPackages(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"node_modules/p%d":{"version":"1.0.0"},`, i)
	}
	return b.String()
}

func FuzzRead(f *testing.F) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range archives {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, a := range txtar.Parse(text).Files {
			if !strings.HasSuffix(a.Name, ".want") {
				f.Add(a.Name, a.Data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		if !lock.IsPom(name) && !lock.Is(name) {
			return
		}
		l, err := read(name, map[string][]byte{name: text})
		if err != nil {
			return
		}
		for _, c := range l.Components {
			if c.Name == "" || c.Version == "" || c.PURL == "" || c.Path != name {
				t.Errorf("half a component: %+v", c)
			}
		}
	})
}
