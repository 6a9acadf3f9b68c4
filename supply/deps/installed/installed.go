package installed

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/deps/lock"
	"github.com/tutela-health/tutela/supply/deps/part"
)

// maxPackages bounds what one file system may have.
const maxPackages = 200_000

var errForm = errors.New("is not what its name says")

// reader reads one kind of file.
type reader func(name string, text []byte) ([]supply.Component, error)

// readerOf finds who reads a file; nil where nobody does.
func readerOf(name string) reader {
	base, dir := path.Base(name), path.Dir(name)
	switch {
	case strings.HasPrefix(name, "usr/lib/python3/dist-packages/"):
		return nil // Debian's own, mended by Debian: its package is looked up instead
	case base == "package.json" && inModules(dir):
		return npm
	case base == "METADATA" && strings.HasSuffix(dir, ".dist-info"), base == "PKG-INFO" && strings.HasSuffix(dir, ".egg-info"):
		return python
	case strings.HasSuffix(base, ".egg-info"):
		return python
	case strings.HasSuffix(base, ".gemspec") && (path.Base(dir) == "specifications" || strings.HasSuffix(dir, "specifications/default")):
		return gem
	case base == "installed.json" && strings.HasSuffix(dir, "vendor/composer"):
		return composer
	case strings.HasSuffix(base, ".deps.json"):
		return dotnet
	case slices.Contains([]string{".jar", ".war", ".ear", ".hpi", ".jpi"}, path.Ext(base)):
		return java
	}
	return nil
}

// inModules reports whether a folder is a package's in node_modules, with or without a scope.
func inModules(dir string) bool {
	above := path.Dir(dir)
	if strings.HasPrefix(path.Base(above), "@") {
		above = path.Dir(above)
	}
	return path.Base(above) == "node_modules"
}

// Wanted reports whether Read looks at a file. The path has no slash before it.
func Wanted(name string) bool { return readerOf(name) != nil }

// Read lists the packages that files tell of, each once, with the path of the file, and what could not be checked.
// What Distil kept of a program may be among them.
func Read(files map[string][]byte) (list []supply.Component, failed []string) {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	known := map[string]bool{}
	for _, name := range names {
		some, err := read(name, files[name])
		if err != nil {
			failed = append(failed, name+": "+err.Error())
		}
		for _, c := range some {
			if c.Name == "" || c.Version == "" {
				continue
			}
			if c.Path, c.PURL = name, part.URL(c); !known[c.PURL] {
				known[c.PURL] = true
				list = append(list, c)
			}
		}
		if len(list) > maxPackages {
			return nil, append(failed, "it has more packages than a scan takes")
		}
	}
	return list, failed
}

func read(name string, text []byte) ([]supply.Component, error) {
	if bytes.HasPrefix(text, []byte(distilled)) {
		return program(text)
	}
	if r := readerOf(name); r != nil {
		return r(name, text)
	}
	return nil, nil
}

// npm reads a package's package.json (docs.npmjs.com/cli/configuring-npm/package-json). One without a version,
// such as those that only say how a folder's files are to be read, is no package.
func npm(name string, text []byte) ([]supply.Component, error) {
	var p struct {
		Name    string `json:"name"`
		Version string `json:"version"`
		License any    `json:"license"`
	}
	if json.Unmarshal(text, &p) != nil {
		return nil, errForm
	}
	if dir := path.Dir(name); p.Name == "" || !strings.HasSuffix(dir, "/"+p.Name) {
		return nil, nil // installed under another name than its own: an alias of what is listed elsewhere, or no package
	}
	c := supply.Component{Ecosystem: "npm", Name: p.Name, Version: p.Version}
	if l, ok := p.License.(string); ok {
		c.Licenses = []string{l}
	}
	return []supply.Component{c}, nil
}

// python reads the core metadata of an installed distribution (packaging.python.org/specifications/core-metadata).
func python(_ string, text []byte) ([]supply.Component, error) {
	h := headers(text)
	if h["metadata-version"] == "" {
		return nil, errForm
	}
	return []supply.Component{{Ecosystem: "PyPI", Name: pythonName(h["name"]), Version: h["version"]}}, nil
}

// pythonName is a name as PyPI compares it (PEP 503).
func pythonName(name string) string {
	return strings.ToLower(regexp.MustCompile(`[-_.]+`).ReplaceAllString(name, "-"))
}

// headers reads the header lines before the first empty one.
func headers(text []byte) map[string]string {
	h := map[string]string{}
	s := bufio.NewScanner(bytes.NewReader(text))
	s.Buffer(nil, 1<<20)
	for s.Scan() && s.Text() != "" {
		if key, value, ok := strings.Cut(s.Text(), ": "); ok && h[strings.ToLower(key)] == "" {
			h[strings.ToLower(key)] = strings.TrimSpace(value)
		}
	}
	return h
}

// gem takes a gem's name and version from what its specification is called: NAME-VERSION.gemspec, or with a platform behind it.
func gem(name string, text []byte) ([]supply.Component, error) {
	m := regexp.MustCompile(`s\.version = (?:Gem::Version\.new\()?"([0-9A-Za-z.]+)"`).FindSubmatch(text)
	n := regexp.MustCompile(`s\.name = "([0-9A-Za-z._-]+)"`).FindSubmatch(text)
	if m == nil || n == nil {
		return nil, errForm
	}
	if !strings.HasPrefix(path.Base(name), string(n[1])+"-"+string(m[1])) {
		return nil, errForm
	}
	return []supply.Component{{Ecosystem: "RubyGems", Name: string(n[1]), Version: string(m[1])}}, nil
}

// composer reads what Composer installed (versions 1 and 2).
func composer(_ string, text []byte) ([]supply.Component, error) {
	type installed struct{ Name, Version string }
	var two struct{ Packages []installed }
	list := []installed{}
	if json.Unmarshal(text, &two) == nil {
		list = two.Packages
	} else if json.Unmarshal(text, &list) != nil {
		return nil, errForm
	}
	var found []supply.Component
	for _, p := range list {
		found = append(found, supply.Component{Ecosystem: "Packagist", Name: p.Name, Version: strings.TrimPrefix(p.Version, "v")})
	}
	return found, nil
}

// dotnet reads an application's deps.json.
func dotnet(name string, text []byte) ([]supply.Component, error) {
	l, err := lock.Read(name, text)
	if err != nil {
		return nil, errForm
	}
	return l.Components, nil
}
