package fhir_test

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/tutela-health/tutela/internal/rig"
)

// exampleFiles are the official FHIR R4 examples.
func exampleFiles(t *testing.T) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "../scripts/fhir-examples.sh").Output()
	if err != nil {
		t.Fatalf("the official FHIR examples are needed: scripts/fhir-examples.sh fetches them with npm: %v", err)
	}
	all, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, f := range all {
		if name := filepath.Base(f); name != "package.json" && !strings.HasPrefix(name, ".") {
			files = append(files, f)
		}
	}
	return files
}

// refusedExamples are those that are not stored, each with its reason: they break the specification,
// or are too large for a request.
func refusedExamples(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, path := range []string{"../r4/testdata/refused-examples.json", "testdata/refused-examples.json"} {
		text, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(text, &all)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestOfficialExamplesAreStoredAndComeBack(t *testing.T) {
	t.Parallel()
	files, refused := exampleFiles(t), refusedExamples(t)
	if len(files) < 5000 {
		t.Fatalf("only %d examples, there are more than 5,000", len(files))
	}
	r := rig.Open(t, rig.Config{})
	r.Token(t, rig.Loader)
	queue := make(chan string)
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for f := range queue {
				storeExample(t, r, f, refused[filepath.Base(f)])
			}
		})
	}
	for _, f := range files {
		queue <- f
	}
	close(queue)
	workers.Wait()
	r.Verify(t)
}

// storeExample puts an example under its own id and holds the version that is stored against it.
func storeExample(t *testing.T, r *rig.Rig, file, reason string) {
	t.Helper()
	name := filepath.Base(file)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Error(err)
		return
	}
	var head struct{ ResourceType, ID string }
	if err := json.Unmarshal(text, &head); err != nil {
		t.Error(err)
		return
	}
	a := r.Do(t, asking(rig.Loader, put(head.ResourceType+"/"+head.ID, string(text), "Prefer", "return=minimal")))
	if reason != "" {
		if a.Status != http.StatusBadRequest && a.Status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s is answered %d; take it off the list of refused examples", name, a.Status)
		}
		return
	}
	if a.Status != http.StatusCreated && a.Status != http.StatusOK {
		t.Errorf("%s: %d %s", name, a.Status, a.Body)
		return
	}
	back := r.Get(t, rig.Loader, strings.TrimPrefix(a.Header.Get("Location"), rig.Base+"/"))
	if back.Status != http.StatusOK || !reflect.DeepEqual(rig.Plain(t, text), back.JSON(t)) {
		t.Errorf("%s comes back changed: %d", name, back.Status)
	}
}
