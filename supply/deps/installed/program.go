package installed

import (
	"bytes"
	"debug/buildinfo"
	"runtime/debug"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/deps/lock"
)

// distilled begins what Distil keeps of a program. No file of another kind begins so.
const distilled = "\x00build information of a Go program\n"

// Distil keeps of a program what it says of the modules that it is built of; nil where it says nothing. Go
// writes that into every program (pkg.go.dev/debug/buildinfo).
func Distil(program []byte) (kept []byte) {
	defer func() {
		if recover() != nil { // a library reads these bytes, and somebody else wrote them
			kept = nil
		}
	}()
	info, err := buildinfo.Read(bytes.NewReader(program))
	if err != nil {
		return nil
	}
	return append([]byte(distilled), info.String()...)
}

// program reads what Distil kept.
func program(text []byte) ([]supply.Component, error) {
	info, err := debug.ParseBuildInfo(string(text[len(distilled):]))
	if err != nil {
		return nil, errForm
	}
	var found []supply.Component
	add := func(name, version string) {
		if name == lock.Stdlib || semver.IsValid(version) { // a program's own module is (devel) where it was not released
			found = append(found, supply.Component{Ecosystem: "Go", Name: name, Version: version})
		}
	}
	add(lock.Stdlib, toolchain(text))
	add(info.Main.Path, info.Main.Version)
	for _, d := range info.Deps {
		if d.Replace != nil {
			d = d.Replace
		}
		add(d.Path, d.Version)
	}
	return found, nil
}

// toolchain is the release that built a program, such as 1.26.1; debug.ParseBuildInfo leaves its line out.
func toolchain(text []byte) string {
	for line := range strings.Lines(string(text)) {
		if release, ok := strings.CutPrefix(line, "go\tgo"); ok {
			end := strings.IndexAny(release, " -\n")
			return release[:max(end, 0)]
		}
	}
	return ""
}
