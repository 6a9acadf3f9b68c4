package fhir_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/rig"
)

// step is one request of a story and what must come back.
type step struct {
	name   string
	call   rig.Call
	status int
	header map[string]string // that the answer must carry
	body   string            // that it must contain; "-": that it must be empty
}

// play sends requests one after the other to one system.
func play(t *testing.T, r *rig.Rig, steps []step) {
	t.Helper()
	for _, s := range steps {
		if s.call.As == "" {
			s.call.As = rig.Loader
		}
		if s.call.Method == "" {
			s.call.Method = http.MethodGet
		}
		a := r.Do(t, s.call)
		if a.Status != s.status {
			t.Fatalf("%s: status %d, want %d: %s", s.name, a.Status, s.status, a.Body)
		}
		for name, want := range s.header {
			if got := a.Header.Get(name); got != want && !(want == "*" && got != "") {
				t.Errorf("%s: %s is %q, want %q", s.name, name, got, want)
			}
		}
		if s.body == "-" && len(a.Body) > 0 || s.body != "-" && !strings.Contains(string(a.Body), s.body) {
			t.Errorf("%s: the body is not %q: %s", s.name, s.body, a.Body)
		}
	}
}

func put(path, body string, header ...string) rig.Call {
	return with(rig.Call{Method: http.MethodPut, Path: path, Body: body}, header)
}

func post(path, body string, header ...string) rig.Call {
	return with(rig.Call{Method: http.MethodPost, Path: path, Body: body}, header)
}

func get(path string, header ...string) rig.Call { return with(rig.Call{Path: path}, header) }

func del(path string, header ...string) rig.Call {
	return with(rig.Call{Method: http.MethodDelete, Path: path}, header)
}

func with(c rig.Call, header []string) rig.Call {
	c.Header = map[string]string{}
	for i := 0; i+1 < len(header); i += 2 {
		c.Header[header[i]] = header[i+1]
	}
	return c
}

func patient(id, family string) string {
	return `{"resourceType":"Patient","id":"` + id + `","name":[{"family":"` + family + `"}]}`
}

func TestLifeOfAResource(t *testing.T) {
	t.Parallel()
	v1, v2 := rig.Base+"/Patient/p/_history/1", rig.Base+"/Patient/p/_history/2"
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		play(t, r, []step{
			{"nothing there", get("Patient/p"), 404, nil, "OperationOutcome"},
			{"no history of nothing", get("Patient/p/_history"), 404, nil, "not-found"},
			{"delete nothing", del("Patient/p"), 204, map[string]string{"ETag": ""}, "-"},
			{"create by PUT", put("Patient/p", patient("p", "One")), 201, map[string]string{"ETag": `W/"1"`, "Location": v1, "Last-Modified": "*"}, `"One"`},
			{"read", get("Patient/p"), 200, map[string]string{"ETag": `W/"1"`, "Content-Type": "application/fhir+json; charset=utf-8", "Cache-Control": "no-store"}, `"versionId":"1"`},
			{"read what is known", get("Patient/p", "If-None-Match", `"7", W/"1"`), 304, map[string]string{"ETag": `W/"1"`}, "-"},
			{"read what is not known", get("Patient/p", "If-None-Match", `W/"2"`), 200, nil, `"One"`},
			{"head", rig.Call{Method: http.MethodHead, Path: "Patient/p"}, 200, map[string]string{"ETag": `W/"1"`, "Content-Length": "*"}, "-"},
			{"the same again", put("Patient/p", patient("p", "One")), 200, map[string]string{"ETag": `W/"1"`}, `"One"`},
			{"on a wrong version", put("Patient/p", patient("p", "Two"), "If-Match", `W/"2"`), 412, nil, "conflict"},
			{"on a malformed version", put("Patient/p", patient("p", "Two"), "If-Match", `W/"x"`), 412, nil, "conflict"},
			{"on the right version", put("Patient/p", patient("p", "Two"), "If-Match", `W/"1"`), 200, map[string]string{"ETag": `W/"2"`, "Location": v2}, `"Two"`},
			{"the first version", get("Patient/p/_history/1"), 200, map[string]string{"ETag": `W/"1"`}, `"One"`},
			{"the second version", get("Patient/p/_history/2"), 200, map[string]string{"ETag": `W/"2"`}, `"Two"`},
			{"no third version", get("Patient/p/_history/3"), 404, nil, "not-found"},
			{"no version of another form", get("Patient/p/_history/x"), 404, nil, "not-found"},
			{"delete on a wrong version", del("Patient/p", "If-Match", `W/"1"`), 412, nil, "conflict"},
			{"delete", del("Patient/p"), 204, map[string]string{"ETag": `W/"3"`}, "-"},
			{"delete again", del("Patient/p"), 204, nil, "-"},
			{"read what is deleted", get("Patient/p"), 410, map[string]string{"ETag": `W/"3"`}, "deleted"},
			{"an old version stays", get("Patient/p/_history/1"), 200, nil, `"One"`},
			{"the tombstone", get("Patient/p/_history/3"), 410, nil, "deleted"},
			{"bring back on a wrong version", put("Patient/p", patient("p", "Four"), "If-Match", `W/"2"`), 412, nil, ""},
			{"bring back", put("Patient/p", patient("p", "Four")), 201, map[string]string{"ETag": `W/"4"`}, `"Four"`},
		})
		var got []string
		for _, e := range r.Get(t, rig.Loader, "Patient/p/_history").Bundle(t).Entry {
			got = append(got, fmt.Sprint(e.Request.Method, " ", e.Response.Etag, " ", strings.Contains(string(e.Resource), "versionId")))
		}
		want := []string{`PUT W/"4" true`, `DELETE W/"3" false`, `PUT W/"2" true`, `POST W/"1" true`}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("history (-want +got):\n%s", diff)
		}
		r.Verify(t)
	})
}

func TestCreateGivesAnID(t *testing.T) {
	t.Parallel()
	r := rig.Open(t, rig.Config{})
	a := r.Do(t, rig.Call{As: rig.Loader, Method: http.MethodPost, Path: "Patient", Body: patient("mine", "Body")})
	if a.Status != http.StatusCreated {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	path, version, _ := strings.Cut(strings.TrimPrefix(a.Header.Get("Location"), rig.Base+"/"), "/_history/")
	if path == "Patient/mine" || version != "1" || !strings.Contains(string(a.Body), strings.TrimPrefix(path, "Patient/")) {
		t.Errorf("location %s, body %s", a.Header.Get("Location"), a.Body)
	}
	if got := r.Get(t, rig.Loader, "Patient/mine").Status; got != http.StatusNotFound {
		t.Errorf("the id in the body was taken: %d", got)
	}
	// The id in a body that is created names nobody: the new patient sees the own chart.
	if got := r.Get(t, strings.TrimPrefix(path, "Patient/"), path); got.Status != http.StatusOK {
		t.Errorf("the created patient reads the own chart: %d %s", got.Status, got.Body)
	}
}

func TestPreferSaysWhatAWriteReturns(t *testing.T) {
	t.Parallel()
	r := rig.Open(t, rig.Config{})
	play(t, r, []step{
		{"nothing said", put("Patient/a", patient("a", "X")), 201, nil, `"family":"X"`},
		{"representation", put("Patient/b", patient("b", "X"), "Prefer", "return=representation"), 201, nil, `"family":"X"`},
		{"minimal", put("Patient/c", patient("c", "X"), "Prefer", "return=minimal"), 201, map[string]string{"Location": "*", "ETag": `W/"1"`}, "-"},
		{"minimal among others", put("Patient/d", patient("d", "X"), "Prefer", "handling=strict, return=minimal"), 201, nil, "-"},
		{"outcome", put("Patient/e", patient("e", "X"), "Prefer", "return=OperationOutcome"), 201, nil, `"severity":"information"`},
	})
}

func TestAddressesAreChecked(t *testing.T) {
	t.Parallel()
	r := rig.Open(t, rig.Config{})
	long := strings.Repeat("x", 65)
	play(t, r, []step{
		{"no such type", get("Patent/1"), 404, nil, "not-found"},
		{"a type of no instances", get("DomainResource/1"), 404, nil, "not-found"},
		{"an id too long", get("Patient/" + long), 400, nil, "invalid"},
		{"an id of other letters", get("Patient/a_b"), 400, nil, "invalid"},
		{"another type in the body", put("Patient/1", `{"resourceType":"Basic","id":"1","code":{"text":"x"}}`), 400, nil, "type"},
		{"another id in the body", put("Patient/1", patient("2", "X")), 400, nil, "id"},
		{"no id in the body", put("Patient/1", `{"resourceType":"Patient"}`), 400, nil, "id"},
		{"no such method", rig.Call{Method: http.MethodPatch, Path: "Patient/1", Body: "[]"}, 405, map[string]string{"Allow": "GET, PUT, DELETE"}, "not-supported"},
		{"put on a type", put("Patient?identifier=1", patient("1", "X")), 405, map[string]string{"Allow": "GET, POST"}, "not-supported"},
		{"read the base", get(""), 405, map[string]string{"Allow": "POST"}, "not-supported"},
		{"no such operation", get("Patient/1/$nothing"), 404, nil, "not-found"},
		{"nowhere", rig.Call{Path: "/nowhere"}, 404, nil, ""},
		{"another host", rig.Call{Path: "Patient/1", Host: "evil.test"}, 404, nil, ""},
		{"another host, public address", rig.Call{Path: "metadata", Host: "evil.test"}, 404, nil, ""},
	})
}

func TestFormsAreNegotiated(t *testing.T) {
	t.Parallel()
	r := rig.Open(t, rig.Config{})
	r.Put(t, patient("p", "X"))
	play(t, r, []step{
		{"json", get("Patient/p", "Accept", "application/json"), 200, nil, `"X"`},
		{"anything", get("Patient/p", "Accept", "text/html, */*;q=0.1"), 200, nil, `"X"`},
		{"xml", get("Patient/p", "Accept", "application/fhir+xml"), 406, nil, "not-supported"},
		{"_format wins", get("Patient/p?_format=json", "Accept", "application/fhir+xml"), 200, nil, `"X"`},
		{"_format with a plus sign", get("Patient/p?_format=application/fhir+json"), 200, nil, `"X"`},
		{"_format is xml", get("Patient/p?_format=xml"), 406, nil, "not-supported"},
		{"metadata in xml", get("metadata?_format=xml"), 406, nil, "not-supported"},
		{"a body of text", put("Patient/p", patient("p", "Y"), "Content-Type", "text/plain"), 415, nil, "not-supported"},
		{"a body without a type", put("Patient/p", patient("p", "Y"), "Content-Type", ""), 415, nil, "not-supported"},
		{"a body of json", put("Patient/p", patient("p", "Y"), "Content-Type", "application/json; charset=utf-8"), 200, nil, `"Y"`},
		{"a search in json", post("Patient/_search", "family=Y", "Content-Type", "application/json"), 415, nil, "not-supported"},
		{"a search in a form", post("Patient/_search", "family=Y", "Content-Type", "application/x-www-form-urlencoded"), 200, nil, `"Y"`},
	})
}
