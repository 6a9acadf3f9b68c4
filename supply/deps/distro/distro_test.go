package distro_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/supply/deps/distro"
)

// Ecosystems as OSV names them, by what os-release says.
func TestReleases(t *testing.T) {
	for system, want := range map[string]string{
		"ID=debian\nVERSION_ID=\"12\"":           "Debian:12",
		"ID=ubuntu\nVERSION_ID=\"22.04\"":        "Ubuntu:22.04",
		"ID=alpine\nVERSION_ID=3.18.4":           "Alpine:v3.18",
		"ID=wolfi\nVERSION_ID=\"20230201\"":      "Wolfi",
		"ID=\"rhel\"\nVERSION_ID=\"9.3\"":        "Red Hat:9",
		"ID=\"sles\"\nVERSION_ID=\"15.5\"":       "SUSE:Linux Enterprise Server 15 SP5",
		"ID=opensuse-leap\nVERSION_ID=\"15.5\"":  "openSUSE:Leap 15.5",
		"ID=almalinux\nVERSION_ID=\"8.9\"\nX=\"": "AlmaLinux:8",
	} {
		list, failed := distro.Read(t.Context(), map[string][]byte{"etc/os-release": []byte(system), "var/lib/dpkg/status": []byte("Package: a\nVersion: 1\n")})
		if len(list) != 1 || len(failed) > 0 || list[0].Ecosystem != want {
			t.Errorf("%q: %+v, %q; want %s", system, list, failed, want)
		}
	}
	list, failed := distro.Read(t.Context(), map[string][]byte{"etc/os-release": []byte("ID=fedora"), "var/lib/dpkg/status": []byte("Package: a\nVersion: 1\n")})
	if d := cmp.Diff([]string{"1 packages are of a distribution (fedora) that has no advisories in OSV's form"}, failed); d != "" || len(list) > 0 {
		t.Error(d)
	}
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"lib/apk/db/installed", "var/lib/dpkg/status", "var/lib/dpkg/status.d/a", "var/lib/rpm/rpmdb.sqlite"} {
		f.Add(name, []byte("P:a\nV:1\n\nPackage: a\nVersion: 1\n"))
		f.Add(name, []byte("SQLite format 3\x00"))
	}
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		if !distro.Wanted(name) {
			return
		}
		list, _ := distro.Read(t.Context(), map[string][]byte{name: text, "etc/os-release": []byte("ID=debian\nVERSION_ID=12\n")})
		for _, c := range list {
			if c.Name == "" || c.Version == "" || c.PURL == "" {
				t.Errorf("half a component: %+v", c)
			}
		}
	})
}
