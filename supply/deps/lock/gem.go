package lock

import (
	"errors"
	"strings"

	"github.com/tutela-health/tutela/supply"
)

// gemLock reads Gemfile.lock: sections whose names stand at the margin, specs at four spaces, what they
// need at six.
func gemLock(text []byte) (*List, error) {
	l, section, direct, sums := &List{}, "", map[string]bool{}, map[string]string{}
	seen := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n ")
		body := strings.TrimSpace(line)
		depth := indent(line)
		switch {
		case body == "":
			continue
		case depth == 0:
			section = body
			seen = seen || section == "GEM" || section == "DEPENDENCIES"
		case section == "GEM" && depth == 4:
			name, version := gemSpec(body)
			l.add(supply.Component{Ecosystem: "RubyGems", Name: name, Version: version})
		case section == "GEM" && depth == 6 && len(l.Components) > 0:
			name, _ := gemSpec(body)
			c := &l.Components[len(l.Components)-1]
			c.Requires = append(c.Requires, name)
		case section == "GIT" && depth == 4:
			name, _ := gemSpec(body)
			l.miss(name, "comes from git, of which advisories say nothing")
		case section == "DEPENDENCIES" && depth == 2:
			name, _ := gemSpec(strings.TrimSuffix(body, "!"))
			direct[name] = true
		case section == "CHECKSUMS" && depth == 2:
			name, version := gemSpec(body)
			if _, sum, ok := strings.Cut(body, "sha256="); ok {
				sums[ref(name, version)] = hash("sha256", sum)
			}
		}
	}
	if !seen {
		return nil, errors.New("not a Gemfile.lock")
	}
	l.linkGems(direct, sums)
	return l, nil
}

func (l *List) linkGems(direct map[string]bool, sums map[string]string) {
	versions := map[string]string{}
	for _, c := range l.Components {
		versions[c.Name] = c.Version
	}
	for i := range l.Components {
		c := &l.Components[i]
		c.Direct = direct[c.Name]
		if h := sums[ref(c.Name, c.Version)]; h != "" {
			c.Hashes = []string{h}
		}
		for j, name := range c.Requires {
			c.Requires[j] = ref(name, versions[name])
		}
	}
}

// gemSpec reads `name (1.2.3-x86_64-linux)`: after the version stands the platform.
func gemSpec(body string) (name, version string) {
	name, rest, _ := strings.Cut(body, " ")
	rest, _, _ = strings.Cut(strings.TrimPrefix(rest, "("), ")")
	version, _, _ = strings.Cut(rest, "-")
	return name, version
}
