package lock

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tutela-health/tutela/supply"
)

// pnpmFile is pnpm-lock.yaml, of versions 5 to 9.
type pnpmFile struct {
	Packages  map[string]pnpmPackage `yaml:"packages"`
	Snapshots map[string]pnpmPackage `yaml:"snapshots"` // version 9
	Importers map[string]pnpmWishes  `yaml:"importers"`
	Wishes    pnpmWishes             `yaml:",inline"` // a tree of one package
}

type pnpmWishes struct {
	Needs    map[string]any `yaml:"dependencies"`
	Develop  map[string]any `yaml:"devDependencies"`
	Optional map[string]any `yaml:"optionalDependencies"`
}

type pnpmPackage struct {
	Name       string `yaml:"name"`
	Version    string `yaml:"version"`
	Dev        bool   `yaml:"dev"`
	Deprecated any    `yaml:"deprecated"`
	Resolution struct {
		Integrity string `yaml:"integrity"`
		Tarball   string `yaml:"tarball"`
		Type      string `yaml:"type"`
		Directory string `yaml:"directory"`
	} `yaml:"resolution"`
	Needs    map[string]string `yaml:"dependencies"`
	Optional map[string]string `yaml:"optionalDependencies"`
}

func pnpmLock(text []byte) (*List, error) {
	var f pnpmFile
	if err := yaml.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("not a pnpm-lock.yaml: %s", firstLine(err))
	}
	l, direct, needs := &List{}, f.direct(), f.needs()
	for _, key := range sorted(f.Packages) {
		p := f.Packages[key]
		name, version := pnpmKey(key)
		name, version = or(p.Name, name), or(p.Version, version)
		if p.Resolution.Type == "git" || p.Resolution.Type == "directory" || foreign(p.Resolution.Tarball) {
			l.miss(name, "comes from elsewhere than a registry, of which advisories say nothing")
			continue
		}
		r := ref(name, version)
		l.add(supply.Component{
			Ecosystem: "npm", Name: name, Version: version, Develop: p.Dev, Direct: direct[r], Hashes: integrity(p.Resolution.Integrity),
			Deprecated: deprecated(p.Deprecated), Requires: needs[r],
		})
	}
	return l, nil
}

// pnpmKey reads a package's key: /a/1.0.0_b@1 and /@s/a/1.0.0 in version 5, /a@1.0.0(b@1) in 6, a@1.0.0 in 9.
func pnpmKey(key string) (name, version string) {
	key = strings.TrimPrefix(key, "/")
	key, _, _ = strings.Cut(key, "(")
	if i := strings.Index(key, "@http"); i > 0 {
		return key[:i], "" // an address
	}
	if i := strings.LastIndex(key, "@"); i > 0 && !strings.Contains(key[i:], "/") && !strings.Contains(key[:i], "_") {
		return key[:i], key[i+1:]
	}
	parts := strings.Split(key, "/")
	if strings.HasPrefix(key, "@") && len(parts) >= 3 {
		name, version = parts[0]+"/"+parts[1], parts[2]
	} else if len(parts) >= 2 {
		name, version = parts[0], parts[1]
	}
	version, _, _ = strings.Cut(version, "_")
	return name, version
}

// pnpmTarget is what a wish of this name came to: a version, or the key of another package (an alias).
func pnpmTarget(name, version string) string {
	version, _, _ = strings.Cut(version, "(")
	if numbered := version != "" && version[0] >= '0' && version[0] <= '9'; strings.HasPrefix(version, "/") || !numbered && strings.LastIndex(version, "@") > 0 {
		return ref(pnpmKey(version))
	}
	version, _, _ = strings.Cut(version, "_")
	return ref(name, version)
}

// direct are the packages that the tree's own ask for.
func (f *pnpmFile) direct() map[string]bool {
	direct := map[string]bool{}
	all := []pnpmWishes{f.Wishes}
	for _, w := range f.Importers {
		all = append(all, w)
	}
	for _, w := range all {
		for _, m := range []map[string]any{w.Needs, w.Develop, w.Optional} {
			for name, v := range m {
				if full, ok := v.(map[string]any); ok { // from version 6 on {specifier, version}
					v = full["version"]
				}
				if version, ok := v.(string); ok {
					direct[pnpmTarget(name, version)] = true
				}
			}
		}
	}
	return direct
}

// needs is what each package needs in turn.
func (f *pnpmFile) needs() map[string][]string {
	needs := map[string][]string{}
	for _, m := range []map[string]pnpmPackage{f.Packages, f.Snapshots} {
		for key, p := range m {
			from := ref(pnpmKey(key))
			for _, wishes := range []map[string]string{p.Needs, p.Optional} {
				for _, name := range sorted(wishes) {
					needs[from] = append(needs[from], pnpmTarget(name, wishes[name]))
				}
			}
		}
	}
	return needs
}
