package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tutela-health/tutela/internal/checkout"
)

// What pipelines may do is managed, and what they reported is read, under a login at a server: by whoever may, and by nobody else.
func TestPipelinesAreManagedByALogin(t *testing.T) {
	dir := tryOutSystem(t)
	c := checkout.New(t)
	c.Commit("begin", map[string]string{"README": "a portal\n"})
	c.Commit("say more", map[string]string{"README": "a portal for patients\n"})
	c.Git("remote", "add", "origin", "https://git.example/clinic/portal")
	key := filepath.Join(t.TempDir(), "build.key")
	if code, _, said := command(t, "attest", "key", key); code != exitClean {
		t.Fatal(said)
	}
	register := []string{"pipeline", "register", "portal", "--repository", "https://git.example/clinic/portal", "--key", key + ".pub"}
	approve := []string{"pipeline", "approve", "--tree", c.Dir, "--note", "read it whole"}
	do := func(person string, want int, says string, args ...string) {
		t.Helper()
		if code, out, said := command(t, args...); code != want || !strings.Contains(out+said, says) {
			t.Errorf("%s: %v: %d %s %s", person, args, code, out, said)
		}
	}
	as := func(person string) (server string) {
		t.Helper()
		t.Setenv("XDG_CONFIG_HOME", t.TempDir())
		d := sitDown(t, dir)
		if got := get(t, d.agrees(t, person).String(), ""); got != http.StatusOK {
			t.Fatalf("the answer: %d", got)
		}
		if code := <-d.ended; code != exitClean {
			t.Fatalf("login: %d %s", code, d.output)
		}
		return "--server=" + d.info.URL
	}

	server := as("nurse")
	do("nurse", exitError, "", append(register, server)...)
	do("nurse", exitError, "", append(approve, server)...)
	do("nurse", exitError, "", "pipeline", "list", server)

	server = as("admin")
	do("admin", exitClean, "portal may report about git.example/clinic/portal", append(register, server)...)
	do("admin", exitClean, "portal", "pipeline", "list", server)
	info, err := target{Data: dir}.running()
	if err != nil {
		t.Fatal(err)
	}
	do("the pipeline", exitClean, "reported to", "scan", c.Dir, "--only", "secrets", "--key", key, "--report-to", info.URL, "--report-ca", info.CA)

	server = as("developer")
	do("developer", exitClean, "is approved", append(approve, server)...)
	do("developer", exitError, "no policy permits", "changelog", "HEAD~1..HEAD", "--tree", c.Dir, "--ledger", server) // the ledger is the auditors' to read
	do("developer", exitError, "", "pipeline", "revoke", "portal", server)

	server = as("auditor")
	do("auditor", exitClean, "read it whole", "changelog", "HEAD~1..HEAD", "--tree", c.Dir, "--ledger", server)
	do("auditor", exitError, "", append(approve, server)...)

	server = as("admin")
	do("admin", exitClean, "portal reports no more", "pipeline", "revoke", "portal", server)
	do("the pipeline", exitError, "not reported", "scan", c.Dir, "--only", "secrets", "--key", key, "--report-to", info.URL, "--report-ca", info.CA)
}
