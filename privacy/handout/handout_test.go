package handout_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/tutela-health/tutela/internal/chromium"
	"github.com/tutela-health/tutela/internal/sample"
	"github.com/tutela-health/tutela/privacy/handout"
)

// hostile are strings that would be more than text, if a document let them.
func hostile() []string {
	return []string{
		`<script>console.log("ran")</script>`, `"><img src=x onerror='console.log("ran")'>`, `</style><script>console.log("ran")</script>`,
		`javascript:console.log("ran")`, `{{.Name}}{{template "parts"}}`, `<!--`, `</dd></dl></article></main><form action="https://x.test"><input>`,
		"\u202e\u0000\u2028", `&lt;script&gt;console.log("ran")&lt;/script&gt;`, `<svg onload='console.log("ran")'>`, `<a href="https://x.test/">x</a>`,
	}
}

// attacked is a handout in which every string that may be one is hostile.
func attacked(t *testing.T) *handout.Handout {
	t.Helper()
	h := &handout.Handout{Patient: "p", Made: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), By: hostile()[0], Whole: true}
	for i, s := range hostile() {
		resources := []map[string]any{
			{"resourceType": "Patient", "id": "p", "name": []any{map[string]any{"family": s, "given": []any{s, "x"}}}, "birthDate": s, "text": map[string]any{"div": s}},
			{"resourceType": "Observation", "id": "o" + strconv.Itoa(i), "code": map[string]any{"text": s}, "subject": map[string]any{"reference": s, "display": s},
				"valueString": s, "effectiveDateTime": s, "note": []any{map[string]any{"text": s}}, s: s, "performer": []any{map[string]any{"reference": "Patient/p"}}},
		}
		for _, r := range resources {
			text, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			h.Entries = append(h.Entries, handout.Entry{URL: "https://x.test/fhir/r4/" + s, JSON: text})
		}
	}
	return h
}

func written(t *testing.T, h *handout.Handout) string {
	t.Helper()
	text, err := h.HTML()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// elements counts a document's elements, and fails for an attribute or an address that none of it should have.
func elements(t *testing.T, text string) map[string]int {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		count[n.Data]++
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "src" || a.Key == "style" || a.Key == "href" && !strings.HasPrefix(a.Val, "#") {
				t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
			}
		}
	}
	return count
}

// Nothing in a record is more than text: the document has the elements of its template and no others, and a
// browser runs nothing.
func TestHostileRecordsAreText(t *testing.T) {
	text := written(t, attacked(t))
	for name, n := range elements(t, text) {
		switch name {
		case "html", "head", "body", "main", "title", "style", "nav":
			if n != 1 {
				t.Errorf("%d <%s>", n, name)
			}
		case "meta", "h1", "h2", "h3", "p", "ul", "li", "section", "article", "dl", "div", "dt", "dd", "a":
		default:
			t.Errorf("%d <%s>", n, name)
		}
	}
	if strings.Contains(text, "{{") && !strings.Contains(text, "{{.Name}}") {
		t.Error("a template's text is not as it was in the record")
	}
}

// chart is an invented patient's.
func chart(t *testing.T) *handout.Handout {
	t.Helper()
	h := &handout.Handout{Made: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), By: "privacy", Whole: true}
	for bundle := range sample.Patients(1, 1) {
		var b struct {
			Entry []struct {
				FullURL  string
				Resource json.RawMessage
			}
		}
		if err := json.Unmarshal(bundle, &b); err != nil {
			t.Fatal(err)
		}
		for _, e := range b.Entry {
			h.Entries = append(h.Entries, handout.Entry{URL: e.FullURL, JSON: e.Resource})
		}
	}
	return h
}

// The document says every value that the Bundle does, but for what is no text.
func TestDocumentSaysEveryValue(t *testing.T) {
	h := chart(t)
	h.Entries = append(h.Entries, handout.Entry{URL: "u", JSON: json.RawMessage(`{"resourceType":"DocumentReference","id":"d","content":[{"attachment":{"data":"` +
		strings.Repeat("QUJD", 200) + `"}}],"text":{"status":"additional","div":"<div>told <b>twice</b> &amp; again</div>"},"date":null,"valueDecimal":1.50}`)})
	doc, err := html.Parse(strings.NewReader(written(t, h)))
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]bool{}
	for n := range doc.Descendants() {
		if n.Type == html.TextNode {
			said[strings.TrimSpace(n.Data)] = true
		}
	}
	for _, e := range h.Entries[:len(h.Entries)-1] {
		var v any
		if err := json.Unmarshal(e.JSON, &v); err != nil {
			t.Fatal(err)
		}
		each(v, "", func(name, text string) {
			if name != "div" && !said[text] {
				t.Errorf("%s %q is not in the document", name, text)
			}
		})
	}
	for _, want := range []string{"told twice & again", "(800 characters, in the FHIR file)", "1.50"} {
		if !said[want] {
			t.Errorf("%q is not in the document", want)
		}
	}
}

func each(v any, name string, f func(name, text string)) {
	switch v := v.(type) {
	case map[string]any:
		for name, part := range v {
			each(part, name, f)
		}
	case []any:
		for _, part := range v {
			each(part, name, f)
		}
	case string:
		f(name, v)
	}
}

// The Bundle holds each resource as it was given.
func TestBundleHoldsEveryResource(t *testing.T) {
	h := chart(t)
	text, err := h.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	var b struct {
		ResourceType, Type, Timestamp string
		Entry                         []struct {
			FullURL  string
			Resource json.RawMessage
		}
	}
	if err := json.Unmarshal(text, &b); err != nil {
		t.Fatal(err)
	}
	if b.ResourceType != "Bundle" || b.Type != "collection" || b.Timestamp != "2026-11-22T10:00:00Z" || len(b.Entry) != len(h.Entries) {
		t.Fatalf("%s %s %s of %d", b.ResourceType, b.Type, b.Timestamp, len(b.Entry))
	}
	for i, e := range b.Entry {
		if diff := cmp.Diff(plain(t, h.Entries[i].JSON), plain(t, e.Resource)); diff != "" {
			t.Errorf("entry %d (-want +got):\n%s", i, diff)
		}
	}
	back, err := handout.Read(text, h.Patient, h.By)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := written(t, back), written(t, h); got != want {
		t.Error("the document of what was read back is another")
	}
}

func plain(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestHandoutInChromium opens both documents as a patient does, from a file: they complain of nothing, run
// nothing, and hold axe-core's rules.
func TestHandoutInChromium(t *testing.T) {
	b := chromium.Open(t, chromium.Config{})
	some := chart(t)
	some.Entries = some.Entries[:min(25, len(some.Entries))] // as much as one picture holds
	for name, h := range map[string]*handout.Handout{"chart": some, "attacked": attacked(t)} {
		path := filepath.Join(t.TempDir(), name+".html")
		if err := os.WriteFile(path, []byte(written(t, h)), 0o600); err != nil {
			t.Fatal(err)
		}
		b.Open("file://" + path)
		b.Inspect("handout-" + name)
	}
	b.Quiet()
}
