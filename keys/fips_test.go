package keys

import (
	"crypto/fips140"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestAllOfThisInFIPSMode runs this package's tests again in a process that refuses every
// algorithm that is not approved.
func TestAllOfThisInFIPSMode(t *testing.T) {
	if fips140.Enforced() {
		t.Log("this is the FIPS run")
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.v", "-test.run=^Test")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140=only")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "this is the FIPS run") {
		t.Errorf("the second run was not in FIPS mode:\n%s", out)
	}
}
