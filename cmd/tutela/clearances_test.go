package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sensitiveSystem is a running try-out in which the physician treats a patient with something sensitive.
func sensitiveSystem(t *testing.T) string {
	t.Helper()
	dir := tryOutSystem(t)
	file := filepath.Join(t.TempDir(), "chart.ndjson")
	chart := `{"resourceType":"Patient","id":"p1"}
{"resourceType":"Patient","id":"p2"}
{"resourceType":"Patient","id":"p3"}
{"resourceType":"Observation","id":"told","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p1"},"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"HIV"}]}}
`
	if err := os.WriteFile(file, []byte(chart), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, said := command(t, "import", "--data", dir, file); code != exitClean {
		t.Fatalf("import: %d %s", code, said)
	}
	return dir
}

// An administrator asks for a clearance, the privacy officer sees it and gives it, and what was denied
// is allowed: as the explanation says.
func TestClearancesFromTheCommandLine(t *testing.T) {
	dir := sensitiveSystem(t)
	step := func(want int, says string, args ...string) {
		t.Helper()
		code, out, said := command(t, append(args, "--data", dir)...)
		if code != want || !strings.Contains(out+said, says) {
			t.Errorf("%v: %d %s%s, want %d and %q", args, code, out, said, want, says)
		}
	}
	explain := []string{"policy", "explain", "--as", "physician", "--resource", "Observation/told"}
	step(exitClean, "forbidden by: limit.sensitivity", explain...)
	step(exitError, "403", append(explain, "--by", "admin")...)
	step(exitError, "--label", "users", "clear", "physician")
	step(exitError, "there is no account", "users", "clear", "nobody", "--label", "HIV")
	step(exitError, "there is no label", "users", "clear", "physician", "--label", "hiv")
	step(exitClean, "waits for the privacy officer", "users", "clear", "physician", "--label", "HIV")
	step(exitFound, "physician", "users", "clearances")
	step(exitError, "403", "users", "decide", "physician", "--label", "HIV", "--as", "admin")
	step(exitError, "409", "users", "decide", "physician", "--label", "PSY")
	step(exitClean, "physician is cleared for HIV", "users", "decide", "physician", "--label", "HIV")
	step(exitClean, "HIV", "users", "clearances")
	step(exitClean, "permitted by: physician.chart", explain...)
	step(exitClean, "physician is cleared for nothing", "users", "decide", "physician", "--withdraw")
	step(exitClean, "forbidden by: limit.sensitivity", explain...)
}
