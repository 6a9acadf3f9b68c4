// Package part names the parts that others made: it gives components their package URLs
// (github.com/package-url/purl-spec) and reads components out of them.
package part

import (
	"cmp"
	"strings"

	"github.com/package-url/packageurl-go"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/deps/osv"
)

// types are the purl types of OSV's ecosystems of languages.
func types() map[string]string {
	return map[string]string{
		"Go": "golang", "npm": "npm", "PyPI": "pypi", "Maven": "maven", "RubyGems": "gem", "NuGet": "nuget", "Packagist": "composer",
		"crates.io": "cargo", "Hex": "hex", "Pub": "pub", "SwiftURL": "swift", "GitHub Actions": "githubactions",
	}
}

// distributions are the purl type and namespace of OSV's ecosystems of distributions.
func distributions() map[string][2]string {
	return map[string][2]string{
		"Debian": {"deb", "debian"}, "Ubuntu": {"deb", "ubuntu"}, "Alpine": {"apk", "alpine"}, "Wolfi": {"apk", "wolfi"}, "Chainguard": {"apk", "chainguard"},
		"Red Hat": {"rpm", "redhat"}, "Rocky Linux": {"rpm", "rocky"}, "AlmaLinux": {"rpm", "almalinux"}, "SUSE": {"rpm", "suse"},
		"openSUSE": {"rpm", "opensuse"}, "openEuler": {"rpm", "openeuler"}, "Mageia": {"rpm", "mageia"}, "Azure Linux": {"rpm", "azurelinux"},
	}
}

// URL gives a component's package URL.
func URL(c supply.Component) string {
	base, release, _ := strings.Cut(c.Ecosystem, ":")
	if kind, ok := types()[base]; ok {
		space, name := split(base, c.Name)
		version := c.Version
		if base == "Go" && version != "" && name != "stdlib" && !strings.HasPrefix(version, "v") {
			version = "v" + version
		}
		return packageurl.NewPackageURL(kind, space, name, version, nil, "").ToString()
	}
	d, ok := distributions()[base]
	if !ok {
		return packageurl.NewPackageURL("generic", "", c.Name, c.Version, nil, "").ToString()
	}
	q := map[string]string{}
	if release != "" {
		q["distro"] = d[1] + "-" + number(release)
	}
	if c.Source != "" {
		q["upstream"] = strings.Replace(c.Source, " ", "@", 1)
	}
	return packageurl.NewPackageURL(d[0], d[1], c.Name, c.Version, packageurl.QualifiersFromMap(q), "").ToString()
}

// split divides a name into purl's namespace and name.
func split(base, name string) (space, rest string) {
	sep := "/"
	if base == "Maven" {
		sep = ":"
	}
	i := strings.LastIndex(name, sep)
	if i < 0 || base == "npm" && !strings.HasPrefix(name, "@") {
		return "", name
	}
	return name[:i], name[i+1:]
}

// FromURL reads a component out of a package URL; false where it is none of an ecosystem that we know.
func FromURL(text string) (supply.Component, bool) {
	p, err := packageurl.FromString(text)
	if err != nil || p.Name == "" {
		return supply.Component{}, false
	}
	q := p.Qualifiers.Map()
	for eco, d := range distributions() {
		if d[0] == p.Type && sameDistribution(d[1], p.Namespace) {
			return supply.Component{Ecosystem: eco + release(eco, q["distro"]), Name: p.Name, Version: epoch(p.Version, q["epoch"]), Source: strings.Replace(q["upstream"], "@", " ", 1), PURL: text}, true
		}
	}
	for eco, kind := range types() {
		if kind != p.Type {
			continue
		}
		name := p.Name
		if p.Namespace != "" {
			name = p.Namespace + map[bool]string{true: ":", false: "/"}[eco == "Maven"] + p.Name
		}
		return supply.Component{Ecosystem: eco, Name: name, Version: p.Version, PURL: text}, true
	}
	return supply.Component{}, false
}

// sameDistribution knows the other names by which tools call a distribution.
func sameDistribution(ours, theirs string) bool {
	switch theirs {
	case "rhel", "centos":
		theirs = "redhat"
	case "rocky-linux":
		theirs = "rocky"
	case "alma":
		theirs = "almalinux"
	}
	return ours == theirs
}

// epoch puts rpm's epoch, which purl has apart, before the version.
func epoch(version, epoch string) string {
	if epoch == "" || epoch == "0" || strings.Contains(version, ":") {
		return version
	}
	return epoch + ":" + version
}

// release reads the distro qualifier: debian-12, alpine-3.18.4, ubuntu-22.04.
func release(ecosystem, distro string) string {
	i := strings.LastIndex(distro, "-")
	return Release(ecosystem, distro[i+1:])
}

// Release is how OSV names a distribution's release (":12", ":v3.18", ":22.04"), from the number that
// it gives itself in os-release; empty where OSV names none.
func Release(ecosystem, number string) string {
	major, rest, _ := strings.Cut(strings.TrimPrefix(number, "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	switch {
	case major == "":
		return ""
	case ecosystem == "Debian", ecosystem == "Rocky Linux", ecosystem == "AlmaLinux", ecosystem == "Mageia", ecosystem == "Red Hat", ecosystem == "Azure Linux":
		return ":" + major
	case ecosystem == "openSUSE":
		return ":Leap " + number
	case ecosystem == "SUSE" && minor != "":
		return ":Linux Enterprise Server " + major + " SP" + minor
	case ecosystem == "Alpine":
		return ":v" + major + "." + cmp.Or(minor, "0")
	case ecosystem == "Ubuntu":
		return ":" + number
	}
	return ""
}

// number is Release the other way round.
func number(release string) string {
	release = strings.TrimPrefix(strings.TrimPrefix(release, "Linux Enterprise Server "), "Leap ")
	return strings.Replace(strings.TrimPrefix(release, "v"), " SP", ".", 1)
}

// Names are what advisories may call the component, with the version that they mean: distributions speak of
// the source package (Debian, Ubuntu, Alpine) or of either.
func Names(c supply.Component) [][2]string {
	source, version, _ := strings.Cut(c.Source, " ")
	version = cmp.Or(version, c.Version)
	switch base := osv.Base(c.Ecosystem); {
	case source == "" || source == c.Name:
		return [][2]string{{c.Name, version}}
	case base == "Debian" || base == "Ubuntu" || base == "Alpine":
		return [][2]string{{source, version}}
	}
	return [][2]string{{c.Name, c.Version}, {source, version}}
}
