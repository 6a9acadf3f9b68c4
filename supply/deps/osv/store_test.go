package osv_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/supply/deps/osv"
)

// zipOf writes records into a zip.
func zipOf(t *testing.T, records ...string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i, r := range records {
		w, err := z.Create(fmt.Sprintf("%d.json", i))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(r)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "all.zip")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func open(t *testing.T, dir string) *osv.Store {
	t.Helper()
	s, err := osv.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func record(id, ecosystem, name, more string) string {
	return fmt.Sprintf(`{"id":%q,"modified":"2026-01-02T00:00:00Z","summary":"s","affected":[{"package":{"ecosystem":%q,"name":%q},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2.3"}]}]}%s]}`, id, ecosystem, name, more)
}

// A store gives back what a zip says of a package, and of that package alone.
func TestStoreFindsByPackage(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "not there yet"))
	other := `,{"package":{"ecosystem":"npm","name":"b"},"ranges":[]},{"package":{"ecosystem":"Go","name":"elsewhere"},"ranges":[]}`
	c, err := s.Import(t.Context(), zipOf(t, record("GHSA-1", "npm", "a", other), record("GHSA-2", "npm", "b", ""), "not json", record("GHSA-3", "npm", "@s/c", ""),
		record("g4", "npm", "d", ""), record("g5", "npm", "d", ""), record("g6", "npm", "d", ""), record("g7", "npm", "d", ""), record("g8", "npm", "d", ""), record("g9", "npm", "d", "")), now(), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := osv.Collection{Ecosystem: "npm", Entries: 9, Newest: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), Imported: now(), Rejected: 1}
	if d := cmp.Diff(want, c); d != "" {
		t.Error(d)
	}
	for name, want := range map[string]string{"a": "GHSA-1", "b": "GHSA-1 GHSA-2", "@s/c": "GHSA-3", "elsewhere": "", "": ""} {
		list, err := s.Advisories(t.Context(), "npm", name)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, a := range list {
			ids = append(ids, a.ID)
			for _, f := range a.Affected {
				if f.Name != name {
					t.Errorf("%s: says something of %s", name, f.Name)
				}
			}
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if _, err := s.Advisories(t.Context(), "Go", "elsewhere"); !errors.Is(err, osv.ErrAbsent) {
		t.Errorf("a few records of Go that came along pass for Go's: %v", err)
	}
}

// A release is told what is said of it, and of no other.
func TestReleases(t *testing.T) {
	s := open(t, t.TempDir())
	var records []string
	for i, release := range []string{"Debian", "Debian:11", "Debian:12"} {
		records = append(records, record(fmt.Sprint("DSA-", i), release, "x", ""))
	}
	if _, err := s.Import(t.Context(), zipOf(t, records...), now(), nil); err != nil {
		t.Fatal(err)
	}
	list, err := s.Advisories(t.Context(), "Debian:12", "x")
	if err != nil || len(list) != 2 || list[0].ID != "DSA-0" || list[1].ID != "DSA-2" {
		t.Errorf("%v, %v", list, err)
	}
}

// An import takes the place of what was there; one that fails leaves it.
func TestImportReplaces(t *testing.T) {
	s := open(t, t.TempDir())
	for _, id := range []string{"A-1", "A-2"} {
		if _, err := s.Import(t.Context(), zipOf(t, record(id, "npm", "a", "")), now(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Import(t.Context(), zipOf(t, record("A-3", "npm", "a", ""), "broken"), now(), nil); err == nil {
		t.Error("a zip that is half broken was taken")
	}
	if list, err := s.Advisories(t.Context(), "npm", "a"); err != nil || len(list) != 1 || list[0].ID != "A-2" {
		t.Errorf("%v, %v", list, err)
	}
	entries, err := s.List(t.Context())
	if err != nil || len(entries) != 1 || entries[0].Entries != 1 {
		t.Errorf("%v, %v", entries, err)
	}
}

// Zips made to fill memory or disk, and zips that are something else, are refused.
func TestHostileZips(t *testing.T) {
	s := open(t, t.TempDir())
	bomb := `{"id":"X","details":"` + strings.Repeat("a", 40<<20) + `"}`
	many := record("X", "npm", "a", strings.Repeat(`,{"package":{"ecosystem":"npm","name":"b"}}`, 30_000))
	for name, file := range map[string]string{
		"bomb": zipOf(t, bomb), "nothing": zipOf(t), "deep": zipOf(t, strings.Repeat("[", 1<<20)), "mixed": zipOf(t, record("A", "npm", "a", ""), record("B", "PyPI", "a", "")),
		"path": zipOf(t, record("A", "../../x", "a", "")), "too many packages": zipOf(t, many), "no zip": os.Args[0], "no id": zipOf(t, record("", "npm", "a", "")),
		"two at once": zipOf(t, record("A", "npm", "a", `,{"package":{"ecosystem":"Go","name":"b"}}`)),
	} {
		if c, err := s.Import(t.Context(), file, now(), nil); err == nil {
			t.Errorf("%s: taken: %+v", name, c)
		}
	}
	if list, err := s.List(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("left behind: %v, %v", list, err)
	}
}

// A database that is damaged is an error, and never "nothing known".
func TestDamagedDatabase(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "npm.db"), []byte("SQLite format 3\x00 and then nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	if _, err := s.About(t.Context(), "npm"); err == nil || errors.Is(err, osv.ErrAbsent) {
		t.Errorf("About: %v", err)
	}
	if _, err := s.Advisories(t.Context(), "npm", "a"); err == nil {
		t.Error("Advisories: no error")
	}
}

func TestExploited(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "kev.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	if _, err := s.About(t.Context(), "npm"); err == nil || errors.Is(err, osv.ErrAbsent) {
		t.Errorf("a damaged catalogue: %v", err)
	}
	file := filepath.Join(t.TempDir(), "kev.json")
	if err := os.WriteFile(file, []byte(`{"dateReleased":"2025-08-25T17:04:19.9796Z","vulnerabilities":[{"cveID":"CVE-2021-44228"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.ImportExploited(file); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*osv.Store{s, open(t, dir)} {
		if !s.Exploited([]string{"GHSA-x", "CVE-2021-44228"}) || !s.Exploited([]string{"DEBIAN-CVE-2021-44228"}) || s.Exploited([]string{"CVE-2021-4422"}) {
			t.Error("the catalogue says otherwise")
		}
	}
}

// A bulletin is known besides the databases, also of an ecosystem without one, and does not stand for it.
func TestBulletins(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	write := func(text string) string {
		file := filepath.Join(t.TempDir(), "b.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for _, text := range []string{record("ACME-1", "npm", "a", ""), record("ACME-1", "npm", "b", ""), record("ACME-2", "PyPI", "C_d", "")} {
		if _, err := s.ImportBulletin(write(text)); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"path": record("../x", "npm", "a", ""), "nothing": `{"id":"ACME-3"}`, "no json": "x"} {
		if _, err := s.ImportBulletin(write(text)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := s.Import(t.Context(), zipOf(t, record("GHSA-1", "npm", "b", "")), now(), nil); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*osv.Store{s, open(t, dir)} {
		list, err := s.Advisories(t.Context(), "npm", "b")
		if err != nil || len(list) != 2 || list[0].ID != "ACME-1" || s.Bulletins() != 2 {
			t.Errorf("%v, %v", list, err)
		}
		if list, err := s.Advisories(t.Context(), "PyPI", "c-d"); err != nil || len(list) != 1 {
			t.Errorf("%v, %v", list, err)
		}
		if _, err := s.About(t.Context(), "PyPI"); !errors.Is(err, osv.ErrAbsent) {
			t.Errorf("a bulletin passes for all of PyPI: %v", err)
		}
	}
}

// The Go database in full: every record is read, and known answers come out.
func TestGoDatabase(t *testing.T) {
	file := filepath.Join(os.Getenv("TUTELA_TESTDATA"), "osv", "Go", "all.zip")
	if _, err := os.Stat(file); err != nil {
		t.Log("TUTELA_TESTDATA has no Go database; an own record in its place")
		file = zipOf(t, `{"id":"GO-2022-1059","aliases":["CVE-2022-32149"],"modified":"2026-01-02T00:00:00Z","affected":[{"package":{"ecosystem":"Go","name":"golang.org/x/text"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"0.3.8"}]}],"ecosystem_specific":{"imports":[{"path":"golang.org/x/text/language","symbols":["ParseAcceptLanguage"]}]}}]}`)
	}
	s := open(t, t.TempDir())
	c, err := s.Import(t.Context(), file, now(), nil)
	if err != nil || c.Rejected != 0 || c.Ecosystem != "Go" {
		t.Fatalf("%+v, %v", c, err)
	}
	list, err := s.Advisories(t.Context(), "Go", "golang.org/x/text")
	if err != nil {
		t.Fatal(err)
	}
	for version, want := range map[string]bool{"v0.3.7": true, "v0.3.8": false, "v0.3.8-0.20210101000000-abcdefabcdef": true} {
		got := false
		for _, a := range list {
			yes, err := a.Affects("Go", version, now())
			if err != nil {
				t.Error(err)
			}
			got = got || yes && a.ID == "GO-2022-1059" && a.Affected[0].Imports[0].Path == "golang.org/x/text/language"
		}
		if got != want {
			t.Errorf("%s: %v, want %v", version, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(record("A", "npm", "a", "")))
	f.Add([]byte(`{"id":"A","database_specific":{"severity":3,"cwe_ids":"x"},"affected":[{"ecosystem_specific":[],"database_specific":{"informational":"unmaintained"}}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := osv.Parse(text)
		if err != nil {
			return
		}
		for _, e := range []string{"npm", "Debian:12", "Maven"} {
			if yes, err := a.Affects(e, "1.0.0", now()); yes && err == nil {
				_ = a.Fix(e, "1.0.0", now())
			}
		}
		_ = a.Severity()
	})
}
