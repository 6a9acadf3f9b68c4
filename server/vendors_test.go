package server_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/vendor"
	"github.com/tutela-health/tutela/internal/rig"
)

// Vendors, their assessments and sealed answers have the described form, and each change has one entry that names it.
func TestVendorsAreAsDescribed(t *testing.T) {
	s := newSite(t, nil)
	d := s.description(t)
	q, err := vendor.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string]vendor.Answer{}
	for _, one := range q.Questions {
		answers[one.ID] = vendor.Answer{Is: vendor.Yes, Until: time.Now().AddDate(0, 3, 0)}
	}
	answers["tests"] = vendor.Answer{Is: vendor.No, Text: "planned"}
	keys, err := s.Audit.VerifierKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	type say map[string]any
	written := say{"revision": 0, "name": "Acme", "service": "s", "contact": "c", "owner": "privacy", "data": "health", "critical": 3,
		"agreement": say{"kind": "baa", "signed": time.Now().AddDate(0, -1, 0), "ends": time.Now().AddDate(1, 0, 0)}}
	many := say{"id": "b", "line": 2}
	for name, v := range written {
		many[name] = v
	}
	next, until := time.Now().AddDate(0, 6, 0), time.Now().AddDate(0, 1, 0)
	var shared json.RawMessage
	for _, c := range []struct {
		status             int
		method, path, real string
		body               func() any
	}{
		{200, "PUT", "/api/v1/vendors/{id}", "/api/v1/vendors/a", func() any { return written }},
		{409, "PUT", "/api/v1/vendors/{id}", "/api/v1/vendors/a", func() any { return written }},
		{400, "PUT", "/api/v1/vendors/{id}", "/api/v1/vendors/a", func() any { return say{"more": 1} }},
		{200, "PUT", "/api/v1/vendors", "", func() any { return []say{many} }},
		{400, "PUT", "/api/v1/vendors", "", func() any { return []say{} }},
		{200, "POST", "/api/v1/vendors/assess", "", func() any { return []say{{"id": "a", "revision": 1, "answers": answers, "next": next, "until": until}} }},
		{200, "POST", "/api/v1/vendors/{id}/act", "/api/v1/vendors/a/act", func() any { return say{"number": 1, "done": "saw it"} }},
		{200, "PUT", "/api/v1/questionnaire/answers", "", func() any { return say{"revision": 0, "name": "Us", "service": "s", "answers": answers} }},
		{200, "GET", "/api/v1/questionnaire/answers", "", nil},
		{200, "POST", "/api/v1/questionnaire/answers/share", "", nil},
		{200, "POST", "/api/v1/vendors/{id}/statement", "/api/v1/vendors/b/statement", func() any {
			return say{"revision": 1, "statement": shared, "keys": keys, "next": next, "until": until}
		}},
		{200, "GET", "/api/v1/vendors", "", nil},
		{200, "GET", "/api/v1/vendors/{id}", "/api/v1/vendors/b", nil},
		{200, "POST", "/api/v1/vendors/{id}/close", "/api/v1/vendors/a/close", func() any { return say{"reason": "gone"} }},
	} {
		call := rig.Call{As: "privacy", Method: c.method, Path: c.path}
		if c.real != "" {
			call.Path = c.real
		}
		if c.body != nil {
			text, err := json.Marshal(c.body())
			if err != nil {
				t.Fatal(err)
			}
			call.Body, call.Header = string(text), map[string]string{"Content-Type": "application/json"}
		}
		a := s.Do(t, call)
		if a.Status != c.status {
			t.Errorf("%s %s: %d %s", c.method, call.Path, a.Status, a.Body)
			continue
		}
		content := d.Paths[c.path][strings.ToLower(c.method)].Responses[map[int]string{200: "200", 400: "400", 409: "409"}[c.status]].Content[a.Header.Get("Content-Type")]
		for _, p := range d.differences(content.Schema, decode[any](t, a.Body), "") {
			t.Errorf("%s %s: %s", c.method, call.Path, p)
		}
		if strings.HasSuffix(c.path, "/share") {
			shared = a.Body
		}
	}
	var changes []string
	for _, e := range s.entries(t, tutela.ActionVendorChange) {
		if e.Outcome == tutela.OutcomeSuccess {
			what, _, _ := strings.Cut(e.Subject.Detail, ";")
			changes = append(changes, e.Subject.ID+" "+what)
		}
	}
	want := "a kept, b kept, a assessed, a corrective action 1 done, own answered, b assessed by its own statement, a closed"
	if got := strings.Join(changes, ", "); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if e := s.entries(t, tutela.ActionVendorShare); len(e) != 1 || !strings.HasPrefix(e[0].Subject.Detail, "sha256 ") || e[0].Actor.Name != "privacy" {
		t.Errorf("%+v", e)
	}
}
