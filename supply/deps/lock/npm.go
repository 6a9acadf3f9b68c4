package lock

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tutela-health/tutela/supply"
)

// npmFile is package-lock.json: versions 2 and 3 have Packages, version 1 has Dependencies.
type npmFile struct {
	Packages     map[string]npmPackage `json:"packages"`
	Dependencies map[string]npmNested  `json:"dependencies"`
}

type npmPackage struct {
	Name         string            `json:"name"`
	Version      string            `json:"version"`
	Resolved     string            `json:"resolved"`
	Integrity    string            `json:"integrity"`
	Link         bool              `json:"link"`
	Dev          bool              `json:"dev"`
	DevOptional  bool              `json:"devOptional"`
	License      any               `json:"license"`
	Deprecated   any               `json:"deprecated"`
	Dependencies map[string]string `json:"dependencies"`
	DevNeeds     map[string]string `json:"devDependencies"`
	Optional     map[string]string `json:"optionalDependencies"`
}

type npmNested struct {
	Version      string               `json:"version"`
	Integrity    string               `json:"integrity"`
	Dev          bool                 `json:"dev"`
	Deprecated   any                  `json:"deprecated"`
	Requires     json.RawMessage      `json:"requires"`
	Dependencies map[string]npmNested `json:"dependencies"`
}

func npmLock(text []byte) (*List, error) {
	var f npmFile
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("not a package-lock.json: %s", firstLine(err))
	}
	l := &List{}
	switch {
	case f.Packages != nil:
		npmPackages(l, f.Packages)
	case f.Dependencies != nil:
		return l, npmTree(l, f.Dependencies, nil, 0)
	}
	return l, nil
}

const modules = "node_modules/"

// npmPackages reads versions 2 and 3, which name each package by the folder that it is installed in.
func npmPackages(l *List, packages map[string]npmPackage) {
	direct := npmDirect(packages)
	for _, key := range sorted(packages) {
		p := packages[key]
		i := strings.LastIndex(key, modules)
		if i < 0 || p.Link || own(p.Resolved) { // the tree's own packages, and links to them
			continue
		}
		if foreign(p.Resolved) {
			l.miss(key[i+len(modules):], "comes from "+origin(p.Resolved)+", of which advisories say nothing")
			continue
		}
		c := supply.Component{
			Ecosystem: "npm", Name: or(p.Name, key[i+len(modules):]), Version: p.Version, Direct: direct[key], Develop: p.Dev || p.DevOptional,
			Licenses: licenses(p.License), Hashes: integrity(p.Integrity), Deprecated: deprecated(p.Deprecated),
		}
		for _, name := range sorted(p.Dependencies) {
			if k, ok := npmResolve(packages, key, name); ok {
				c.Requires = append(c.Requires, ref(or(packages[k].Name, name), packages[k].Version))
			}
		}
		l.add(c)
	}
}

// npmDirect are the folders of what the tree's own packages ask for.
func npmDirect(packages map[string]npmPackage) map[string]bool {
	direct := map[string]bool{}
	for key, p := range packages {
		if strings.Contains(key, modules) {
			continue
		}
		for _, asked := range []map[string]string{p.Dependencies, p.DevNeeds, p.Optional} {
			for name := range asked {
				if k, ok := npmResolve(packages, key, name); ok {
					direct[k] = true
				}
			}
		}
	}
	return direct
}

// npmResolve finds a package as Node does: in the nearest node_modules folder upward.
func npmResolve(packages map[string]npmPackage, from, name string) (string, bool) {
	for {
		key := modules + name
		if from != "" {
			key = from + "/" + key
		}
		if _, ok := packages[key]; ok {
			return key, true
		}
		if from == "" {
			return "", false
		}
		from = strings.TrimSuffix(from[:max(0, strings.LastIndex(from, modules))], "/")
		// A workspace lies in a folder of its own, from which one goes up to the root.
	}
}

// maxNesting bounds how deep packages of version 1 lie in one another.
const maxNesting = 200

// npmTree reads version 1, in which packages lie within the packages that they are installed in.
func npmTree(l *List, tree map[string]npmNested, outer []map[string]npmNested, depth int) error {
	if depth > maxNesting {
		return errors.New("its packages are nested too deep")
	}
	scopes := append(outer[:len(outer):len(outer)], tree)
	for _, name := range sorted(tree) {
		p := tree[name]
		version := p.Version
		if alias, ok := strings.CutPrefix(version, "npm:"); ok {
			if i := strings.LastIndex(alias, "@"); i > 0 {
				name, version = alias[:i], alias[i+1:]
			}
		}
		if own(version) {
			continue
		}
		if foreign(version) {
			l.miss(name, "comes from "+origin(version)+", of which advisories say nothing")
		} else {
			c := supply.Component{Ecosystem: "npm", Name: name, Version: version, Develop: p.Dev, Hashes: integrity(p.Integrity), Deprecated: deprecated(p.Deprecated)}
			c.Requires = npmRequires(p, scopes)
			l.add(c)
		}
		if len(p.Dependencies) > 0 {
			if err := npmTree(l, p.Dependencies, scopes, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func npmRequires(p npmNested, scopes []map[string]npmNested) (refs []string) {
	var asked map[string]string
	if json.Unmarshal(p.Requires, &asked) != nil {
		return nil // npm 5 wrote only true
	}
	for _, name := range sorted(asked) {
		if own, ok := p.Dependencies[name]; ok {
			refs = append(refs, ref(name, own.Version))
			continue
		}
		for i := len(scopes) - 1; i >= 0; i-- {
			if near, ok := scopes[i][name]; ok {
				refs = append(refs, ref(name, near.Version))
				break
			}
		}
	}
	return refs
}

// foreign reports whether a package comes from elsewhere than a registry.
func foreign(from string) bool {
	for _, scheme := range []string{"git+", "git:", "git@", "github:", "gitlab:", "bitbucket:", "file:", "link:"} {
		if strings.HasPrefix(from, scheme) {
			return true
		}
	}
	return strings.HasPrefix(from, "https://codeload.github.com/") || strings.HasPrefix(from, "git://")
}

// own reports whether a package is a folder of the tree; an archive in it is not.
func own(from string) bool {
	folder := strings.HasPrefix(from, "file:") || strings.HasPrefix(from, "link:")
	return folder && !strings.HasSuffix(from, ".tgz") && !strings.HasSuffix(from, ".tar.gz")
}

// origin is the kind of place that a package comes from; its address may hold a password.
func origin(from string) string {
	if strings.HasPrefix(from, "file:") || strings.HasPrefix(from, "link:") {
		return "an archive in the tree"
	}
	return "git"
}

// integrity reads Subresource Integrity: sha512-BASE64.
func integrity(text string) (hashes []string) {
	for _, part := range strings.Fields(text) {
		name, value, _ := strings.Cut(part, "-")
		value, _, _ = strings.Cut(value, "?")
		sum, err := base64.StdEncoding.DecodeString(value)
		if h := hash(name, hex.EncodeToString(sum)); err == nil && h != "" {
			hashes = append(hashes, h)
		}
	}
	return hashes
}

// hash names a hash as CycloneDX does; empty where it is none.
func hash(algorithm, value string) string {
	names := map[string]struct {
		name  string
		bytes int
	}{"md5": {"MD5", 16}, "sha1": {"SHA-1", 20}, "sha256": {"SHA-256", 32}, "sha384": {"SHA-384", 48}, "sha512": {"SHA-512", 64}}
	n, ok := names[strings.ToLower(algorithm)]
	if sum, err := hex.DecodeString(value); !ok || err != nil || len(sum) != n.bytes {
		return ""
	}
	return n.name + ":" + strings.ToLower(value)
}

// licenses reads what package.json calls license: a text, an object with a type, or a list of them.
func licenses(v any) []string {
	switch v := v.(type) {
	case string:
		if v = strings.TrimSpace(v); v != "" && len(v) < 200 {
			return []string{v}
		}
	case map[string]any:
		return licenses(v["type"])
	case []any:
		var list []string
		for _, one := range v[:min(len(v), 10)] {
			if _, nested := one.([]any); !nested {
				list = append(list, licenses(one)...)
			}
		}
		return list
	}
	return nil
}

// deprecated reads what a publisher says of a package's end.
func deprecated(v any) string {
	switch v := v.(type) {
	case string:
		return clip(strings.Join(strings.Fields(v), " "))
	case bool:
		if v {
			return "deprecated"
		}
	}
	return ""
}
