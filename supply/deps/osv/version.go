package osv

import (
	"fmt"
	"strings"

	depsdev "deps.dev/util/semver"
	apk "github.com/knqyf263/go-apk-version"
	deb "github.com/knqyf263/go-deb-version"
	rpm "github.com/knqyf263/go-rpm-version"
	"golang.org/x/mod/semver"
)

// maxVersion bounds a version's text, in bytes: none is near it, and comparing costs by length.
const maxVersion = 256

// family is how an ecosystem orders its versions.
type family int

const (
	unknown family = iota
	semantic
	pypi
	maven
	nuget
	gems
	composer
	debian
	alpine
	redhat
)

// families says by which rules the ecosystems of the OSV schema order their versions.
func families(ecosystem string) family {
	switch Base(ecosystem) {
	case "Go", "npm", "crates.io", "Hex", "Pub", "SwiftURL", "GitHub Actions":
		return semantic
	case "PyPI":
		return pypi
	case "Maven":
		return maven
	case "NuGet":
		return nuget
	case "RubyGems":
		return gems
	case "Packagist":
		return composer
	case "Debian", "Ubuntu":
		return debian
	case "Alpine", "Wolfi", "Chainguard":
		return alpine
	case "Red Hat", "Rocky Linux", "AlmaLinux", "SUSE", "openSUSE", "openEuler", "Mageia", "Azure Linux":
		return redhat
	}
	return unknown
}

// Known reports whether versions of the ecosystem can be compared.
func Known(ecosystem string) bool { return families(ecosystem) != unknown }

// Compare orders two versions by the rules of their ecosystem: negative when a comes before b.
func Compare(ecosystem, a, b string) (order int, err error) {
	if len(a) > maxVersion || len(b) > maxVersion {
		return 0, fmt.Errorf("a version of more than %d bytes", maxVersion)
	}
	defer func() {
		if recover() != nil { // others' parsers read what a lock file says
			order, err = 0, fmt.Errorf("%q and %q cannot be compared", a, b)
		}
	}()
	switch f := families(ecosystem); f {
	case semantic:
		return compareSemantic(a, b)
	case pypi, maven, nuget, gems:
		return compareSystem(systems()[f], a, b)
	case composer:
		return compareComposer(a, b)
	case debian:
		return compareDebian(a, b)
	case alpine:
		return compareAlpine(a, b)
	case redhat:
		x, y := rpm.NewVersion(a), rpm.NewVersion(b)
		return x.Compare(y), nil
	}
	return 0, fmt.Errorf("versions of %q cannot be compared", ecosystem)
}

func invalid(version string) error { return fmt.Errorf("%q is no version", version) }

// compareSemantic orders by SemVer 2.0.0. What follows a plus, also Go's +incompatible, is not compared.
func compareSemantic(a, b string) (int, error) {
	a, b = "v"+plain(a), "v"+plain(b)
	for _, v := range []string{a, b} {
		if !semver.IsValid(v) {
			return 0, invalid(v[1:])
		}
	}
	return semver.Compare(a, b), nil
}

// plain takes from a semantic version what is written before it, and gives the releases of Go itself
// their semantic form: go1.21rc2 is 1.21.0-rc.2 (go.dev/doc/security/vuln/database, "stdlib").
func plain(v string) string {
	v = strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(v), "="), "go"), "v")
	for _, word := range []string{"rc", "beta"} {
		if head, number, ok := strings.Cut(v, word); ok && head != "" && head[len(head)-1] >= '0' && head[len(head)-1] <= '9' {
			return head + strings.Repeat(".0", max(0, 2-strings.Count(head, "."))) + "-" + word + "." + number
		}
	}
	return v
}

// systems are the orders that deps.dev's library knows better than we.
func systems() map[family]depsdev.System {
	return map[family]depsdev.System{pypi: depsdev.PyPI, maven: depsdev.Maven, nuget: depsdev.NuGet, gems: depsdev.RubyGems}
}

func compareSystem(s depsdev.System, a, b string) (int, error) {
	x, err := s.Parse(a)
	if err != nil {
		return 0, invalid(a)
	}
	y, err := s.Parse(b)
	if err != nil {
		return 0, invalid(b)
	}
	return x.Compare(y), nil
}

// compareDebian orders by deb-version(7).
func compareDebian(a, b string) (int, error) {
	x, err := deb.NewVersion(a)
	if err != nil {
		return 0, invalid(a)
	}
	y, err := deb.NewVersion(b)
	if err != nil {
		return 0, invalid(b)
	}
	return x.Compare(y), nil
}

// compareAlpine orders by apk-package(5).
func compareAlpine(a, b string) (int, error) {
	for _, v := range []string{a, b} {
		if v == "" || v[0] < '0' || v[0] > '9' {
			return 0, invalid(v)
		}
	}
	x, err := apk.NewVersion(a)
	if err != nil {
		return 0, invalid(a)
	}
	y, err := apk.NewVersion(b)
	if err != nil {
		return 0, invalid(b)
	}
	return x.Compare(y), nil
}
