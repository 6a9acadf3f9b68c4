package rig

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tutela-health/tutela/internal/sample"
)

// Charts gives up to n patients' transaction Bundles: Synthea's from the folder that TUTELA_TESTDATA
// names, the smallest first, or invented ones where it names none.
func Charts(t testing.TB, n int) iter.Seq[[]byte] {
	t.Helper()
	dir := os.Getenv("TUTELA_TESTDATA")
	if dir == "" {
		t.Log("TUTELA_TESTDATA is not set: using invented patients")
		return sample.Patients(n, 1)
	}
	files, err := filepath.Glob(filepath.Join(dir, "synthea-r4", "*.json.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no charts in %s: %v", dir, err)
	}
	slices.SortStableFunc(files, func(a, b string) int { return size(t, a) - size(t, b) })
	return func(yield func([]byte) bool) {
		for _, f := range files[:min(n, len(files))] {
			if !yield(unzip(t, f)) {
				return
			}
		}
	}
}

func size(t testing.TB, path string) int {
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return int(info.Size())
}

func unzip(t testing.TB, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// chart is a transaction Bundle of POSTs, as charts come.
type chart struct {
	Entry []chartEntry `json:"entry"`
}

type chartEntry struct {
	FullURL  string          `json:"fullUrl,omitempty"`
	Resource json.RawMessage `json:"resource"`
	Request  struct {
		Method string `json:"method"`
		URL    string `json:"url"`
	} `json:"request"`
}

// Load stores charts with every resource under its own id, and gives back the resources as they
// were sent, with their references pointed at those ids.
func (r *Rig) Load(t testing.TB, charts iter.Seq[[]byte]) []json.RawMessage {
	t.Helper()
	var all []json.RawMessage
	for text := range charts {
		bundle, resources := keepIDs(t, text)
		a := r.Do(t, Call{As: Loader, Method: http.MethodPost, Body: bundle})
		if a.Status != http.StatusOK {
			t.Fatalf("load chart: %d %s", a.Status, a.Body)
		}
		all = append(all, resources...)
	}
	return all
}

// keepIDs turns POSTs into PUTs. A resource without an id gets that of its fullUrl.
func keepIDs(t testing.TB, text []byte) (bundle string, resources []json.RawMessage) {
	t.Helper()
	var c chart
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatalf("decode chart: %v", err)
	}
	var replaced []string
	for i := range c.Entry {
		e := &c.Entry[i]
		var head struct{ ResourceType, ID string }
		if err := json.Unmarshal(e.Resource, &head); err != nil {
			t.Fatalf("decode chart: %v", err)
		}
		if head.ID == "" {
			head.ID = filepath.Base(e.FullURL[len("urn:uuid:"):])
			e.Resource = append(json.RawMessage(`{"id":"`+head.ID+`",`), bytes.TrimLeft(e.Resource, " \n\t")[1:]...)
		}
		ref := head.ResourceType + "/" + head.ID
		e.Request.Method, e.Request.URL = http.MethodPut, ref
		replaced = append(replaced, `"`+e.FullURL+`"`, `"`+ref+`"`)
	}
	out, err := json.Marshal(map[string]any{"resourceType": "Bundle", "type": "transaction", "entry": c.Entry})
	if err != nil {
		t.Fatalf("encode chart: %v", err)
	}
	for _, e := range c.Entry {
		resources = append(resources, pointed(e.Resource, replaced))
	}
	return string(out), resources
}

// pointed replaces whole strings in a resource: the links between a Bundle's entries.
func pointed(resource []byte, pairs []string) json.RawMessage {
	for i := 0; i < len(pairs); i += 2 {
		resource = bytes.ReplaceAll(resource, []byte(pairs[i]), []byte(pairs[i+1]))
	}
	return resource
}
