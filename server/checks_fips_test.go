package server_test

import (
	"crypto/fips140"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/server"
)

// childEnv makes this test binary try the FIPS check, instead of testing it.
const childEnv = "TUTELA_TEST_FIPS_CHILD"

// The check passes in FIPS mode and fails outside it: each in a process of its own, since the mode
// cannot change while one runs.
func TestFIPSModeIsSeen(t *testing.T) {
	if certified, child := os.LookupEnv(childEnv); child {
		reportFIPS(t, certified)
		return
	}
	module, seen := fips140.Version(), testkit.Sabotage(t, "protect.fips")
	for _, c := range []struct {
		mode, certified string
		want            tutela.Verdict
		say             []string
	}{
		{"on", module, tutela.Pass, []string{"FIPS mode is on", "X25519 as the only group: refused", "ChaCha20-Poly1305 as the only cipher: refused"}},
		{"off", module, tutela.Fail, []string{"FIPS mode is off", "X25519 as the only group: accepted", "ChaCha20-Poly1305 as the only cipher: accepted"}},
		{"on", "v0.0.1", tutela.Fail, []string{module + " is not a certified one"}},
		{"on", module, tutela.Pass, nil},
	} {
		seen.Expect(fipsChild(t, c.mode, c.certified), c.want, c.say...)
	}
}

func reportFIPS(t *testing.T, certified string) {
	t.Helper()
	at := publish(t, http.NotFoundHandler())
	text, err := json.Marshal(server.FIPSCheck(at.base, certified).Try(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("evidence %s", text)
}

func fipsChild(t *testing.T, mode, certified string) tutela.Evidence {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestFIPSModeIsSeen$", "-test.v")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140="+mode, childEnv+"="+certified)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	_, text, found := strings.Cut(string(out), "evidence ")
	if !found {
		t.Fatalf("no evidence: %s", out)
	}
	var e tutela.Evidence
	if err := json.NewDecoder(strings.NewReader(text)).Decode(&e); err != nil {
		t.Fatal(errors.Join(err, errors.New(text)))
	}
	return e
}

func TestWithoutAListenerFIPSIsNotProven(t *testing.T) {
	s := newSite(t, nil)
	e := s.try(t, "protect.fips", nobodyListens(t))
	if e.Verdict == tutela.Pass || !strings.Contains(e.Observed, "would prove nothing") {
		t.Errorf("%+v", e)
	}
}
