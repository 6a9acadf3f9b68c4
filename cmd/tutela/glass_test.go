package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tutela-health/tutela"
)

// A physician opens a chart that is not his, is seen doing so, and a privacy officer closes the case.
func TestBreakGlassFromTheCommandLine(t *testing.T) {
	dir := tryOutSystem(t)
	for _, ids := range [][]string{{"p1", "p2", "p3"}, {"stranger"}} { // the first three become the physician's
		var patients strings.Builder
		for _, id := range ids {
			patients.WriteString(`{"resourceType":"Patient","id":"` + id + `"}` + "\n")
		}
		file := filepath.Join(t.TempDir(), "patients.ndjson")
		if err := os.WriteFile(file, []byte(patients.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, _, said := command(t, "import", "--data", dir, file); code != exitClean {
			t.Fatalf("import: %d %s", code, said)
		}
	}
	const reason = "found unconscious in the lobby"
	if code, _, said := command(t, "break-glass", "open", "Patient/stranger", "--reason", "urgent", "--data", dir); code != exitError || !strings.Contains(said, "10 to 2000 characters") {
		t.Errorf("a short reason: %d %s", code, said)
	}
	if code, _, said := command(t, "break-glass", "open", "Patient/stranger", "--reason", reason, "--as", "billing", "--data", dir); code != exitError {
		t.Errorf("billing: %d %s", code, said)
	}
	code, out, said := command(t, "break-glass", "open", "Patient/stranger", "--reason", reason, "--format", "json", "--data", dir)
	var opened struct{ ID string }
	if err := json.Unmarshal([]byte(out), &opened); err != nil || code != exitClean {
		t.Fatalf("open: %d %s", code, said)
	}
	alerts := by(found(t, dir, "break-glass.open"), "physician")
	if len(alerts) != 2 || alerts[0].BreakGlass != opened.ID || alerts[0].Outcome != tutela.OutcomeSuccess {
		t.Errorf("alerts: %+v", alerts)
	}
	code, out, said = command(t, "break-glass", "list", "--data", dir)
	if code != exitFound || !strings.Contains(out, reason) || !strings.Contains(out, "Patient/stranger") {
		t.Errorf("list: %d %s %s", code, out, said)
	}
	if code, _, said = command(t, "break-glass", "end", opened.ID, "--data", dir); code != exitClean {
		t.Errorf("end: %d %s", code, said)
	}
	if code, _, said = command(t, "break-glass", "review", opened.ID, "--verdict", "justified", "--note", "the ward confirmed it", "--data", dir); code != exitClean {
		t.Errorf("review: %d %s", code, said)
	}
	if code, out, said = command(t, "break-glass", "list", "--data", dir); code != exitClean || !strings.Contains(out, "justified") {
		t.Errorf("list of closed cases: %d %s %s", code, out, said)
	}
}
