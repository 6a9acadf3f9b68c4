package rig

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// Call is a request; its zero fields are left out of it.
type Call struct {
	As     string // Loader, Nobody, a role, or a patient's id
	Method string
	Path   string // below the FHIR base, as in "Patient/1", or with a leading slash from the root
	Body   string
	Header map[string]string
	Host   string
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends a request. A body is application/fhir+json unless the call says otherwise.
func (r *Rig) Do(t testing.TB, c Call) Answer {
	t.Helper()
	path, query, _ := strings.Cut(target(c.Path), "?")
	req := httptest.NewRequestWithContext(t.Context(), c.Method, "/", strings.NewReader(c.Body))
	req.URL = &url.URL{Path: path, RawQuery: query} // as sent, also where no client would send it
	req.Host = r.Host()
	if c.Host != "" {
		req.Host = c.Host
	}
	if c.Body != "" {
		req.Header.Set("Content-Type", "application/fhir+json")
	}
	for name, value := range c.Header {
		req.Header.Set(name, value)
	}
	return r.Send(t, c.As, req)
}

// Send sends a request of the test's own making as a caller, unless it says by itself who is calling.
func (r *Rig) Send(t testing.TB, as string, req *http.Request) Answer {
	t.Helper()
	if as != Nobody && req.Header.Get("Authorization") == "" {
		req.Header.Set("Authorization", "Bearer "+r.Token(t, as))
	}
	if req.Header.Get("Content-Type") == "" && req.ContentLength < 0 {
		req.Header.Set("Content-Type", "application/fhir+json")
	}
	w := httptest.NewRecorder()
	r.Handler.ServeHTTP(w, req)
	return Answer{Status: w.Code, Header: w.Header(), Body: w.Body.Bytes()}
}

func target(path string) string {
	switch {
	case strings.HasPrefix(path, "/"):
		return path
	case path == "":
		return "/fhir/r4"
	default:
		return "/fhir/r4/" + path
	}
}

// Get reads as a caller.
func (r *Rig) Get(t testing.TB, as, path string) Answer {
	t.Helper()
	return r.Do(t, Call{As: as, Method: http.MethodGet, Path: path})
}

// Put stores a resource under its own id, as the loader.
func (r *Rig) Put(t testing.TB, resource string) Answer {
	t.Helper()
	var head struct{ ResourceType, ID string }
	if err := json.Unmarshal([]byte(resource), &head); err != nil {
		t.Fatalf("put: %v", err)
	}
	a := r.Do(t, Call{As: Loader, Method: http.MethodPut, Path: head.ResourceType + "/" + head.ID, Body: resource})
	if a.Status != http.StatusCreated && a.Status != http.StatusOK {
		t.Fatalf("put %s/%s: %d %s", head.ResourceType, head.ID, a.Status, a.Body)
	}
	return a
}

// Treat puts clinicians into a patient's care team.
func (r *Rig) Treat(t testing.TB, patient string, clinicians ...string) {
	t.Helper()
	r.Put(t, CareTeam("team-"+patient, patient, "active", clinicians...))
}

// CareTeam is a team of clinicians for one patient.
func CareTeam(id, patient, status string, clinicians ...string) string {
	var members []string
	for _, c := range clinicians {
		members = append(members, `{"member":{"reference":"Practitioner/`+c+`"}}`)
	}
	return `{"resourceType":"CareTeam","id":"` + id + `","status":"` + status + `","subject":{"reference":"Patient/` + patient +
		`"},"participant":[` + strings.Join(members, ",") + `]}`
}

// Bundle is the part of a Bundle that tests look at.
type Bundle struct {
	Type  string
	Total *int
	Link  []struct{ Relation, URL string }
	Entry []struct {
		FullURL  string
		Resource json.RawMessage
		Search   struct{ Mode string }
		Request  struct{ Method, URL string }
		Response struct {
			Status, Location, Etag string
			Outcome                json.RawMessage
		}
	}
}

// Bundle decodes the answer, which must have succeeded.
func (a Answer) Bundle(t testing.TB) Bundle {
	t.Helper()
	var b Bundle
	if a.Status != http.StatusOK {
		t.Fatalf("status %d: %s", a.Status, a.Body)
	}
	if err := json.Unmarshal(a.Body, &b); err != nil {
		t.Fatalf("decode Bundle: %v", err)
	}
	return b
}

// Next is the path of the next page, empty on the last.
func (b Bundle) Next() string {
	for _, l := range b.Link {
		if l.Relation == "next" {
			return strings.TrimPrefix(l.URL, Base+"/")
		}
	}
	return ""
}

// JSON decodes the answer's body as an object without meta.versionId and meta.lastUpdated.
func (a Answer) JSON(t testing.TB) map[string]any { t.Helper(); return Plain(t, a.Body) }

// Plain decodes a resource without what a server sets of its meta. Numbers keep their digits.
func Plain(t testing.TB, resource []byte) map[string]any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(string(resource)))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil {
		t.Fatalf("decode resource: %v: %s", err, resource)
	}
	if meta, ok := m["meta"].(map[string]any); ok {
		delete(meta, "versionId")
		delete(meta, "lastUpdated")
		if len(meta) == 0 {
			delete(m, "meta")
		}
	}
	return m
}
