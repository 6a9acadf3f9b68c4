package lock

import (
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Wish says that a manifest asks for packages: of which ecosystem, and what would pin them.
type Wish struct {
	Ecosystem string
	Advice    string
}

// manifest is a file that asks for packages without saying which versions were installed.
type manifest struct {
	names []string
	wish  Wish
	asks  func(text []byte) bool
}

func manifests() []manifest {
	return []manifest{
		{[]string{"package.json"}, Wish{"npm", "commit package-lock.json (npm install)"}, packageJSON},
		{[]string{"pyproject.toml"}, Wish{"PyPI", "commit a lock file (uv lock, poetry lock)"}, pyproject},
		{[]string{"Pipfile"}, Wish{"PyPI", "commit Pipfile.lock (pipenv lock)"}, tables("packages", "dev-packages")},
		{[]string{"setup.py", "setup.cfg"}, Wish{"PyPI", "commit a requirements.txt made by pip freeze"}, matches(`(?m)^\s*install_requires\s*=\s*[^\s]|install_requires\s*=\s*\n?\s*[\[\w]`)},
		{[]string{"Gemfile", "gems.rb"}, Wish{"RubyGems", "commit Gemfile.lock (bundle lock)"}, matches(`(?m)^\s*gem[\s(]+['"]`)},
		{[]string{"composer.json"}, Wish{"Packagist", "commit composer.lock (composer update --lock)"}, composerJSON},
		{[]string{"Cargo.toml"}, Wish{"crates.io", "commit Cargo.lock (cargo generate-lockfile)"}, tables("dependencies", "dev-dependencies", "build-dependencies")},
		{[]string{"*.csproj", "*.fsproj", "*.vbproj", "Directory.Packages.props"}, Wish{"NuGet", "commit packages.lock.json (dotnet restore --use-lock-file)"}, matches(`<Package(Reference|Version)\s`)},
		{[]string{"build.gradle", "build.gradle.kts"}, Wish{"Maven", "commit gradle.lockfile (gradle dependencies --write-locks)"}, matches(`(?m)^\s*(?:\w*[iI]mplementation|api|\w*[cC]ompileOnly|\w*[rR]untimeOnly|compile)[\s(]+(?:['"]|libs\.|platform|group)`)},
	}
}

// IsManifest reports whether a file of this path may ask for packages.
func IsManifest(name string) bool { return manifestOf(name) != nil }

func manifestOf(name string) *manifest {
	base := path.Base(name)
	for _, m := range manifests() {
		if slices.ContainsFunc(m.names, func(p string) bool { ok, err := path.Match(p, base); return ok && err == nil }) {
			return &m
		}
	}
	return nil
}

// Asks reports whether a manifest asks for packages of a registry, and for which.
func Asks(name string, text []byte) (Wish, bool) {
	m := manifestOf(name)
	if m == nil || !m.asks(text) {
		return Wish{}, false
	}
	return m.wish, true
}

func matches(expression string) func([]byte) bool {
	return func(text []byte) bool { return regexp.MustCompile(expression).Match(text) }
}

func packageJSON(text []byte) bool {
	var f map[string]json.RawMessage
	if json.Unmarshal(text, &f) != nil {
		return false
	}
	for _, key := range []string{"dependencies", "devDependencies", "optionalDependencies"} {
		var asked map[string]string
		if json.Unmarshal(f[key], &asked) != nil {
			continue
		}
		for _, version := range asked {
			if !strings.HasPrefix(version, "workspace:") && !strings.HasPrefix(version, "file:") && !strings.HasPrefix(version, "link:") {
				return true
			}
		}
	}
	return false
}

func composerJSON(text []byte) bool {
	var f struct {
		Require map[string]any `json:"require"`
		Develop map[string]any `json:"require-dev"`
	}
	if json.Unmarshal(text, &f) != nil {
		return false
	}
	for _, m := range []map[string]any{f.Require, f.Develop} {
		for name := range m {
			if strings.Contains(name, "/") { // php and ext-… have no vendor
				return true
			}
		}
	}
	return false
}

func tables(names ...string) func([]byte) bool {
	return func(text []byte) bool {
		var f map[string]any
		if readTOML(text, &f) != nil {
			return false
		}
		return slices.ContainsFunc(names, func(n string) bool { return size(f[n]) > 0 })
	}
}

func pyproject(text []byte) bool {
	var f struct {
		Project struct {
			Needs  []any          `toml:"dependencies"`
			Extras map[string]any `toml:"optional-dependencies"`
		} `toml:"project"`
		Groups map[string]any `toml:"dependency-groups"`
		Tool   struct {
			Poetry struct {
				Needs map[string]any `toml:"dependencies"`
			} `toml:"poetry"`
		} `toml:"tool"`
	}
	if readTOML(text, &f) != nil {
		return false
	}
	delete(f.Tool.Poetry.Needs, "python")
	return len(f.Project.Needs)+len(f.Project.Extras)+len(f.Groups)+len(f.Tool.Poetry.Needs) > 0
}

func size(v any) int {
	m, _ := v.(map[string]any)
	return len(m)
}
