package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/respond/breach"
)

// From whom an account reached, behind broken glass too, to letters that were sent and a case that is closed.
func TestBreachFromTheCommandLine(t *testing.T) {
	dir := sensitiveSystem(t)
	file := filepath.Join(t.TempDir(), "more.ndjson")
	more := `{"resourceType":"Patient","id":"stranger","name":[{"text":"Ann Other"}],"address":[{"line":["1 Road"],"city":"Town","state":"OH"}]}` + "\n"
	if err := os.WriteFile(file, []byte(more), 0o600); err != nil {
		t.Fatal(err)
	}
	step := func(want int, says string, args ...string) string {
		t.Helper()
		code, out, said := command(t, append(args, "--data", dir)...)
		if code != want || !strings.Contains(out+said, says) {
			t.Fatalf("%v: %d %s%s, want %d and %q", args, code, out, said, want, says)
		}
		return out
	}
	since := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	scope := []string{"breach", "scope", "--actor", "physician", "--from", since}
	step(exitClean, "", "import", file)
	step(exitClean, "0 patients", scope...)
	step(exitClean, "", "break-glass", "open", "Patient/stranger", "--reason", "found unconscious in the lobby")
	step(exitClean, "0 patients", scope...)
	step(exitClean, "", "export", "--as", "physician", "--to", filepath.Join(t.TempDir(), "all"))
	step(exitError, "403", append(scope, "--as", "auditor")...)
	step(exitError, "404", "breach", "scope", "--actor", "nobody", "--from", since)
	step(exitError, "RFC 3339", "breach", "scope", "--actor", "physician", "--from", "yesterday")

	proofs := filepath.Join(t.TempDir(), "proofs")
	step(exitFound, "STATE", append(scope, "--proofs", proofs)...)
	var sc breach.Scope
	if err := json.Unmarshal([]byte(step(exitFound, "", append(scope, "--format", "json")...)), &sc); err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, p := range sc.Patients {
		told[p.Reference] = p.Emergency
	}
	want := map[string]bool{"Patient/p1": false, "Patient/p2": false, "Patient/p3": false, "Patient/stranger": true}
	if d := cmp.Diff(want, told); d != "" {
		t.Error(d)
	}
	caseFromTheCommandLine(t, since, step)
}

func caseFromTheCommandLine(t *testing.T, since string, step func(int, string, ...string) string) {
	t.Helper()
	var c breach.Case
	out := step(exitFound, "", "breach", "open", "--title", "x", "--patient", "Patient/stranger", "--actor", "physician", "--from", since, "--zone", "America/New_York", "--law", "hipaa", "--format", "json")
	if err := json.Unmarshal([]byte(out), &c); err != nil {
		t.Fatal(err)
	}
	words := filepath.Join(t.TempDir(), "words.json")
	text := `{"duty":"hipaa.individuals","happened":"Somebody looked.","steps":"Watch.","doing":"Ended.","organisation":"Clinic","email":"privacy@clinic.example"}`
	if err := os.WriteFile(words, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	letters := filepath.Join(t.TempDir(), "letters")
	step(exitClean, "1 notices", "breach", "letters", c.ID, "--words", words, "--to", letters)
	if got := textOf(t, filepath.Join(letters, c.Patients[0]+".txt")); !strings.Contains(got, "Ann Other\n1 Road\nTown\nOH\n") {
		t.Errorf("%s", got)
	}
	step(exitError, "no such duty", "breach", "track", c.ID, "--duty", "x", "--state", "sent")
	step(exitFound, "done", "breach", "track", c.ID, "--duty", "hipaa.individuals", "--state", "sent")
	step(exitClean, "done", "breach", "track", c.ID, "--duty", "hipaa.secretary", "--state", "sent", "--how", "web form")
	step(exitError, "422", "breach", "assess", c.ID, "--finding", "low-probability", "--reason", "y")
	step(exitError, "--factor is as in", "breach", "assess", c.ID, "--finding", "breach", "--reason", "y", "--factor", "luck=low")
	step(exitFound, "low-probability", "breach", "assess", c.ID, "--finding", "low-probability", "--reason", "attested",
		"--factor", "nature=medium:name only", "--factor", "acquired=medium:one screen", "--factor", "mitigation=low:attested, in writing", "--factor", "person=low:a colleague")
	step(exitClean, "done", "breach", "assess", c.ID, "--finding", "breach", "--reason", "after all", "--close")
	step(exitClean, "CASE", "breach", "list")
	if out := step(exitClean, "", "breach", "list", "--closed"); !strings.Contains(out, c.ID) {
		t.Error(out)
	}
}
