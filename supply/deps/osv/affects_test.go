package osv_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/deps/osv"
)

func now() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// rangeOf makes a range of words such as "introduced 0" and "fixed 1.2.3".
func rangeOf(events ...[2]string) osv.Range {
	r := osv.Range{Type: "ECOSYSTEM"}
	for _, e := range events {
		switch e[0] {
		case "introduced":
			r.Events = append(r.Events, osv.Event{Introduced: e[1]})
		case "fixed":
			r.Events = append(r.Events, osv.Event{Fixed: e[1]})
		case "last":
			r.Events = append(r.Events, osv.Event{LastAffected: e[1]})
		case "limit":
			r.Events = append(r.Events, osv.Event{Limit: e[1]})
		}
	}
	return r
}

// Versions that tools get wrong, each beside a range of its ecosystem: from introduced to fixed.
func TestAwkwardVersions(t *testing.T) {
	for _, tc := range []struct {
		ecosystem, introduced, fixed, version string
		affected                              bool
	}{
		// Go: SemVer; a pseudo-version comes before the tag that it leads to; what follows + is not compared.
		{"Go", "0", "1.2.3", "v1.2.3", false},
		{"Go", "0", "1.2.3", "v1.2.3-rc.1", true},
		{"Go", "0", "1.2.3", "v1.2.3-0.20200101000000-abcdefabcdef", true},
		{"Go", "0", "1.2.3", "v1.2.4-0.20200101000000-abcdefabcdef", false},
		{"Go", "0", "0.0.0-20210101000000-aaaaaaaaaaaa", "v0.0.0-20201231000000-ffffffffffff", true},
		{"Go", "0", "0.0.0-20210101000000-aaaaaaaaaaaa", "v0.0.0-20210101000000-aaaaaaaaaaaa", false},
		{"Go", "0", "2.0.0+incompatible", "v2.0.0+incompatible", false},
		{"Go", "0", "2.0.0", "v1.9.9+incompatible", true},
		{"Go", "1.5.0-0", "1.5.3", "1.5.0-rc.1", true},
		{"Go", "1.5.0-0", "1.5.3", "1.4.9", false},
		{"Go", "1.21.0-0", "1.21.8", "go1.21rc2", true},
		{"Go", "0", "1.21.0-rc.2", "go1.21rc2", false},
		{"Go", "1.22.0-0", "1.22.1", "go1.22", true},
		{"Go", "0", "1.10.0", "v1.9.0", true},
		// npm: SemVer; numbers as numbers, a pre-release before its release.
		{"npm", "0", "4.17.21", "4.17.20", true},
		{"npm", "0", "4.17.21", "4.17.21", false},
		{"npm", "0", "4.17.21", "4.17.21-beta.1", true},
		{"npm", "2.0.0", "2.1.0", "2.0.0-alpha", false},
		{"npm", "0", "1.0.0-beta.10", "1.0.0-beta.9", true},
		{"npm", "0", "1.0.0-beta.10", "1.0.0-beta.11", false},
		{"npm", "0", "1.0.0", "1.0.0+build.5", false},
		{"npm", "0", "10.0.0", "9.99.99", true},
		// PyPI: PEP 440.
		{"PyPI", "0", "1.0", "1.0.0", false},
		{"PyPI", "0", "1.0", "1.0.post1", false},
		{"PyPI", "0", "1.0", "1.0.dev3", true},
		{"PyPI", "0", "1.0", "1.0rc1", true},
		{"PyPI", "0", "1.0", "1.0a1", true},
		{"PyPI", "0", "1.0rc1", "1.0b9", true},
		{"PyPI", "0", "1.0.post2", "1.0.post1", true},
		{"PyPI", "0", "1.0", "1.0+local.1", false},
		{"PyPI", "0", "2.0", "1!0.1", false},
		{"PyPI", "0", "1!2.0", "3.0", true},
		{"PyPI", "0", "1.10", "1.9", true},
		{"PyPI", "0", "1.0", "v1.0", false},
		{"PyPI", "0", "1.0", "1.0-1", false},
		{"PyPI", "0", "1.0", "1.0.0rc1.dev2", true},
		// Maven: ComparableVersion's qualifiers.
		{"Maven", "0", "1.0", "1.0-alpha-1", true},
		{"Maven", "0", "1.0", "1.0-SNAPSHOT", true},
		{"Maven", "0", "1.0", "1.0.0", false},
		{"Maven", "0", "1.0", "1.0-ga", false},
		{"Maven", "0", "1.0", "1.0.Final", false},
		{"Maven", "0", "1.0-sp1", "1.0", true},
		{"Maven", "0", "1.0", "1.0-sp1", false},
		{"Maven", "0", "2.13.4.2", "2.13.4.1", true},
		{"Maven", "0", "2.13.4.2", "2.13.4", true},
		{"Maven", "0", "32.0.0-android", "31.1-android", true},
		{"Maven", "0", "1.0-rc2", "1.0-m3", true},
		{"Maven", "0", "1.0-beta-2", "1.0-b2", false},
		{"Maven", "0", "2.0", "1.10", true},
		// NuGet: four numbers, case of labels does not count.
		{"NuGet", "0", "1.2.3.4", "1.2.3.3", true},
		{"NuGet", "0", "1.2.3", "1.2.3.0", false},
		{"NuGet", "0", "13.0.1", "13.0.1-beta2", true},
		{"NuGet", "0", "1.0.0-RC1", "1.0.0-rc1", false},
		// RubyGems: a letter makes a pre-release.
		{"RubyGems", "0", "1.13.0", "1.13.0.rc1", true},
		{"RubyGems", "0", "1.13.0", "1.13", false},
		{"RubyGems", "0", "5.2.4.3", "5.2.4", true},
		// crates.io: SemVer.
		{"crates.io", "0", "0.3.0", "0.3.0-alpha.2", true},
		{"crates.io", "0", "0.3.0", "0.3.0", false},
		// Packagist.
		{"Packagist", "0", "5.4.1", "v5.4.0", true},
		{"Packagist", "0", "5.4.1", "v5.4.1", false},
		{"Packagist", "0", "1.0.0", "1.0.0-RC1", true},
		{"Packagist", "0", "1.0.0", "1.0.0-p1", false},
		{"Packagist", "0", "1.0.0.0", "1.0", false},
		{"Packagist", "0", "2.0.0-alpha1", "2.0.0-dev", true},
		{"Packagist", "0", "2.0.0-RC2", "2.0.0-beta10", true},
		// Debian: a tilde comes before all, also before the end; an epoch before everything else; backports have a fix.
		{"Debian:12", "0", "1.2.3-4", "1.2.3-4", false},
		{"Debian:12", "0", "1.2.3-4", "1.2.3-4~bpo11+1", true},
		{"Debian:12", "0", "1.2.3-4+deb12u1", "1.2.3-4", true},
		{"Debian:12", "0", "1.2.3-4+deb12u1", "1.2.3-4+deb12u2", false},
		{"Debian:12", "0", "1:1.0-1", "2.0-1", true},
		{"Debian:12", "0", "2.0-1", "1:1.0-1", false},
		{"Debian:12", "0", "2.0-1", "2.0~rc1-1", true},
		{"Debian:12", "0", "1.1.1n-0+deb11u5", "1.1.1n-0+deb11u10", false},
		{"Debian:12", "0", "1.0-1", "1.0-1+b1", false},
		{"Debian:12", "0", "1.10-1", "1.9-1", true},
		{"Ubuntu:22.04", "0", "3.0.2-0ubuntu1.10", "3.0.2-0ubuntu1.9", true},
		// Alpine: suffixes _alpha to _rc come before, _p after; -r is the build.
		{"Alpine:v3.18", "0", "1.2.3-r1", "1.2.3-r0", true},
		{"Alpine:v3.18", "0", "1.2.3-r1", "1.2.3-r10", false},
		{"Alpine:v3.18", "0", "1.2.3-r0", "1.2.3_rc1-r0", true},
		{"Alpine:v3.18", "0", "1.2.3_p1-r0", "1.2.3-r5", true},
		{"Alpine:v3.18", "0", "1.2.3-r0", "1.2.3_p1-r0", false},
		{"Alpine:v3.18", "0", "1.2.3_rc2-r0", "1.2.3_beta9-r0", true},
		{"Alpine:v3.18", "0", "1.1.1t-r3", "1.1.1s-r0", true},
		// rpm: epochs, tildes, carets, releases.
		{"Rocky Linux:9", "0", "0:1.2.3-4.el9_2", "1.2.3-4.el9", true},
		{"Rocky Linux:9", "0", "0:1.2.3-4.el9", "1.2.3-4.el9_2", false},
		{"Red Hat", "0", "1:1.0-1.el9", "0:9.0-1.el9", true},
		{"AlmaLinux:9", "0", "2.0-1", "2.0~rc1-1", true},
		{"AlmaLinux:9", "0", "2.0-1", "2.0^git1-1", false},
	} {
		a := osv.Advisory{Affected: []osv.Affected{{Ranges: []osv.Range{rangeOf([2]string{"fixed", tc.fixed}, [2]string{"introduced", tc.introduced})}}}}
		got, err := a.Affects(tc.ecosystem, tc.version, now())
		if err != nil || got != tc.affected {
			t.Errorf("%s %s in [%s, %s): %v, %v; want %v", tc.ecosystem, tc.version, tc.introduced, tc.fixed, got, err, tc.affected)
		}
	}
}

// What OSV's evaluation says of ranges, versions, limits and withdrawal.
func TestEvaluation(t *testing.T) {
	two := rangeOf([2]string{"introduced", "0"}, [2]string{"fixed", "1.2.0"}, [2]string{"introduced", "2.0.0"}, [2]string{"fixed", "2.1.0"})
	gone := now().Add(-time.Hour)
	for name, tc := range map[string]struct {
		advisory osv.Advisory
		yes, no  []string
	}{
		"two lines":          {osv.Advisory{Affected: []osv.Affected{{Ranges: []osv.Range{two}}}}, []string{"1.1.9", "2.0.0", "2.0.9"}, []string{"1.2.0", "1.9.0", "2.1.0", "3.0.0"}},
		"last affected":      {osv.Advisory{Affected: []osv.Affected{{Ranges: []osv.Range{rangeOf([2]string{"introduced", "1.0.0"}, [2]string{"last", "1.2.0"})}}}}, []string{"1.0.0", "1.2.0"}, []string{"0.9.0", "1.2.1"}},
		"no fix":             {osv.Advisory{Affected: []osv.Affected{{Ranges: []osv.Range{rangeOf([2]string{"introduced", "0"})}}}}, []string{"0.0.1", "99.0.0"}, nil},
		"fixed where it was": {osv.Advisory{Affected: []osv.Affected{{Ranges: []osv.Range{rangeOf([2]string{"fixed", "1.0.0"}, [2]string{"introduced", "1.0.0"})}}}}, nil, []string{"0.9.0", "1.0.0", "1.0.1"}},
		"limit":              {osv.Advisory{Affected: []osv.Affected{{Ranges: []osv.Range{rangeOf([2]string{"introduced", "0"}, [2]string{"limit", "2.0.0"})}}}}, []string{"1.9.9"}, []string{"2.0.0"}},
		"limit of none":      {osv.Advisory{Affected: []osv.Affected{{Ranges: []osv.Range{rangeOf([2]string{"introduced", "0"}, [2]string{"limit", "*"})}}}}, []string{"9.0.0"}, nil},
		"lines from 0":       {osv.Advisory{Affected: []osv.Affected{{Ranges: []osv.Range{rangeOf([2]string{"introduced", "0"}, [2]string{"fixed", "1.0.6"})}}, {Ranges: []osv.Range{rangeOf([2]string{"introduced", "0"}, [2]string{"fixed", "1.1.5"})}}}}, []string{"1.0.5", "1.1.4"}, []string{"1.0.6", "1.1.5", "1.2.0"}},
		"list":               {osv.Advisory{Affected: []osv.Affected{{Versions: []string{"1.0.0", "not.a.version"}}}}, []string{"1.0.0", "not.a.version"}, []string{"1.0.1"}},
		"list and range":     {osv.Advisory{Affected: []osv.Affected{{Versions: []string{"5.0.0"}, Ranges: []osv.Range{two}}}}, []string{"5.0.0", "1.0.0"}, []string{"4.0.0"}},
		"withdrawn":          {osv.Advisory{Withdrawn: &gone, Affected: []osv.Affected{{Ranges: []osv.Range{rangeOf([2]string{"introduced", "0"})}}}}, nil, []string{"1.0.0"}},
		"events of no order": {osv.Advisory{Affected: []osv.Affected{{Ranges: []osv.Range{rangeOf([2]string{"fixed", "2.1.0"}, [2]string{"introduced", "2.0.0"}, [2]string{"fixed", "1.2.0"}, [2]string{"introduced", "0"})}}}}, []string{"1.0.0", "2.0.5"}, []string{"1.5.0", "2.1.0"}},
	} {
		for version, want := range both(tc.yes, tc.no) {
			if got, err := tc.advisory.Affects("npm", version, now()); err != nil || got != want {
				t.Errorf("%s: %s: %v, %v; want %v", name, version, got, err, want)
			}
		}
	}
}

func both(yes, no []string) map[string]bool {
	m := map[string]bool{}
	for _, v := range yes {
		m[v] = true
	}
	for _, v := range no {
		m[v] = false
	}
	return m
}

// A version that cannot be compared is an error, and never clean.
func TestWhatCannotBeComparedIsAnError(t *testing.T) {
	a := osv.Advisory{Affected: []osv.Affected{{Ranges: []osv.Range{rangeOf([2]string{"introduced", "0"}, [2]string{"fixed", "1.0.0"})}}}}
	for _, tc := range [][2]string{{"npm", "latest"}, {"Go", "main"}, {"PyPI", "2004d"}, {"Debian:12", ""}, {"Alpine:v3.18", "x"}, {"Packagist", "dev-main"}, {"Nowhere", "1"}, {"npm", string(make([]byte, 1000))}} {
		if yes, err := a.Affects(tc[0], tc[1], now()); err == nil || yes {
			t.Errorf("%q of %s: %v, %v", tc[1], tc[0], yes, err)
		}
	}
}

// Go's database says of some modules that all versions are affected, and in the project's own numbers which are.
func TestTaggedVersionsFollowTheProjectsNumbers(t *testing.T) {
	a := osv.Advisory{Affected: []osv.Affected{{
		Ranges: []osv.Range{rangeOf([2]string{"introduced", "0"})}, Tagged: []osv.Range{rangeOf([2]string{"introduced", "0"}, [2]string{"fixed", "0.7.22"})},
	}}}
	for version, want := range map[string]bool{"v0.7.21": true, "v0.7.22": false, "v0.8.0": false, "v0.0.0-20200101000000-abcdefabcdef": true} {
		if got, err := a.Affects("Go", version, now()); err != nil || got != want {
			t.Errorf("%s: %v, %v", version, got, err)
		}
	}
	if fix := a.Fix("Go", "v0.7.1", now()); fix != "0.7.22" {
		t.Errorf("fix %q", fix)
	}
}

// The fix is the nearest in the same major version, and never one that is affected.
func TestFix(t *testing.T) {
	a := osv.Advisory{Affected: []osv.Affected{
		{Ranges: []osv.Range{rangeOf([2]string{"introduced", "1.0.0"}, [2]string{"fixed", "1.4.2"}, [2]string{"introduced", "2.0.0"}, [2]string{"fixed", "2.3.0"})}},
		{Versions: []string{"2.3.0"}, Ranges: []osv.Range{rangeOf([2]string{"introduced", "2.3.0"}, [2]string{"fixed", "2.3.1"})}},
	}}
	got := map[string]string{}
	for _, v := range []string{"1.0.0", "1.4.1", "2.0.0", "2.3.0", "2.3.1"} {
		got[v] = a.Fix("npm", v, now())
	}
	if d := cmp.Diff(map[string]string{"1.0.0": "1.4.2", "1.4.1": "1.4.2", "2.0.0": "2.3.1", "2.3.0": "2.3.1", "2.3.1": ""}, got); d != "" {
		t.Error(d)
	}
}

// Scores of FIRST's own examples (CVSS 3.1 and 4.0, "Examples"), and the words of databases.
func TestSeverity(t *testing.T) {
	for _, tc := range []struct {
		advisory osv.Advisory
		want     supply.Severity
	}{
		{osv.Advisory{Vectors: []string{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}}, supply.Critical},
		{osv.Advisory{Vectors: []string{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}}, supply.High},
		{osv.Advisory{Vectors: []string{"CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N"}}, supply.Medium},
		{osv.Advisory{Vectors: []string{"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"}}, supply.Critical},
		{osv.Advisory{Vectors: []string{"AV:N/AC:L/Au:N/C:N/I:N/A:C"}}, supply.High},
		{osv.Advisory{Word: "MODERATE"}, supply.Medium},
		{osv.Advisory{Word: "LOW", Vectors: []string{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}}, supply.Critical},
		{osv.Advisory{Affected: []osv.Affected{{Word: "unimportant"}}}, supply.Info},
		{osv.Advisory{Vectors: []string{"nonsense"}}, supply.Unknown},
		{osv.Advisory{}, supply.Unknown},
	} {
		if got := tc.advisory.Severity(); got != tc.want {
			t.Errorf("%+v: %v, want %v", tc.advisory, got, tc.want)
		}
	}
}

func FuzzCompare(f *testing.F) {
	for _, s := range [][3]string{{"Go", "v1.0.0-rc1", "v1.0.0"}, {"PyPI", "1!1.0.post1.dev2+x", "1.0"}, {"Maven", "1.0-alpha-1", "1.0.0.Final"}, {"Debian:12", "1:1.0~rc1-1+b2", "1.0"}, {"Alpine:v3.18", "1.2_rc1-r0", "1.2"}, {"Red Hat", "1:1^a-1", "1~b-2"}, {"NuGet", "1.2.3.4-a", "1"}, {"RubyGems", "1.a", "1"}, {"Packagist", "1.0-p1", "dev-main"}} {
		f.Add(s[0], s[1], s[2])
	}
	f.Fuzz(func(t *testing.T, ecosystem, a, b string) {
		x, err := osv.Compare(ecosystem, a, b)
		y, err2 := osv.Compare(ecosystem, b, a)
		if (err == nil) != (err2 == nil) || err == nil && (x < 0) != (y > 0) {
			t.Errorf("%s: %q against %q: %d, %v; turned round %d, %v", ecosystem, a, b, x, err, y, err2)
		}
	})
}
