package r4_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/r4"
)

// officialExamples calls f with every official FHIR R4 example.
func officialExamples(t *testing.T, f func(name string, data []byte)) {
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

// refusedExamples are the official examples that break the specification, each with its reason.
func refusedExamples(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "refused-examples.json"))
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]string
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestOfficialExamplesParse(t *testing.T) {
	t.Parallel()
	refused, read := refusedExamples(t), 0
	officialExamples(t, func(name string, data []byte) {
		_, err := r4.Parse(data)
		var invalid *r4.Invalid
		switch _, expected := refused[name]; {
		case err != nil && !errors.As(err, &invalid):
			t.Errorf("%s: the error is no *Invalid: %v", name, err)
		case expected && err == nil:
			t.Errorf("%s is accepted; take it off testdata/refused-examples.json", name)
		case !expected && err != nil:
			t.Errorf("%s: %v", name, err)
		default:
			delete(refused, name)
			read++
		}
	})
	for name := range refused {
		t.Errorf("%s: listed as refused, and is no official example", name)
	}
	if read < 5000 {
		t.Errorf("only %d examples read, there are more than 5,000", read)
	}
}

// TestOfficialExamplesKeepTheirContent compares the compact bytes with the original as another JSON
// implementation canonicalises it: order aside, nothing is lost and no number changes its digits.
func TestOfficialExamplesKeepTheirContent(t *testing.T) {
	t.Parallel()
	refused := refusedExamples(t)
	officialExamples(t, func(name string, data []byte) {
		if refused[name] != "" {
			return
		}
		res, err := r4.Parse(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !bytes.Equal(compact(t, data), res.JSON()) {
			t.Errorf("%s: the compact JSON differs from the original", name)
		}
		again, err := r4.Parse(res.JSON())
		if err != nil || !r4.Equal(res, again) {
			t.Errorf("%s: does not parse back to itself: %v", name, err)
		}
		checkMeta(t, name, res)
		unchanged := res.RewriteReferences(func(string) (string, bool) { return "", false })
		if !bytes.Equal(unchanged, res.JSON()) {
			t.Errorf("%s: rewriting nothing changes it", name)
		}
	})
}

// compact brings JSON to the shortest form in which Resource.JSON is given.
func compact(t *testing.T, data []byte) []byte {
	t.Helper()
	v := jsontext.Value(bytes.Clone(data))
	if err := v.Format(jsontext.PreserveRawStrings(false)); err != nil {
		t.Fatal(err)
	}
	return v
}

// checkMeta sets the meta of a resource and makes sure that this and nothing else has changed.
func checkMeta(t *testing.T, name string, res *r4.Resource) {
	t.Helper()
	at := time.Date(2021, 2, 3, 4, 5, 6, 7_000_000, time.FixedZone("", 3600))
	id := res.ID()
	if id == "" {
		id = "new"
	}
	stored, err := r4.Parse(res.SetMeta(id, "7", at))
	if err != nil {
		t.Errorf("%s: with meta set: %v", name, err)
		return
	}
	if res.ID() != "" && !r4.Equal(res, stored) {
		t.Errorf("%s: setting meta changes the content", name)
	}
	meta := stored.Root().Child("meta")
	got := []string{stored.ID(), meta.Child("versionId").Text(), meta.Child("lastUpdated").Text()}
	if diff := cmp.Diff([]string{id, "7", "2021-02-03T03:05:06.007Z"}, got); diff != "" {
		t.Errorf("%s: id, versionId, lastUpdated (-want +got):\n%s", name, diff)
	}
}
