package deps_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/deps"
	"github.com/tutela-health/tutela/supply/deps/lock"
	"github.com/tutela-health/tutela/supply/deps/osv"
)

func now() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// tree writes files.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// known makes a folder of advisories: for each ecosystem the records, and what is exploited.
func known(t *testing.T, ecosystems map[string][]string, exploited string) string {
	t.Helper()
	dir := t.TempDir()
	s, err := osv.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, records := range ecosystems {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for i, r := range records {
			w, err := z.Create(fmt.Sprint(i, ".json"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write([]byte(r)); err != nil {
				t.Fatal(err)
			}
		}
		file := filepath.Join(t.TempDir(), name+".zip")
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Import(t.Context(), file, now(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if exploited != "" {
		file := filepath.Join(t.TempDir(), "kev.json")
		if err := os.WriteFile(file, []byte(`{"dateReleased":"2026-11-01T00:00:00Z","vulnerabilities":[{"cveID":"`+exploited+`"}]}`), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.ImportExploited(file); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// advisory is a record of one package, fixed in a version; more are further keys.
func advisory(id, ecosystem, name, fixed, more string) string {
	return fmt.Sprintf(`{"id":%q,"modified":"2026-10-01T00:00:00Z","summary":"a fault","affected":[{"package":{"ecosystem":%q,"name":%q},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":%q}]}]}]%s}`, id, ecosystem, name, fixed, more)
}

func scan(t *testing.T, dir, db string) *supply.Report {
	t.Helper()
	tree, err := supply.OpenTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tree.Close() }()
	r, err := supply.Scan{Trees: []supply.TreeScanner{deps.Scanner{Dir: db, Clock: now}}, Clock: now}.Run(t.Context(), tree)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// brief writes a finding in a line.
func brief(list []supply.Finding) []string {
	lines := []string{}
	for _, f := range list {
		if f.Class != supply.Dependencies {
			lines = append(lines, "of class "+string(f.Class))
		}
		s := fmt.Sprintf("%s %s %s:%d %s@%s", f.Severity, f.Rule.ID, f.Place.Path, f.Place.Line, f.Component.Name, f.Component.Version)
		if f.Fix != "" {
			s += " " + f.Fix
		}
		if f.Exploited {
			s += " exploited"
		}
		if f.Reachable != nil {
			s += fmt.Sprint(" reachable=", *f.Reachable)
		}
		if f.Waiver != nil {
			s += " waived by " + f.Waiver.From + ": " + f.Waiver.Reason
		}
		lines = append(lines, s)
	}
	return lines
}

const high = `,"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}]`

// One fault under three names is one finding, as severe as the worst of them says; what is exploited is critical.
func TestAFaultIsFoundOnce(t *testing.T) {
	dir := tree(t, map[string]string{
		"package-lock.json":   "{\"lockfileVersion\":3,\"packages\":{\n\"node_modules/lodash\":{\"version\":\"4.17.20\"},\n\"node_modules/other\":{\"version\":\"1.0.0\"},\n\"node_modules/evil\":{\"version\":\"6.6.6\"}}}",
		"py/requirements.txt": "django==3.2.1\nflask==2.0.0\n",
	})
	db := known(t, map[string][]string{
		"npm": {
			advisory("GHSA-1", "npm", "lodash", "4.17.21", `,"aliases":["CVE-2021-1"],"database_specific":{"severity":"LOW","cwe_ids":["CWE-94"]}`),
			advisory("SNYK-1", "npm", "lodash", "4.17.21", `,"aliases":["CVE-2021-1"]`+high),
			advisory("GHSA-2", "npm", "other", "1.0.0", high),
			`{"id":"MAL-1","modified":"2026-10-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"evil"},"versions":["6.6.6"]}]}`,
		},
		"PyPI": {advisory("PYSEC-1", "PyPI", "Django", "3.2.2", `,"aliases":["CVE-2021-2"]`), advisory("PYSEC-2", "PyPI", "flask", "2.0.0", high)},
	}, "CVE-2021-2")
	r := scan(t, dir, db)
	want := []string{
		"critical MAL-1 package-lock.json:4 evil@6.6.6",
		"critical PYSEC-1 py/requirements.txt:1 django@3.2.1 upgrade to 3.2.2 exploited",
		"high SNYK-1 package-lock.json:2 lodash@4.17.20 upgrade to 4.17.21",
	}
	if d := cmp.Diff(want, brief(r.Findings)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"CVE-2021-1", "GHSA-1"}, r.Findings[2].Aliases); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"CWE-1395", "CWE-94"}, r.Findings[2].Rule.CWE); d != "" {
		t.Error(d)
	}
	if len(r.Data) != 3 || r.Data[0].Name != "OSV npm" || r.Data[0].Entries != 4 || r.Data[0].Newest.Year() != 2026 {
		t.Errorf("%+v", r.Data)
	}
	if len(r.Components) != 5 {
		t.Errorf("%d components", len(r.Components))
	}
}

// An ecosystem without advisories is blind, with the command that ends this; the others are still checked.
func TestMissingAdvisoriesAreBlind(t *testing.T) {
	dir := tree(t, map[string]string{"requirements.txt": "django==3.2.1\n", "package-lock.json": `{"packages":{"node_modules/a":{"version":"1.0.0"}}}`, "Cargo.lock": "[[package]]\nname='a'\nversion='1.0.0'\nsource='registry+x'\n"})
	r := scan(t, dir, known(t, map[string][]string{"PyPI": {advisory("PYSEC-1", "PyPI", "django", "3.2.2", "")}}, ""))
	want := "no advisories of crates.io, npm are there; where there is a network run  " +
		"curl -fLo crates.io.zip https://osv-vulnerabilities.storage.googleapis.com/crates.io/all.zip && curl -fLo npm.zip https://osv-vulnerabilities.storage.googleapis.com/npm/all.zip && tutela advisories import crates.io.zip npm.zip"
	if d := cmp.Diff(want, r.Checked[0].Blind); d != "" {
		t.Error(d)
	}
	if len(r.Findings) != 1 {
		t.Errorf("%v", brief(r.Findings))
	}
	if r := scan(t, tree(t, map[string]string{"README": "x"}), t.TempDir()); r.Checked[0].Blind != "" || len(r.Checked[0].Failed) != 0 {
		t.Errorf("nothing to look at: %+v", r.Checked)
	}
}

// Advisories that are damaged make this class blind, and do not end the scan.
func TestDamagedAdvisoriesAreBlind(t *testing.T) {
	for name, text := range map[string]string{"kev.json": "{", "npm.db": "SQLite format 3\x00 and then nothing"} {
		r := scan(t, tree(t, map[string]string{"package-lock.json": `{"packages":{"node_modules/a":{"version":"1.0.0"}}}`}), tree(t, map[string]string{name: text}))
		if !strings.Contains(r.Checked[0].Blind, "import the advisories again") || len(r.Components) != 1 {
			t.Errorf("%s: %+v", name, r.Checked)
		}
	}
}

// What asks for packages without saying which, and what cannot be read or compared, is said.
func TestWhatCouldNotBeChecked(t *testing.T) {
	dir := tree(t, map[string]string{
		"package.json": `{"dependencies":{"a":"^1"}}`, "web/package.json": `{"dependencies":{"a":"^1"}}`, "web/package-lock.json": `{"packages":{"node_modules/a":{"version":"latest"}}}`,
		"web/inner/package.json": `{"dependencies":{"b":"^1"}}`, "yarn/yarn.lock": "nonsense", "requirements.txt": "flask>=1\n",
		"bun.lock": "{}",
	})
	r := scan(t, dir, known(t, map[string][]string{"npm": {advisory("G-1", "npm", "a", "2.0.0", "")}, "PyPI": {advisory("P-1", "PyPI", "x", "1", "")}}, ""))
	want := []string{
		"bun.lock: lock files of this kind are not read",
		"requirements.txt: flask is not pinned to one version",
		"yarn/yarn.lock: nonsense has no version",
		"package.json: not pinned: it asks for packages and no lock file says which were taken; commit package-lock.json (npm install)",
		`web/package-lock.json: G-1 of a latest: "latest" is no version`,
	}
	if d := cmp.Diff(want, r.Checked[0].Failed); d != "" || len(r.Findings) != 0 {
		t.Errorf("%v (-want +got)\n%s", brief(r.Findings), d)
	}
}

// A workspace builds all its modules with the highest version that one of them asks for; an old go.mod is completed by go.sum.
func TestGoVersions(t *testing.T) {
	dir := tree(t, map[string]string{
		"go.work": "go 1.25\nuse (\n\t./a\n\t./b\n)\n", "a/go.mod": "module a\ngo 1.25\nrequire example.org/x v1.0.0\n", "b/go.mod": "module b\ngo 1.25\nrequire example.org/x v1.2.0\n",
		"alone/go.mod": "module c\ngo 1.25\nrequire example.org/x v1.1.0\n",
		"old/go.mod":   "module d\ngo 1.16\nrequire example.org/y v1.0.0\n",
		"old/go.sum":   "example.org/y v1.0.0/go.mod h1:x\nexample.org/y v1.1.0 h1:x\nexample.org/x v1.1.9 h1:x\nexample.org/z v1.0.0/go.mod h1:x\n",
	})
	r := scan(t, dir, known(t, map[string][]string{"Go": {advisory("GO-1", "Go", "example.org/x", "1.2.0", high), advisory("GO-2", "Go", "example.org/y", "1.1.0", high), advisory("GO-3", "Go", "example.org/z", "9.0.0", high)}}, ""))
	want := []string{"high GO-1 alone/go.mod:3 example.org/x@v1.1.0 upgrade to v1.2.0", "high GO-1 old/go.mod:0 example.org/x@v1.1.9 upgrade to v1.2.0"}
	if d := cmp.Diff(want, brief(r.Findings)); d != "" {
		t.Error(d)
	}
}

// Whether the package at fault is imported: by the tree itself, by what it imports, or by nothing. Without all
// sources nobody can say that nothing does.
func TestReachability(t *testing.T) {
	t.Setenv("GOMODCACHE", t.TempDir())
	fault := strings.Replace(advisory("GO-1", "Go", "example.org/x", "2.0.0", high), `"ranges"`, `"ecosystem_specific":{"imports":[{"path":"example.org/x/bad"}]},"ranges"`, 1)
	db := known(t, map[string][]string{"Go": {fault}}, "")
	mod := "module a\n\ngo 1.25\n\nrequire (\n\texample.org/x v1.0.0\n\texample.org/between v1.0.0\n)\n"
	for name, tc := range map[string]struct {
		files map[string]string
		want  string
	}{
		"direct":     {map[string]string{"main.go": "package main\nimport _ \"example.org/x/bad\"\n"}, "high GO-1 go.mod:6 example.org/x@v1.0.0 upgrade to v2.0.0 reachable=true"},
		"in a test":  {map[string]string{"main_test.go": "package main\nimport _ \"example.org/x/bad\"\n"}, "high GO-1 go.mod:6 example.org/x@v1.0.0 upgrade to v2.0.0 reachable=true"},
		"no sources": {map[string]string{"main.go": "package main\nimport _ \"example.org/between\"\n"}, "high GO-1 go.mod:6 example.org/x@v1.0.0 upgrade to v2.0.0"},
		"through another": {map[string]string{"main.go": "package main\nimport _ \"example.org/between\"\n", "vendor/example.org/between/b.go": "package b\nimport _ \"example.org/x/bad\"\n", "vendor/example.org/x/bad/c.go": "package bad\n"},
			"high GO-1 go.mod:6 example.org/x@v1.0.0 upgrade to v2.0.0 reachable=true"},
		"not imported": {map[string]string{"main.go": "package main\nimport _ \"example.org/between\"\n", "vendor/example.org/between/b.go": "package b\nimport _ \"fmt\"\n"},
			"low GO-1 go.mod:6 example.org/x@v1.0.0 upgrade to v2.0.0 reachable=false"},
		"another module's": {map[string]string{"main.go": "package main\nimport _ \"fmt\"\n", "inner/go.mod": "module inner\n", "inner/x.go": "package x\nimport _ \"example.org/x/bad\"\n"},
			"low GO-1 go.mod:6 example.org/x@v1.0.0 upgrade to v2.0.0 reachable=false"},
		"broken source": {map[string]string{"main.go": "package main\nimport \"fmt\"\n", "b.go": "\x00"}, "high GO-1 go.mod:6 example.org/x@v1.0.0 upgrade to v2.0.0"},
		"no source":     {nil, "high GO-1 go.mod:6 example.org/x@v1.0.0 upgrade to v2.0.0"},
	} {
		files := map[string]string{"go.mod": mod}
		for n, text := range tc.files {
			files[n] = text
		}
		if d := cmp.Diff([]string{tc.want}, brief(scan(t, tree(t, files), db).Findings)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// Packages that nobody looks after any more are named.
func TestUnmaintained(t *testing.T) {
	dir := tree(t, map[string]string{
		"Cargo.lock":    "[[package]]\nname='old'\nversion='1.0.0'\nsource='registry+x'\n",
		"composer.lock": `{"packages":[{"name":"a/b","version":"1.0.0","abandoned":"c/d"}]}`,
	})
	db := known(t, map[string][]string{
		"crates.io": {`{"id":"RUSTSEC-1","modified":"2026-10-01T00:00:00Z","summary":"old is unmaintained","affected":[{"package":{"ecosystem":"crates.io","name":"old"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0.0.0-0"}]}],"database_specific":{"informational":"unmaintained"}}]}`},
		"Packagist": {advisory("G-1", "Packagist", "x/y", "1.0.0", "")},
	}, "")
	want := []string{"low RUSTSEC-1 Cargo.lock:2 old@1.0.0", "info deps.deprecated composer.lock:1 a/b@1.0.0"}
	if d := cmp.Diff(want, brief(scan(t, dir, db).Findings)); d != "" {
		t.Error(d)
	}
}

// A bill of materials speaks where lock files do not, and new advisories are matched against it.
func TestBills(t *testing.T) {
	bill := `{"bomFormat":"CycloneDX","components":[{"type":"library","name":"a","purl":"pkg:npm/a@1.0.0"},{"type":"library","name":"d","purl":"pkg:pypi/Django@3.2.1"}]}`
	dir := tree(t, map[string]string{"bom.json": bill, "package-lock.json": `{"packages":{"node_modules/a":{"version":"2.0.0"}}}`})
	db := known(t, map[string][]string{"npm": {advisory("G-1", "npm", "a", "2.0.0", high)}, "PyPI": {advisory("P-1", "PyPI", "django", "3.2.2", high)}}, "")
	want := []string{"high P-1 bom.json:1 django@3.2.1 upgrade to 3.2.2"}
	if d := cmp.Diff(want, brief(scan(t, dir, db).Findings)); d != "" {
		t.Error(d)
	}
	store, err := osv.Open(db)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	l, err := lock.ReadBill("shipped.json", []byte(bill))
	if err != nil {
		t.Fatal(err)
	}
	m, err := deps.Match(t.Context(), store, l.Components, now())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"high G-1 shipped.json:0 a@1.0.0 upgrade to 2.0.0", "high P-1 shipped.json:0 django@3.2.1 upgrade to 3.2.2"}, brief(m.Findings)); d != "" {
		t.Error(d)
	}
}

// What a file of another tool excuses is shown as excused by that file.
func TestExcuses(t *testing.T) {
	dir := tree(t, map[string]string{
		"requirements.txt": "django==3.2.1\nflask==1.0\n", "osv-scanner.toml": "[[IgnoredVulns]]\nid = 'CVE-1'\nreason = 'not called'\n",
		".trivyignore": "P-2 exp:2026-01-01\n", ".vex/broken.json": "{",
	})
	db := known(t, map[string][]string{"PyPI": {advisory("P-1", "PyPI", "django", "3.2.2", `,"aliases":["CVE-1"]`+high), advisory("P-2", "PyPI", "flask", "2.0", high)}}, "")
	r := scan(t, dir, db)
	want := []string{"high P-1 requirements.txt:1 django@3.2.1 upgrade to 3.2.2 waived by osv-scanner.toml: not called", "high P-2 requirements.txt:2 flask@1.0 upgrade to 2.0"}
	if d := cmp.Diff(want, brief(r.Findings)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{".vex/broken.json: not JSON of OpenVEX or CycloneDX"}, r.Checked[0].Failed); d != "" {
		t.Error(d)
	}
}

// Licences come from the lock file, else from what is installed beside it at that version.
func TestLicences(t *testing.T) {
	dir := tree(t, map[string]string{
		"package-lock.json":           `{"packages":{"node_modules/a":{"version":"1.0.0","license":"ISC"},"node_modules/b":{"version":"1.0.0"},"node_modules/@s/c":{"version":"1.0.0"}}}`,
		"node_modules/a/package.json": `{"version":"1.0.0","license":"GPL-3.0"}`, "node_modules/b/package.json": `{"version":"1.0.0","license":"MIT"}`,
		"node_modules/@s/c/package.json": `{"version":"2.0.0","license":"MIT"}`,
		"go.mod":                         "module x\ngo 1.25\nrequire (\n\texample.org/m v1.0.0\n\texample.org/n v1.0.0\n)\n",
		"vendor/example.org/m/LICENSE":   "The MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining a copy",
		"vendor/example.org/n/LICENSE":   "All rights reserved.",
	})
	got := map[string]string{}
	for _, c := range scan(t, dir, t.TempDir()).Components {
		got[c.Name] = strings.Join(c.Licenses, ",")
	}
	if d := cmp.Diff(map[string]string{"a": "ISC", "b": "MIT", "@s/c": "", "example.org/m": "MIT", "example.org/n": ""}, got); d != "" {
		t.Error(d)
	}
}

// The same names in every order give the same groups.
func TestReportsAreTheSameEachTime(t *testing.T) {
	dir := tree(t, map[string]string{"package-lock.json": `{"packages":{"node_modules/a":{"version":"1.0.0"},"node_modules/b":{"version":"1.0.0"}}}`})
	records := []string{advisory("X-1", "npm", "a", "2.0.0", `,"aliases":["CVE-1"]`), advisory("X-2", "npm", "a", "2.0.0", `,"aliases":["CVE-2"]`), advisory("X-3", "npm", "a", "2.0.0", `,"aliases":["CVE-1","CVE-2"]`)}
	first := brief(scan(t, dir, known(t, map[string][]string{"npm": records}, "")).Findings)
	slices.Reverse(records)
	if d := cmp.Diff(first, brief(scan(t, dir, known(t, map[string][]string{"npm": records}, "")).Findings)); d != "" || len(first) != 1 {
		t.Errorf("%v\n%s", first, d)
	}
}
