package r4_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/r4"
)

func TestBatchEntriesStandForThemselves(t *testing.T) {
	bundle, refused, err := r4.ParseBatch([]byte(`{"resourceType":"Bundle","type":"batch","entry":[
		{"resource":{"resourceType":"Patient","id":"a"},"request":{"method":"PUT","url":"Patient/a"}},
		{"resource":{"resourceType":"Patient","gender":"x","active":1},"request":{"method":"POST","url":"Patient"}},
		{"resource":"none"},
		{"request":{"method":"GET","url":"Patient/a"}},
		{"request":{"method":"POST","url":"Nothing"},"resource":{"resourceType":"Nothing"}},
		{"resource":{"resourceType":"Patient","id":"b","name":[` + strings.Repeat(`{"x":1},`, 40) + `{}]},"fullUrl":"urn:uuid:1"},
		{"resource":{"id":"c","resourceType":"Patient"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"resourceType":"Bundle","type":"batch","entry":[` +
		`{"resource":{"resourceType":"Patient","id":"a"},"request":{"method":"PUT","url":"Patient/a"}},` +
		`{"request":{"method":"POST","url":"Patient"}},` +
		`{},` +
		`{"request":{"method":"GET","url":"Patient/a"}},` +
		`{"request":{"method":"POST","url":"Nothing"}},` +
		`{"fullUrl":"urn:uuid:1"},` +
		`{"resource":{"id":"c","resourceType":"Patient"}}]}`
	if diff := cmp.Diff(want, string(bundle.JSON())); diff != "" {
		t.Errorf("bundle (-want +got):\n%s", diff)
	}
	got := map[int]string{}
	for i, invalid := range refused {
		got[i] = invalid.Issues[0].Expression
	}
	if diff := cmp.Diff(map[int]string{
		1: "Bundle.entry[1].resource.gender", 2: "Bundle.entry[2].resource",
		4: "Bundle.entry[4].resource", 5: "Bundle.entry[5].resource.name[0]",
	}, got); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
}

func TestBatchIsRefusedForWhatIsOutsideItsEntries(t *testing.T) {
	for name, json := range map[string]string{
		"bundle":    `{"resourceType":"Bundle","type":"x","entry":[{"resource":{"resourceType":"Patient","id":"a"}}]}`,
		"request":   `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"TAKE","url":"a"}}]}`,
		"cut off":   `{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Patient"`,
		"second":    `{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Patient","active":1},"resource":{"resourceType":"Patient"}}]}`,
		"duplicate": `{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Patient","id":"a","id":"b"}}]}`,
	} {
		if _, _, err := r4.ParseBatch([]byte(json)); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
