package r4_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tutela-health/tutela/r4"
)

// examples calls f with every official FHIR R4 example.
func examples(t *testing.T, f func(name string, data []byte)) {
	t.Helper()
	out, err := exec.Command("../scripts/fhir-examples.sh").Output()
	if err != nil {
		t.Fatalf("the official FHIR examples are needed: scripts/fhir-examples.sh fetches them with npm: %v", err)
	}
	dir := strings.TrimSpace(string(out))
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || e.Name() == "package.json" || filepath.Ext(e.Name()) != ".json" {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		f(e.Name(), data)
	}
}

// TestOfficialExamplesParse holds every official example to be accepted, but for those listed in
// exceptions.go, which must be refused.
func TestOfficialExamplesParse(t *testing.T) {
	read := 0
	examples(t, func(name string, data []byte) {
		_, err := r4.Parse(data)
		var invalid *r4.Invalid
		if err != nil && !errors.As(err, &invalid) {
			t.Fatalf("%s: %v wraps no *Invalid", name, err)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		read++
	})
	t.Logf("%d examples accepted", read)
}
