package lock

import (
	"fmt"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/deps/part"
)

// Stdlib is how Go's advisories name the standard library.
const Stdlib = "stdlib"

// goMod reads go.mod. From Go 1.17 on it lists every module that building takes, at the version that
// minimal version selection came to (go.dev/ref/mod, "Module graph pruning").
func goMod(text []byte) (*List, error) {
	l := &List{}
	asWritten := func(_, version string) (string, error) { return version, nil }
	f, err := modfile.Parse("go.mod", text, asWritten)
	if err != nil { // a newer go.mod may say what we do not know; the lax reading leaves out replacements
		if f, err = modfile.ParseLax("go.mod", text, asWritten); err != nil {
			return nil, fmt.Errorf("not a go.mod: %s", firstLine(err))
		}
		l.miss("some of it", "is in a form that is not known; what it replaces is not seen")
	}
	replaced := replacements(f)
	for _, r := range f.Require {
		path, version, local := r.Mod.Path, r.Mod.Version, false
		if to, ok := replaced[[2]string{path, version}]; ok {
			path, version, local = to.New.Path, to.New.Version, to.New.Version == ""
		} else if to, ok := replaced[[2]string{path, ""}]; ok {
			path, version, local = to.New.Path, to.New.Version, to.New.Version == ""
		}
		if !local && !semver.IsValid(version) {
			l.miss(path, "is not pinned to a version")
		} else if !local { // what is replaced by a folder is this tree's own source
			l.add(supply.Component{Ecosystem: "Go", Name: path, Version: version, Direct: !r.Indirect})
		}
	}
	l.addToolchain(f)
	if len(f.Require) > 0 && (f.Go == nil || semver.Compare("v"+f.Go.Version, "v1.17") < 0) {
		l.miss("what its modules need in turn", "is in go.mod from Go 1.17 on: set a newer go line and run go mod tidy")
	}
	return l, nil
}

func replacements(f *modfile.File) map[[2]string]*modfile.Replace {
	m := map[[2]string]*modfile.Replace{}
	for _, r := range f.Replace {
		m[[2]string{r.Old.Path, r.Old.Version}] = r
	}
	return m
}

// addToolchain adds the standard library where the file names a release of it. A go line such as 1.25 or
// 1.25.0 is the language that the source is written in; which toolchain builds it does not follow.
func (l *List) addToolchain(f *modfile.File) {
	version := ""
	if f.Go != nil && strings.Count(f.Go.Version, ".") == 2 && !strings.HasSuffix(f.Go.Version, ".0") {
		version = f.Go.Version
	}
	if f.Toolchain != nil && f.Toolchain.Name != "default" {
		version, _, _ = strings.Cut(strings.TrimPrefix(f.Toolchain.Name, "go"), "-")
	}
	if version != "" {
		l.add(supply.Component{Ecosystem: "Go", Name: Stdlib, Version: version, Direct: true})
	}
}

// Sums reads go.sum: the modules whose source was taken, each at its newest version. A go.mod of before
// Go 1.17 does not list them all.
func Sums(text []byte) map[string]string {
	newest := map[string]string{}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) != 3 || strings.HasSuffix(f[1], "/go.mod") || !semver.IsValid(f[1]) {
			continue
		}
		if old := newest[f[0]]; old == "" || semver.Compare(f[1], old) > 0 {
			newest[f[0]] = f[1]
		}
	}
	return newest
}

// Used reads go.work: the folders of its modules, relative to it.
func Used(text []byte) ([]string, error) {
	f, err := modfile.ParseWork("go.work", text, nil)
	if err != nil {
		return nil, fmt.Errorf("not a go.work: %s", firstLine(err))
	}
	var dirs []string
	for _, u := range f.Use {
		dirs = append(dirs, u.Path)
	}
	return dirs, nil
}

// firstLine is an error's first line, bounded: it quotes what it could not read.
func firstLine(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return clip(text)
}

// At is the component at another version.
func At(c supply.Component, version string) supply.Component {
	c.Version, c.PURL = version, ""
	c.PURL = part.URL(c)
	return c
}
