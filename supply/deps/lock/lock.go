package lock

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/deps/part"
)

// maxComponents bounds what one file may name.
const maxComponents = 200_000

// List is what one file says.
type List struct {
	Components []supply.Component
	Missed     []string // what is named without a version that could be checked
}

// reader reads one kind of file. It leaves PURL and Path to Read, and names in Requires what it calls
// ref(name, version).
type reader func(text []byte) (*List, error)

// kind is a kind of lock file. locks lists the manifests beside or below it whose wishes it answers.
type kind struct {
	names []string // base names, or ends of base names that begin with *
	locks string   // the ecosystem whose manifests it answers
	read  reader
}

func kinds() []kind {
	return []kind{
		{[]string{"go.mod"}, "Go", goMod},
		{[]string{"package-lock.json", "npm-shrinkwrap.json"}, "npm", npmLock},
		{[]string{"yarn.lock"}, "npm", yarnLock},
		{[]string{"pnpm-lock.yaml"}, "npm", pnpmLock},
		{[]string{"Pipfile.lock"}, "PyPI", pipfileLock},
		{[]string{"poetry.lock", "uv.lock", "pdm.lock", "pylock.toml"}, "PyPI", pythonLock},
		{[]string{"requirements.txt", "*requirements.txt", "requirements*.txt"}, "PyPI", requirements},
		{[]string{"gradle.lockfile", "buildscript-gradle.lockfile"}, "Maven", gradleLock},
		{[]string{"Gemfile.lock", "gems.locked"}, "RubyGems", gemLock},
		{[]string{"packages.lock.json"}, "NuGet", nugetLock},
		{[]string{"project.assets.json", "*.deps.json"}, "NuGet", nugetAssets},
		{[]string{"packages.config"}, "NuGet", nugetConfig},
		{[]string{"composer.lock"}, "Packagist", composerLock},
		{[]string{"Cargo.lock"}, "crates.io", cargoLock},
		{[]string{"bom.json", "*.cdx.json", "*.spdx.json"}, "", bill},
	}
}

// kindOf finds what a file of this path is; nil where it is none.
func kindOf(name string) *kind {
	base := path.Base(name)
	for _, k := range kinds() {
		for _, pattern := range k.names {
			if ok, err := path.Match(pattern, base); ok && err == nil {
				return &k
			}
		}
	}
	if path.Ext(base) == ".txt" && path.Base(path.Dir(name)) == "requirements" {
		return kindOf("requirements.txt")
	}
	return nil
}

// Is reports whether a file of this path lists packages.
func Is(name string) bool { return kindOf(name) != nil }

// Locks is the ecosystem whose manifests a file of this path answers; empty where it answers none.
func Locks(name string) string {
	if k := kindOf(name); k != nil {
		return k.locks
	}
	return ""
}

// Unread reports whether a file of this path lists packages in a form that is not read here.
func Unread(name string) bool {
	switch path.Base(name) {
	case "bun.lock", "bun.lockb", "deno.lock", "mix.lock", "rebar.lock", "pubspec.lock", "Package.resolved", "Podfile.lock", "Cartfile.resolved", "conan.lock", "paket.lock", "renv.lock", "cabal.project.freeze", "stack.yaml.lock", "conda-lock.yml", "pixi.lock":
		return true
	}
	return false
}

var errTooMany = errors.New("names more packages than a scan takes")

// Read reads a file of a kind that Is knows.
func Read(name string, text []byte) (l *List, err error) {
	k := kindOf(name)
	if k == nil {
		return nil, fmt.Errorf("%s is no lock file", name)
	}
	defer func() {
		if recover() != nil { // libraries read these bytes too
			l, err = nil, errors.New("cannot be read")
		}
	}()
	l, err = k.read(text)
	if err != nil {
		return nil, err
	}
	return l, l.finish(name)
}

// finish gives components their package URLs, and Requires the URLs of what it names.
func (l *List) finish(name string) error {
	if len(l.Components) > maxComponents {
		return errTooMany
	}
	urls := map[string]string{}
	for i := range l.Components {
		c := &l.Components[i]
		c.Path = name
		if c.PURL == "" {
			c.PURL = part.URL(*c)
		}
		urls[ref(c.Name, c.Version)] = c.PURL
	}
	for i := range l.Components {
		c := &l.Components[i]
		var list []string
		for _, r := range c.Requires {
			if url := urls[r]; url != "" && url != c.PURL {
				list = append(list, url)
			}
		}
		c.Requires = list
	}
	l.Components = once(l.Components)
	return nil
}

// once joins what is the same component: it is direct where one is, and for development where all are.
func once(list []supply.Component) []supply.Component {
	at := map[string]int{}
	var kept []supply.Component
	for _, c := range list {
		i, known := at[c.PURL]
		if !known {
			at[c.PURL] = len(kept)
			kept = append(kept, c)
			continue
		}
		kept[i].Direct = kept[i].Direct || c.Direct
		kept[i].Develop = kept[i].Develop && c.Develop
	}
	return kept
}

// ref is how readers name a component of their own list.
func ref(name, version string) string { return name + "\x00" + version }

// add adds a component, or misses it where it has no version.
func (l *List) add(c supply.Component) {
	if c.Version == "" || c.Name == "" {
		l.miss(c.Name, "has no version")
		return
	}
	l.Components = append(l.Components, c)
}

// maxMissed is how many are named one by one.
const maxMissed = 20

func (l *List) miss(name, why string) {
	switch {
	case name == "":
		return
	case len(l.Missed) < maxMissed:
		l.Missed = append(l.Missed, clip(name)+" "+why)
	case len(l.Missed) == maxMissed:
		l.Missed = append(l.Missed, "and more such")
	}
}

// clip bounds a name that goes into a report.
func clip(s string) string {
	if len(s) > 120 {
		return strings.ToValidUTF8(s[:120], "") + "…"
	}
	return s
}
