package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tutela-health/tutela"
)

// A nurse keeps the charts of her ward, reads them without a server, and the ledger hears of it.
func TestDowntimeFromTheCommandLine(t *testing.T) {
	dir, at := tryOutSystem(t), t.TempDir()
	in := func(name, text string) string {
		path := filepath.Join(at, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	chart := func(id string) string {
		return `{"resourceType":"Patient","id":"` + id + `","name":[{"family":"Family-` + id + `"}]}` + "\n" +
			`{"resourceType":"AllergyIntolerance","id":"a-` + id + `","patient":{"reference":"Patient/` + id + `"},"code":{"text":"Penicillin-` + id + `"}}` + "\n"
	}
	for _, file := range []string{
		in("first.ndjson", chart("p1")+chart("p2")+chart("p3")), // who become the nurse's
		in("later.ndjson", chart("stranger")),
	} {
		if code, _, said := command(t, "import", "--data", dir, file); code != exitClean {
			t.Fatalf("import: %d %s", code, said)
		}
	}
	pass, file := in("pass.txt", "twelve violet tractors\n"), filepath.Join(at, "ward-1.downtime")
	for name, args := range map[string][]string{
		"another ward":       {"--ward", "ward-2", "--passphrase", pass},
		"a short passphrase": {"--ward", "ward-1", "--passphrase", in("short.txt", "elevenchars")},
		"billing":            {"--ward", "ward-1", "--passphrase", pass, "--as", "billing"},
		"a year":             {"--ward", "ward-1", "--passphrase", pass, "--hours", "8760"},
	} {
		if code, _, _ := command(t, append([]string{"downtime", "create", "--to", file, "--data", dir}, args...)...); code != exitError {
			t.Errorf("%s: %d", name, code)
		}
	}
	if _, err := os.Stat(file); err == nil {
		t.Fatal("a refused extract was written")
	}
	// An emergency gives nobody into a file that outlives it.
	if code, _, said := command(t, "break-glass", "open", "Patient/stranger", "--reason", "found unconscious", "--as", "nurse", "--data", dir); code != exitClean {
		t.Fatalf("break the glass: %d %s", code, said)
	}
	if code, out, said := command(t, "downtime", "create", "--ward", "ward-1", "--to", file, "--passphrase", pass, "--data", dir); code != exitClean || !strings.HasPrefix(out, "3 patients of ward-1") {
		t.Fatalf("create: %d %s %s", code, out, said)
	}
	page := filepath.Join(at, "charts.html")
	if code, _, said := command(t, "downtime", "open", file, "--passphrase", pass, "--by", "R. Ames", "--to", page); code != exitClean {
		t.Fatalf("open: %d %s", code, said)
	}
	html, err := os.ReadFile(page)
	if err != nil || !strings.Contains(string(html), "Family-p2") || !strings.Contains(string(html), "Penicillin-p1") || strings.Contains(string(html), "stranger") {
		t.Errorf("page: %v %s", err, html)
	}
	for _, path := range []string{page, file, file + ".log"} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	if code, _, _ := command(t, "downtime", "open", file, "--passphrase", in("other.txt", "another passphrase"), "--by", "eve"); code != exitError {
		t.Errorf("another passphrase: %d", code)
	}
	if code, out, said := command(t, "downtime", "report", file, "--passphrase", pass, "--data", dir); code != exitClean || !strings.HasPrefix(out, "1 openings") {
		t.Errorf("report: %d %s %s", code, out, said)
	}
	var made []tutela.Entry
	for _, e := range found(t, dir, "downtime.create") {
		if e.Outcome == tutela.OutcomeSuccess {
			made = append(made, e)
		}
	}
	if len(made) != 1 || made[0].Disclosure == nil || made[0].Disclosure.Kind != "downtime" || len(made[0].Patients) != 3 {
		t.Errorf("disclosures: %+v", made)
	}
	if list := found(t, dir, "downtime.report"); len(list) != 1 || list[0].Subject.ID != made[0].ID {
		t.Errorf("reports: %+v", list)
	}
}
