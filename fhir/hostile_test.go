package fhir_test

import (
	"encoding/binary"
	"net/http"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/tutela-health/tutela/internal/rig"
)

// hostile are bodies that no address may take.
func hostile() map[string]string {
	deep := 100_000
	return map[string]string{
		"nothing":                 " ",
		"no json":                 "hello",
		"cut":                     `{"resourceType":"Patient","id":"p","name":[{"family":"X`,
		"two values":              patient("p", "X") + patient("p", "X"),
		"rest after the value":    patient("p", "X") + "]",
		"a list":                  "[" + patient("p", "X") + "]",
		"a text":                  `"Patient"`,
		"null":                    "null",
		"nested lists":            strings.Repeat("[", deep),
		"nested objects":          strings.Repeat(`{"resourceType":`, deep),
		"nested extensions":       `{"resourceType":"Patient","id":"p","extension":` + strings.Repeat(`[{"url":"x","extension":`, deep) + `1` + strings.Repeat("}]", deep) + "}",
		"nested resources":        `{"resourceType":"Bundle","id":"p","type":"collection","entry":` + strings.Repeat(`[{"resource":{"resourceType":"Bundle","type":"collection","entry":`, 2000) + `[]` + strings.Repeat("}}]", 2000) + "}",
		"nested, closed":          strings.Repeat("[", deep) + strings.Repeat("]", deep),
		"the type twice":          `{"resourceType":"Patient","resourceType":"Patient","id":"p"}`,
		"a member twice":          `{"resourceType":"Patient","id":"p","active":true,"active":false}`,
		"a member twice, inside":  `{"resourceType":"Patient","id":"p","name":[{"family":"a","family":"b"}]}`,
		"a member twice, escaped": `{"resourceType":"Patient","id":"p","active":true,"\u0061ctive":false}`,
		"not UTF-8":               "{\"resourceType\":\"Patient\",\"id\":\"p\",\"name\":[{\"family\":\"\xff\xfe\"}]}",
		"a cut rune":              "{\"resourceType\":\"Patient\",\"id\":\"p\",\"name\":[{\"family\":\"\xc3\"}]}",
		"a surrogate":             "{\"resourceType\":\"Patient\",\"id\":\"p\",\"name\":[{\"family\":\"\xed\xa0\x80\"}]}",
		"an escaped half":         `{"resourceType":"Patient","id":"p","name":[{"family":"\ud800"}]}`,
		"UTF-16":                  utf16Text(patient("p", "X")),
		"a byte order mark":       "\ufeff" + patient("p", "X"),
		"a NUL":                   "{\"resourceType\":\"Patient\",\"id\":\"p\",\"name\":[{\"family\":\"a\x00b\"}]}",
		"an escaped NUL":          `{"resourceType":"Patient","id":"p","name":[{"family":"a\u0000b"}]}`,
		"a huge number":           `{"resourceType":"Patient","id":"p","multipleBirthInteger":1e999999999}`,
		"a long number":           `{"resourceType":"Patient","id":"p","multipleBirthInteger":` + strings.Repeat("9", 100_000) + `}`,
		"NaN":                     `{"resourceType":"Patient","id":"p","multipleBirthInteger":NaN}`,
		"a comment":               `{"resourceType":"Patient","id":"p"/* x */}`,
		"a trailing comma":        `{"resourceType":"Patient","id":"p",}`,
		"another case":            `{"resourceType":"Patient","id":"p","Active":true}`,
		"a script":                `{"resourceType":"Patient","id":"p","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><script>1</script></div>"}}`,
		"entities":                `{"resourceType":"Patient","id":"p","text":{"status":"generated","div":"<!DOCTYPE x [<!ENTITY a \"b\">]><div xmlns=\"http://www.w3.org/1999/xhtml\">&a;</div>"}}`,
		"a path for an id":        `{"resourceType":"Patient","id":"../p"}`,
	}
}

func utf16Text(s string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune("\ufeff" + s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return string(b)
}

func TestHostileBodiesAreRefused(t *testing.T) {
	t.Parallel()
	r := rig.Open(t, rig.Config{})
	for name, body := range hostile() {
		for _, c := range []rig.Call{
			put("Patient/p", body), post("Patient", body), post("", body),
			post("", `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":`+body+`,"request":{"method":"PUT","url":"Patient/p"}}]}`),
		} {
			a := r.Do(t, asking(rig.Loader, c))
			if a.Status < 400 || a.Status >= 500 || !strings.Contains(string(a.Body), "OperationOutcome") {
				t.Errorf("%s: %s %s: %d %.200s", name, c.Method, c.Path, a.Status, a.Body)
			}
		}
		batch := `{"resourceType":"Bundle","type":"batch","entry":[{"resource":` + body + `,"request":{"method":"PUT","url":"Patient/p"}}]}`
		if a := r.Do(t, asking(rig.Loader, post("", batch))); a.Status >= 500 || a.Status == http.StatusOK && !strings.HasPrefix(a.Bundle(t).Entry[0].Response.Status, "4") {
			t.Errorf("%s in a batch: %d %.200s", name, a.Status, a.Body)
		}
	}
	if a := r.Get(t, rig.Loader, "Patient/p"); a.Status != http.StatusNotFound {
		t.Errorf("one of them was stored: %s", a.Body)
	}
}

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	r := rig.Open(t, rig.Config{})
	fits := patient("p", strings.Repeat("x", 1<<20))
	over := `{"resourceType":"Binary","id":"p","contentType":"a/b","data":"` + strings.Repeat("AAAA", 4<<20) + `"}`
	play(t, r, []step{
		{"a large text", put("Patient/p", fits), 201, nil, ""},
		{"a body that says how long it is", put("Binary/p", over), 413, nil, "too-long"},
		{"a batch", post("", over), 413, nil, "too-long"},
		{"a form", post("Patient/_search", strings.Repeat("family=x&", 2<<20), "Content-Type", "application/x-www-form-urlencoded"), 413, nil, "too-long"},
		{"parameters without end", post("Patient/_search", strings.Repeat("family=x&", 1000), "Content-Type", "application/x-www-form-urlencoded"), 400, nil, "more than"},
		{"a value without end", get("Patient?family=" + strings.Repeat("x", 5000)), 400, nil, "longer"},
		{"alternatives without end", get("Patient?gender=" + strings.Repeat("a,", 500)), 400, nil, "alternatives"},
	})
	chunked := strings.NewReader(over)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, rig.Base+"/Binary/p", struct{ *strings.Reader }{chunked})
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = -1
	if a := r.Send(t, rig.Loader, req); a.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("a body that does not say how long it is: %d %.200s", a.Status, a.Body)
	}
}
