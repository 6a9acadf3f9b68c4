package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A test by others is planned, its findings become gaps, and gaps close when a later run does not find them.
func TestGapsAreFollowed(t *testing.T) {
	dir := tryOutSystem(t)
	first, second := filepath.Join(t.TempDir(), "first.csv"), filepath.Join(t.TempDir(), "second.sarif")
	for path, text := range map[string]string{
		first:  "title,severity,where\n=cmd(),critical,/search\nOld TLS,low,host\n",
		second: `{"version":"2.1.0","runs":[{"results":[{"ruleId":"Old TLS","level":"note","message":{"text":"Old TLS"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"host"}}}]}]}]}`,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	today, until := time.Now().UTC().Format(time.DateOnly), time.Now().AddDate(0, 1, 0).Format(time.DateOnly)
	step := func(code int, says string, args ...string) string {
		t.Helper()
		got, out, said := command(t, append(args, "--data", dir)...)
		if got != code || !strings.Contains(out+said, says) {
			t.Errorf("%q: %d %s%s; want %d and %q", args, got, out, said, code, says)
		}
		return out
	}
	step(exitClean, "no gap is open", "gaps", "list")
	step(exitClean, "TEST", "tests", "list")
	step(exitError, "no such test", "tests", "record", "pentest", "--date", today, "--by", "Red Team Ltd")
	step(exitError, "1 to 12 months", "tests", "plan", "pentest", "--title", "Penetration test", "--owner", "admin", "--every", "24")
	step(exitError, "no policy permits this", "tests", "plan", "pentest", "--title", "Penetration test", "--owner", "admin", "--as", "auditor")
	step(exitClean, "admin has pentest run every 12 months", "tests", "plan", "pentest", "--title", "Penetration test", "--owner", "admin")
	step(exitError, "within the last year", "tests", "record", "pentest", first, "--date", until, "--by", "Red Team Ltd")
	step(exitError, "cannot be read", "tests", "record", "pentest", first+"x", "--date", today, "--by", "Red Team Ltd")
	step(exitClean, "2 gaps are new", "tests", "record", "pentest", first, "--date", today, "--by", "Red Team Ltd")
	step(exitFound, "critical", "gaps", "list")
	step(exitFound, "2 ", "tests", "list")
	step(exitFound, "'=cmd()", "gaps", "list", "--format", "csv")
	list := step(exitFound, "=cmd()", "gaps", "list")
	id, _, _ := strings.Cut(list[strings.Index(list, "test."):], " ")
	step(exitError, "within a year", "gaps", "assign", id, "--owner", "privacy", "--until", "2001-01-01")
	step(exitClean, "privacy, until "+until, "gaps", "assign", id, "--owner", "privacy", "--until", until, "--effort", "3", "--plan", "escape it")
	step(exitClean, "escape it", "gaps", "show", id)
	step(exitError, "there is no gap", "gaps", "show", "x")
	step(exitClean, "close the gap", "duties", "--mine")
	step(exitClean, "a second person is to agree", "gaps", "dispute", id, "--reason", "not ours")
	step(exitError, "somebody else", "gaps", "agree", id, "--as", "privacy")
	step(exitClean, "is closed", "gaps", "agree", id)
	step(exitClean, "0 gaps are new, 1 were open before, 0 are closed", "tests", "record", "pentest", second, "--date", today, "--by", "Red Team Ltd")
	step(exitClean, "0 gaps are new, 0 were open before, 1 are closed", "tests", "record", "pentest", "--date", today, "--by", "Red Team Ltd")
	step(exitClean, "did not find it", "gaps", "list", "--all", "--format", "csv")
	step(exitClean, "nothing is kept of these days", "gaps", "trend")
}
