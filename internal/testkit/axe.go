package testkit

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// AxeCore is the source of axe-core, fetched on first use, for a page to run in itself.
func AxeCore(t testing.TB) string {
	t.Helper()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), filepath.Join(root, "scripts", "axe-core.sh")).Output() //nolint:gosec // the module's own
	if err != nil {
		t.Fatalf("axe-core is needed: scripts/axe-core.sh fetches it with npm: %v", err)
	}
	source, err := os.ReadFile(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}
