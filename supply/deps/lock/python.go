package lock

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/deps/osv"
)

func pypi(name, version string) supply.Component {
	return supply.Component{Ecosystem: "PyPI", Name: osv.Name("PyPI", name), Version: version}
}

// pipfileLock reads Pipfile.lock.
func pipfileLock(text []byte) (*List, error) {
	type entry struct {
		Version string   `json:"version"`
		Hashes  []string `json:"hashes"`
		Index   string   `json:"index"`
		Path    string   `json:"path"`
	}
	var f struct {
		Default map[string]entry `json:"default"`
		Develop map[string]entry `json:"develop"`
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("not a Pipfile.lock: %s", firstLine(err))
	}
	l := &List{}
	for i, m := range []map[string]entry{f.Default, f.Develop} {
		for _, name := range sorted(m) {
			e := m[name]
			version, pinned := strings.CutPrefix(e.Version, "==")
			switch {
			case e.Path != "":
				continue // the tree's own
			case !pinned:
				l.miss(name, "is not pinned to a release")
				continue
			}
			c := pypi(name, strings.TrimPrefix(version, "="))
			c.Develop, c.Direct, c.Hashes = i == 1, e.Index != "", sums(e.Hashes)
			l.add(c)
		}
	}
	return l, nil
}

// sums reads sha256:hex where there is one file; several are of several files of one release.
func sums(list []string) []string {
	if len(list) != 1 {
		return nil
	}
	name, value, _ := strings.Cut(list[0], ":")
	if h := hash(name, value); h != "" {
		return []string{h}
	}
	return nil
}

// pythonPackage is an entry of poetry.lock, uv.lock, pdm.lock and pylock.toml (PEP 751).
type pythonPackage struct {
	Name     string         `toml:"name"`
	Version  string         `toml:"version"`
	Category string         `toml:"category"`
	Groups   []string       `toml:"groups"`
	Source   map[string]any `toml:"source"`
	Needs    any            `toml:"dependencies"`
	VCS      map[string]any `toml:"vcs"`
	Folder   map[string]any `toml:"directory"`
}

// pythonLock reads the four.
func pythonLock(text []byte) (*List, error) {
	var f struct {
		Package  []pythonPackage `toml:"package"`
		Packages []pythonPackage `toml:"packages"` // PEP 751
	}
	if err := readTOML(text, &f); err != nil {
		return nil, err
	}
	l, versions := &List{}, map[string]string{}
	all := append(f.Package, f.Packages...)
	for _, p := range all {
		versions[osv.Name("PyPI", p.Name)] = p.Version
	}
	for _, p := range all {
		switch where := p.origin(); where {
		case "own":
			continue
		case "elsewhere":
			l.miss(p.Name, "comes from elsewhere than a registry, of which advisories say nothing")
			continue
		}
		c := pypi(p.Name, p.Version)
		c.Develop = p.Category == "dev" || len(p.Groups) > 0 && !contains(p.Groups, "main", "default")
		for _, name := range pythonNeeds(p.Needs) {
			c.Requires = append(c.Requires, ref(name, versions[name]))
		}
		l.add(c)
	}
	return l, nil
}

// origin says whether a package is the tree's own, or comes from elsewhere than a registry.
func (p pythonPackage) origin() string {
	kind, _ := p.Source["type"].(string)
	_, git := p.Source["git"]
	if git || kind == "git" || p.Source["url"] != nil && kind == "url" || len(p.VCS) > 0 {
		return "elsewhere"
	}
	for _, key := range []string{"editable", "virtual", "directory", "path"} {
		if p.Source[key] != nil {
			return "own"
		}
	}
	if kind == "directory" || kind == "file" || len(p.Folder) > 0 {
		return "own"
	}
	return ""
}

// pythonNeeds reads the names of what a package needs: poetry has a table, uv a list of tables, pdm a
// list of requirements.
func pythonNeeds(v any) (names []string) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range sorted(v) {
			names = append(names, osv.Name("PyPI", name))
		}
	case []any:
		for _, one := range v {
			switch one := one.(type) {
			case string:
				names = append(names, osv.Name("PyPI", requirementName.FindString(one)))
			case map[string]any:
				if name, ok := one["name"].(string); ok {
					names = append(names, osv.Name("PyPI", name))
				}
			}
		}
	}
	return names
}

func contains(list []string, words ...string) bool {
	for _, l := range list {
		for _, w := range words {
			if l == w {
				return true
			}
		}
	}
	return false
}

// maxBrackets bounds how deep a TOML value is nested; its parser goes down one call a bracket.
const maxBrackets = 100

func readTOML(text []byte, into any) error {
	depth, deepest := 0, 0
	for _, c := range text {
		switch c {
		case '[', '{':
			depth++
			deepest = max(deepest, depth)
		case ']', '}':
			depth = max(0, depth-1)
		case '\n':
			if deepest > maxBrackets {
				return fmt.Errorf("is nested too deep")
			}
		}
	}
	if deepest > maxBrackets {
		return fmt.Errorf("is nested too deep")
	}
	if err := toml.Unmarshal(text, into); err != nil {
		return fmt.Errorf("not TOML: %s", firstLine(err))
	}
	return nil
}

var (
	requirementName = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?`)
	extras          = regexp.MustCompile(`^\s*\[[^\]]*\]`)
	pin             = regexp.MustCompile(`^\s*\(?\s*={2,3}\s*([A-Za-z0-9.!+_-]+)\s*\)?\s*$`)
	sumOption       = regexp.MustCompile(`--hash[= ]([a-z0-9]+:[0-9a-fA-F]+)`)
)

// requirements reads pip's requirements files (pip.pypa.io, "Requirements File Format").
func requirements(text []byte) (*List, error) {
	l := &List{}
	joined := strings.ReplaceAll(strings.ReplaceAll(string(text), "\r\n", "\n"), "\\\n", " ")
	for line := range strings.Lines(joined) {
		line = strings.TrimSpace(line)
		if i := strings.Index(line, " #"); i >= 0 {
			line = strings.TrimSpace(line[:i])
		}
		if line != "" && line[0] != '#' {
			l.addRequirement(line)
		}
	}
	return l, nil
}

func (l *List) addRequirement(line string) {
	if strings.HasPrefix(line, "-") {
		l.addOption(line)
		return
	}
	name := requirementName.FindString(line)
	if name == "" || strings.HasPrefix(line, name+"+") || strings.HasPrefix(line, name+":") {
		l.miss("a requirement", "is an address or a path, of which advisories say nothing")
		return
	}
	rest := line[len(name):]
	hashes := sumOption.FindAllStringSubmatch(rest, 2)
	rest, _, _ = strings.Cut(rest, " --")
	rest, _, _ = strings.Cut(rest, ";")
	rest = strings.TrimPrefix(rest, extras.FindString(rest))
	m := pin.FindStringSubmatch(rest)
	if m == nil {
		l.miss(name, "is not pinned to one version")
		return
	}
	c := pypi(name, m[1])
	c.Direct = true
	if len(hashes) == 1 {
		c.Hashes = sums([]string{hashes[0][1]})
	}
	l.add(c)
}

// addOption misses what an option brings in from elsewhere.
func (l *List) addOption(line string) {
	key, value, _ := strings.Cut(strings.ReplaceAll(line, "=", " "), " ")
	value = strings.TrimSpace(value)
	switch key {
	case "-r", "--requirement", "-c", "--constraint":
		if !Is(value) {
			l.miss(value, "is not looked into: requirements files are known by their names")
		}
	case "-e", "--editable":
		if strings.Contains(value, "://") {
			l.miss("an editable requirement", "is an address, of which advisories say nothing")
		}
	}
}
