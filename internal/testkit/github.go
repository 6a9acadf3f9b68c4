package testkit

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// GitHubAPI is GitHub's own description of its REST API (OpenAPI 3.0, JSON), fetched on first use.
func GitHubAPI(t testing.TB) []byte {
	t.Helper()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), filepath.Join(root, "scripts", "github-api.sh")).Output() //nolint:gosec // the module's own
	if err != nil {
		t.Fatalf("GitHub's description of its API is needed: scripts/github-api.sh fetches it with npm: %v", err)
	}
	text, err := os.ReadFile(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	return text
}
