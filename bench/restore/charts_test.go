package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Within a copy what refers to something does so still; no two copies share an id, and nothing else changes.
func TestCopiesShareNoIDs(t *testing.T) {
	const chart = `{"id":"018f428e-34f6-4707-8009-5ad742f901e7","ref":"urn:uuid:018f428e-34f6-4707-8009-5ad742f901e7","other":"ff000000-34f6-4707-8009-5ad742f901e7","ssn":"999-22-1962"}`
	want := `{"id":"9fc6bc3f-34f6-4707-8009-5ad742f901e7","ref":"urn:uuid:9fc6bc3f-34f6-4707-8009-5ad742f901e7","other":"9d3779b1-34f6-4707-8009-5ad742f901e7","ssn":"999-22-1962"}`
	if d := cmp.Diff(want, string(renamed([]byte(chart), 1))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	seen := map[string]int{}
	for n := range 100 {
		for _, id := range uuids.FindAllString(string(renamed([]byte(chart), n)), -1)[1:] {
			if seen[id]++; seen[id] > 1 {
				t.Errorf("copy %d has %s again", n, id)
			}
		}
	}
}
