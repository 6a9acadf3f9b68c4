package lock

import (
	"strings"

	"github.com/tutela-health/tutela/supply"
)

// cargoLock reads Cargo.lock.
func cargoLock(text []byte) (*List, error) {
	var f struct {
		Package []struct {
			Name     string   `toml:"name"`
			Version  string   `toml:"version"`
			Source   string   `toml:"source"`
			Checksum string   `toml:"checksum"`
			Needs    []string `toml:"dependencies"`
		} `toml:"package"`
	}
	if err := readTOML(text, &f); err != nil {
		return nil, err
	}
	l, versions, direct := &List{}, map[string]string{}, map[string]bool{}
	for _, p := range f.Package {
		versions[p.Name] = p.Version
	}
	// A need is "name" where one version is there, and "name version" where several are.
	target := func(need string) string {
		w := strings.Fields(need + " ")
		if len(w) == 0 {
			return ""
		}
		if len(w) > 1 {
			return ref(w[0], w[1])
		}
		return ref(w[0], versions[w[0]])
	}
	for _, p := range f.Package {
		if p.Source == "" { // the tree's own
			for _, n := range p.Needs {
				direct[target(n)] = true
			}
		}
	}
	for _, p := range f.Package {
		switch {
		case p.Source == "":
			continue
		case strings.HasPrefix(p.Source, "git+"):
			l.miss(p.Name, "comes from git, of which advisories say nothing")
			continue
		}
		c := supply.Component{Ecosystem: "crates.io", Name: p.Name, Version: p.Version, Direct: direct[ref(p.Name, p.Version)]}
		if h := hash("sha256", p.Checksum); h != "" {
			c.Hashes = []string{h}
		}
		for _, n := range p.Needs {
			c.Requires = append(c.Requires, target(n))
		}
		l.add(c)
	}
	return l, nil
}
