package r4_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela/r4"
)

// FuzzParse holds that parsing never panics, that every refusal is an *Invalid, and that what is
// accepted survives its own canonical form, a new meta, and every reader.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"observation.json", "bundle.json"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(linked))
	f.Add([]byte(`{"id":"a","name":[{"given":["a",null],"_given":[null,{"id":"x"}]}],"resourceType":"Patient","birthDate":"1970-06"}`))
	f.Add([]byte(`{"resourceType":"Patient","text":{"status":"generated","div":"<div><a href=\"x\">y</a></div>"}}`))
	f.Add([]byte(`{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Patient","active":1}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if batch, _, err := r4.ParseBatch(data); err == nil {
			readAll(batch)
		}
		res, err := r4.Parse(data)
		if err != nil {
			var invalid *r4.Invalid
			if !errors.As(err, &invalid) || len(invalid.Issues) == 0 {
				t.Fatalf("refused without an issue: %v", err)
			}
			return
		}
		again, err := r4.Parse(res.JSON())
		if err != nil || !r4.Equal(res, again) {
			t.Fatalf("does not parse back to itself: %v", err)
		}
		stored, err := r4.Parse(res.SetMeta("x", "1", time.Unix(0, 0)))
		if err != nil || stored.ID() != "x" {
			t.Fatalf("with meta set: %v", err)
		}
		readAll(res)
	})
}

// readAll walks every reader over a resource.
func readAll(res *r4.Resource) {
	res.Patients("x")
	res.RewriteReferences(func(s string) (string, bool) { return s + "x", true })
	for _, n := range res.References() {
		_ = n.Path()
	}
	for _, p := range r4.Params(res.Type()) {
		for _, b := range p.Branches {
			r4.Extract(res, b, p.Type)
		}
	}
}

// FuzzQuery holds that parsing a query never panics and that what is accepted can be matched.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"patient=p1&code=http://loinc.org|4548-4", "date=ge2019-01-01&date=lt2021-01-01T10:00", "value-quantity=gt6.5|http://u|%,1e-3",
		"_include=Observation:subject:Patient&_sort=-_lastUpdated", `code=a\,b\|c|d`, "subject:Patient=Patient/1&status:not=final",
		"value-string:contains=é&date:missing=true", "_lastUpdated=ap2020", "performer:identifier=s|v",
	} {
		f.Add(seed)
	}
	data, err := os.ReadFile(filepath.Join("testdata", "observation.json"))
	if err != nil {
		f.Fatal(err)
	}
	res, err := r4.Parse(data)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, query string) {
		q, err := r4.ParseQuery("Observation", pairs(query))
		if err != nil {
			return
		}
		q.Now = time.Unix(1e9, 0)
		plain, negated := q.Match(res), false
		for i := range q.Terms {
			if q.Terms[i].Modifier == r4.ModifierMissing {
				q.Terms[i].Missing, negated = !q.Terms[i].Missing, true
			}
		}
		if negated && plain && q.Match(res) {
			t.Errorf("%s holds whether the element is missing or not", strings.ToValidUTF8(query, "?"))
		}
	})
}
