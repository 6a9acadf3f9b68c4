package distro

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/deps/part"
)

// maxPackages bounds what one system may have.
const maxPackages = 100_000

// Wanted reports whether a file of a root file system is one that Read looks at. The path has no slash before it.
func Wanted(name string) bool {
	switch name {
	case "etc/os-release", "usr/lib/os-release", "lib/apk/db/installed", "usr/lib/apk/db/installed", "var/lib/dpkg/status":
		return true
	}
	return rpmDatabase(name) || strings.HasPrefix(name, "var/lib/dpkg/status.d/") && path.Ext(name) != ".md5sums"
}

// rpmDatabase reports whether a file is a database of rpm, of any of its kinds.
func rpmDatabase(name string) bool {
	switch path.Dir(name) {
	case "var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm":
		switch path.Base(name) {
		case "rpmdb.sqlite", "rpmdb.sqlite-wal", "Packages", "Packages.db":
			return true
		}
	}
	return false
}

// Read lists the packages of a root file system, of which files holds what Wanted wants, and what could not be checked.
func Read(ctx context.Context, files map[string][]byte) (list []supply.Component, failed []string) {
	system := release(files)
	add := func(name string, some []supply.Component, err error) {
		if err != nil {
			failed = append(failed, name+": "+err.Error())
		}
		for _, c := range some {
			if c.Name != "" && c.Version != "" {
				list = append(list, c)
			}
		}
	}
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		text := files[name]
		switch base := path.Base(name); {
		case strings.HasSuffix(name, "apk/db/installed"):
			add(name, apk(text), nil)
		case strings.HasPrefix(name, "var/lib/dpkg/status"):
			add(name, dpkg(text), nil)
		case base == "rpmdb.sqlite":
			some, err := rpm(ctx, text)
			add(name, some, err)
		case base == "rpmdb.sqlite-wal" && len(text) > 0:
			failed = append(failed, name+": changes that are not in the database yet are not looked at")
		case base == "Packages" || base == "Packages.db":
			failed = append(failed, name+": rpm's databases of before 4.16 (Berkeley DB) and of SUSE (ndb) cannot be read")
		}
	}
	if len(list) > maxPackages {
		return nil, append(failed, "it has more packages than a scan takes")
	}
	if len(list) > 0 && system == "" {
		return nil, append(failed, fmt.Sprintf("%d packages are of a distribution (%s) that has no advisories in OSV's form", len(list), named(files)))
	}
	for i := range list {
		list[i].Ecosystem = system
		list[i].PURL = part.URL(list[i])
	}
	return list, failed
}

// release is the OSV ecosystem of a root file system, such as Debian:12; empty where it is none.
func release(files map[string][]byte) string {
	r := osRelease(files)
	base := map[string]string{
		"debian": "Debian", "ubuntu": "Ubuntu", "alpine": "Alpine", "wolfi": "Wolfi", "chainguard": "Chainguard", "rhel": "Red Hat", "rocky": "Rocky Linux",
		"almalinux": "AlmaLinux", "sles": "SUSE", "opensuse-leap": "openSUSE", "mageia": "Mageia", "azurelinux": "Azure Linux",
	}[r["ID"]]
	if base == "" {
		return ""
	}
	return base + part.Release(base, r["VERSION_ID"])
}

func named(files map[string][]byte) string {
	id := osRelease(files)["ID"]
	if id == "" {
		return "without os-release"
	}
	return id[:min(len(id), 40)]
}

// osRelease reads os-release (freedesktop.org/software/systemd/man/os-release.html).
func osRelease(files map[string][]byte) map[string]string {
	m := map[string]string{}
	for _, name := range []string{"usr/lib/os-release", "etc/os-release"} {
		for line := range strings.Lines(string(files[name])) {
			if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && len(value) < 200 {
				m[key] = strings.Trim(value, `"'`)
			}
		}
	}
	return m
}
