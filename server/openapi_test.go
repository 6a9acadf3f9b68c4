package server_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/rig"
)

// description is the part of an OpenAPI document that is held against the server.
type description struct {
	OpenAPI    string
	Paths      map[string]map[string]described
	Components struct{ Schemas map[string]*schema }
}

type described struct {
	OperationID string
	Security    *[]map[string][]string
	Parameters  []struct{ Name, In string }
	Responses   map[string]struct {
		Content map[string]struct{ Schema *schema }
	}
}

// schema is the part of JSON Schema that the description uses.
type schema struct {
	Ref        string `json:"$ref"`
	Type       string
	Enum       []any
	Items      *schema
	Properties map[string]*schema
	Required   []string
}

func (s *site) description(t *testing.T) description {
	t.Helper()
	a := s.get(t, "/api/v1/openapi.json")
	expect(t, a, http.StatusOK)
	return decode[description](t, a.Body)
}

func TestEveryMountedRouteIsDescribedAndNoOther(t *testing.T) {
	s := newSite(t, nil)
	d := s.description(t)
	var got []string
	for path, methods := range d.Paths {
		for method := range methods {
			got = append(got, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(s.server.Mounted("/api/v1"), got); diff != "" {
		t.Errorf("mounted and described (-, +): %s", diff)
	}
	if !strings.HasPrefix(d.OpenAPI, "3.1.") {
		t.Errorf("OpenAPI %s", d.OpenAPI)
	}
}

// A route is described as open if and only if it answers a stranger.
func TestWhatIsDescribedAsOpenIsOpen(t *testing.T) {
	s := newSite(t, nil)
	for path, methods := range s.description(t).Paths {
		for method, o := range methods {
			a := s.Do(t, rig.Call{Method: strings.ToUpper(method), Path: path})
			open := o.Security != nil && len(*o.Security) == 0
			if open != (a.Status == http.StatusOK) || !open && a.Status != http.StatusUnauthorized {
				t.Errorf("%s %s: described as open %v, answers %d", method, path, open, a.Status)
			}
		}
	}
}

// Real answers, of success and of failure, have the described form: every property is named, the
// required ones are there, types and enumerations hold.
func TestAnswersAreAsDescribed(t *testing.T) {
	s := newSite(t, nil)
	d := s.description(t)
	s.Put(t, `{"resourceType":"Patient","id":"1"}`)
	s.Treat(t, "1", "physician")
	expect(t, s.Get(t, "physician", "Patient/1"), 200)
	s.sequence(t)
	leaf := s.entriesLeaf(t)
	for _, c := range []struct {
		as, method, path, query string
		status                  int
	}{
		{auditor, "GET", "/api/v1/ledger/entries", "?personal=true&limit=1000", 200},
		{auditor, "GET", "/api/v1/ledger/entries", "?patient=1&newest=false&action=read&outcome=success&from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z", 200},
		{auditor, "GET", "/api/v1/ledger/entries", "?from=yesterday", 400},
		{auditor, "GET", "/api/v1/ledger/proof", fmt.Sprintf("?leaf=%d&header=true&patient=1", leaf), 200},
		{auditor, "GET", "/api/v1/ledger/proof", "?leaf=99999", 404},
		{auditor, "GET", "/api/v1/ledger/proof", "", 400},
		{admin, "GET", "/api/v1/keys", "", 200},
		{admin, "GET", "/api/v1/routes", "", 200},
		{auditor, "GET", "/api/v1/routes", "", 403},
		{"physician", "GET", "/api/v1/keys", "", 403},
		{admin, "POST", "/api/v1/assess", "", 200},
		{auditor, "GET", "/api/v1/ledger/entries", "?action=assess.evidence", 200},
		{auditor, "GET", "/api/v1/controls", "", 200},
		{admin, "GET", "/api/v1/controls", "?regulation=tutela&known=probed&standing=red", 200},
		{"privacy", "GET", "/api/v1/controls", "?known=guessed", 400},
		{auditor, "GET", "/api/v1/controls", "?regulation=none", 404},
		{"nurse", "GET", "/api/v1/controls", "", 403},
		{auditor, "GET", "/api/v1/controls/{id}", "", 404},
		{auditor, "GET", "/api/v1/oscal/{model}", "", 404},
		{auditor, "POST", "/api/v1/packages", "?from=yesterday", 400},
		{auditor, "POST", "/api/v1/packages", "?show=all&to=2001-01-01T00:00:00Z", 400},
		{"privacy", "POST", "/api/v1/packages", "?from=1999-01-01T00:00:00Z&to=2001-01-01T00:00:00Z&word=x", 404},
		{admin, "POST", "/api/v1/packages", "", 403},
		{auditor, "GET", "/api/v1/gaps", "?all=true", 200},
		{"nurse", "GET", "/api/v1/gaps", "", 403},
		{auditor, "PUT", "/api/v1/gaps/{id}/assignment", "", 403},
		{"privacy", "PUT", "/api/v1/gaps/{id}/assignment", "", 415},
		{"privacy", "POST", "/api/v1/gaps/{id}/dispute", "", 415},
		{admin, "POST", "/api/v1/gaps/{id}/agree", "", 404},
		{auditor, "POST", "/api/v1/gaps/{id}/agree", "", 403},
		{auditor, "GET", "/api/v1/tests", "", 200},
		{"developer", "GET", "/api/v1/tests", "", 403},
		{"privacy", "PUT", "/api/v1/tests/{id}", "", 415},
		{"privacy", "POST", "/api/v1/tests/{id}/runs", "", 415},
		{auditor, "POST", "/api/v1/tests/{id}/runs", "", 403},
		{auditor, "GET", "/api/v1/scores", "", 200},
		{auditor, "GET", "/api/v1/scores", "?days=0", 400},
		{auditor, "GET", "/api/v1/policies", "?all=true", 200},
		{"nurse", "GET", "/api/v1/policies", "", 403},
		{"nurse", "GET", "/api/v1/policies/mine", "", 200},
		{"p1", "GET", "/api/v1/policies/mine", "", 403},
		{auditor, "GET", "/api/v1/policies/{id}", "", 404},
		{auditor, "PUT", "/api/v1/policies/{id}", "", 403},
		{admin, "PUT", "/api/v1/policies/{id}", "", 415},
		{admin, "POST", "/api/v1/policies/starter", "", 415},
		{admin, "POST", "/api/v1/policies/{id}/approve", "", 415},
		{auditor, "POST", "/api/v1/policies/{id}/approve", "", 403},
		{"privacy", "POST", "/api/v1/policies/{id}/withdraw", "", 415},
		{"nurse", "POST", "/api/v1/policies/{id}/acknowledge", "", 415},
		{auditor, "GET", "/api/v1/training", "?all=true", 200},
		{"nurse", "GET", "/api/v1/training", "", 403},
		{"nurse", "GET", "/api/v1/training/mine", "", 200},
		{"p1", "GET", "/api/v1/training/mine", "", 403},
		{auditor, "PUT", "/api/v1/training/{id}", "", 403},
		{admin, "PUT", "/api/v1/training/{id}", "", 415},
		{admin, "DELETE", "/api/v1/training/{id}", "", 404},
		{auditor, "POST", "/api/v1/training/starter", "", 403},
		{"nurse", "POST", "/api/v1/training/{id}/answers", "", 415},
		{"nurse", "POST", "/api/v1/training/{id}/lab", "", 415},
		{"p1", "POST", "/api/v1/training/{id}/lab", "", 403},
		{"nurse", "POST", "/api/v1/training/{id}/certificate", "", 404},
		{"p1", "POST", "/api/v1/training/{id}/certificate", "", 403},
		{"nurse", "POST", "/api/v1/training/{id}/results", "", 403},
		{admin, "POST", "/api/v1/training/{id}/results", "", 415},
		{auditor, "GET", "/api/v1/reviews", "", 200},
		{"nurse", "GET", "/api/v1/reviews", "", 403},
		{auditor, "GET", "/api/v1/reviews/{sort}", "", 404},
		{auditor, "GET", "/api/v1/reviews/{sort}", "?round=0", 400},
		{auditor, "PUT", "/api/v1/reviews/{sort}", "", 403},
		{"privacy", "PUT", "/api/v1/reviews/{sort}", "", 415},
		{"privacy", "POST", "/api/v1/reviews/{sort}/rounds", "", 404},
		{auditor, "POST", "/api/v1/reviews/{sort}/rounds", "", 403},
		{"privacy", "POST", "/api/v1/reviews/{sort}/decisions", "", 415},
		{admin, "POST", "/api/v1/reviews/{sort}/carry", "", 404},
		{auditor, "POST", "/api/v1/reviews/{sort}/carry", "", 403},
		{"privacy", "POST", "/api/v1/follow-ups/{id}/done", "", 415},
		{auditor, "GET", "/api/v1/duties", "", 200},
		{"nurse", "GET", "/api/v1/duties", "", 403},
		{"nurse", "GET", "/api/v1/duties/mine", "", 200},
		{auditor, "GET", "/api/v1/risks", "?all=true", 200},
		{"nurse", "GET", "/api/v1/risks", "", 403},
		{auditor, "GET", "/api/v1/risks/{id}", "", 404},
		{auditor, "PUT", "/api/v1/risks/{id}", "", 403},
		{admin, "PUT", "/api/v1/risks/{id}", "", 415},
		{"privacy", "POST", "/api/v1/risks/starter", "", 415},
		{auditor, "POST", "/api/v1/risks/starter", "", 403},
		{"privacy", "POST", "/api/v1/risks/{id}/agree", "", 415},
		{auditor, "POST", "/api/v1/risks/{id}/agree", "", 403},
		{"privacy", "POST", "/api/v1/risks/{id}/close", "", 415},
		{auditor, "GET", "/api/v1/vendors", "?all=true", 200},
		{"nurse", "GET", "/api/v1/vendors", "", 403},
		{auditor, "GET", "/api/v1/questionnaire", "", 200},
		{"nurse", "GET", "/api/v1/questionnaire", "", 403},
		{auditor, "GET", "/api/v1/vendors/{id}", "", 404},
		{auditor, "PUT", "/api/v1/vendors/{id}", "", 403},
		{admin, "PUT", "/api/v1/vendors/{id}", "", 415},
		{auditor, "PUT", "/api/v1/vendors", "", 403},
		{admin, "PUT", "/api/v1/vendors", "", 415},
		{auditor, "POST", "/api/v1/vendors/assess", "", 403},
		{"privacy", "POST", "/api/v1/vendors/assess", "", 415},
		{auditor, "POST", "/api/v1/vendors/{id}/act", "", 403},
		{"privacy", "POST", "/api/v1/vendors/{id}/act", "", 415},
		{"privacy", "POST", "/api/v1/vendors/{id}/close", "", 415},
		{auditor, "POST", "/api/v1/vendors/{id}/statement", "", 403},
		{"privacy", "POST", "/api/v1/vendors/{id}/statement", "", 415},
		{auditor, "GET", "/api/v1/questionnaire/answers", "", 404},
		{"nurse", "GET", "/api/v1/questionnaire/answers", "", 403},
		{"privacy", "PUT", "/api/v1/questionnaire/answers", "", 415},
		{auditor, "PUT", "/api/v1/questionnaire/answers", "", 403},
		{"privacy", "POST", "/api/v1/questionnaire/answers/share", "", 404},
		{auditor, "POST", "/api/v1/questionnaire/answers/share", "", 403},
		{"developer", "GET", "/api/v1/oscal/{model}", "", 403},
		{"billing", "GET", "/api/v1/controls/{id}", "", 403},
		{auditor, "GET", "/api/v1/controls/{id}/attestation", "", 404},
		{"physician", "GET", "/api/v1/controls/{id}/attestation", "", 403},
		{"privacy", "PUT", "/api/v1/controls/{id}/attestation", "", 415},
		{auditor, "PUT", "/api/v1/controls/{id}/attestation", "", 403},
		{admin, "DELETE", "/api/v1/controls/{id}/attestation", "", 404},
		{auditor, "DELETE", "/api/v1/controls/{id}/attestation", "", 403},
		{admin, "POST", "/api/v1/index/rebuild", "", 200},
		{admin, "GET", "/api/v1/index", "", 200},
		{rig.Nobody, "GET", "/api/v1/index", "", 401},
		{admin, "POST", "/api/v1/backups", "", 415},
		{auditor, "POST", "/api/v1/backups", "", 403},
		{admin, "GET", "/api/v1/backups", "", 200},
		{"privacy", "GET", "/api/v1/backups", "", 403},
		{admin, "GET", "/api/v1/users", "", 200},
		{auditor, "GET", "/api/v1/users", "", 403},
		{auditor, "POST", "/api/v1/policy/diff", "", 415},
		{"physician", "POST", "/api/v1/policy/diff", "", 403},
		{"privacy", "POST", "/api/v1/policy/explain", "", 415},
		{admin, "POST", "/api/v1/policy/explain", "", 403},
		{"privacy", "GET", "/api/v1/clearances", "", 200},
		{auditor, "GET", "/api/v1/clearances", "", 403},
		{admin, "POST", "/api/v1/users/{id}/clearances", "", 415},
		{"privacy", "POST", "/api/v1/users/{id}/clearances", "", 403},
		{"privacy", "DELETE", "/api/v1/users/{id}/clearances", "", 404},
		{admin, "DELETE", "/api/v1/users/{id}/clearances", "", 403},
		{"privacy", "POST", "/api/v1/users/{id}/clearances/give", "", 415},
		{admin, "POST", "/api/v1/users/{id}/clearances/give", "", 403},
		{"privacy", "POST", "/api/v1/users/{id}/clearances/refuse", "", 415},
		{admin, "GET", "/api/v1/invitations", "", 200},
		{auditor, "GET", "/api/v1/invitations", "", 403},
		{admin, "DELETE", "/api/v1/invitations/{id}", "", 404},
		{admin, "POST", "/api/v1/keys/signing/rotate", "", 200},
		{auditor, "POST", "/api/v1/keys/signing/rotate", "", 403},
		{"privacy", "GET", "/api/v1/erasures", "", 200},
		{auditor, "GET", "/api/v1/erasures", "", 403},
		{"privacy", "GET", "/api/v1/erasures/{id}", "", 404},
		{admin, "POST", "/api/v1/erasures/{id}/approve", "", 404},
		{"privacy", "POST", "/api/v1/erasures/{id}/approve", "", 403},
		{"privacy", "POST", "/api/v1/erasures/{id}/withdraw", "", 404},
		{admin, "POST", "/api/v1/erasures/{id}/withdraw", "", 403},
		{"privacy", "POST", "/api/v1/patients/{id}/erasure", "", 400},
		{admin, "POST", "/api/v1/patients/{id}/erasure", "", 403},
		{"privacy", "POST", "/api/v1/patients/{id}/hold", "", 400},
		{"privacy", "DELETE", "/api/v1/patients/{id}/hold", "", 400},
		{admin, "GET", "/api/v1/keys/generations", "", 200},
		{"privacy", "GET", "/api/v1/keys/generations", "", 403},
		{admin, "POST", "/api/v1/keys/generation/rotate", "", 200},
		{"privacy", "POST", "/api/v1/keys/generation/rotate", "", 403},
		{auditor, "POST", "/api/v1/keys/index/rotate", "", 403},
		{admin, "POST", "/api/v1/keys/generations/{n}/destroy", "", 404},
		{auditor, "POST", "/api/v1/keys/generations/{n}/destroy", "", 403},
		{admin, "GET", "/api/v1/keys/provider", "", 200},
		{auditor, "GET", "/api/v1/keys/provider", "", 403},
		{admin, "POST", "/api/v1/keys/provider/move", "", 412},
		{auditor, "POST", "/api/v1/keys/provider/move", "", 403},
		{admin, "GET", "/api/v1/keys/recovery", "", 200},
		{auditor, "GET", "/api/v1/keys/recovery", "", 403},
		{admin, "POST", "/api/v1/keys/recovery/split", "", 415},
		{"physician", "POST", "/api/v1/keys/recovery/split", "", 403},
		{admin, "POST", "/api/v1/keys/recovery/renew", "", 412},
		{admin, "POST", "/api/v1/keys/recovery/confirm", "", 415},
		{admin, "GET", "/api/v1/keys/recovery/drill", "", 200},
		{admin, "POST", "/api/v1/keys/recovery/drill", "", 415},
		{"privacy", "POST", "/api/v1/keys/recovery/drill", "", 403},
		{"privacy", "GET", "/api/v1/break-glass", "", 200},
		{auditor, "GET", "/api/v1/break-glass", "", 403},
		{"physician", "POST", "/api/v1/break-glass", "", 415},
		{"physician", "DELETE", "/api/v1/break-glass/{id}", "", 404},
		{"privacy", "POST", "/api/v1/break-glass/{id}/revoke", "", 404},
		{"privacy", "POST", "/api/v1/break-glass/{id}/review", "", 415},
		{"nurse", "POST", "/api/v1/downtime", "", 415},
		{"nurse", "POST", "/api/v1/downtime/{id}/report", "", 415},
		{auditor, "POST", "/api/v1/downtime", "", 403},
		{"privacy", "GET", "/api/v1/patients/{id}/requests", "", 400},
		{"privacy", "POST", "/api/v1/patients/{id}/restriction", "", 400},
		{"privacy", "GET", "/api/v1/requests", "?closed=true", 200},
		{"physician", "GET", "/api/v1/requests", "", 403},
		{"privacy", "POST", "/api/v1/requests/{id}/grant", "", 415},
		{"privacy", "GET", "/api/v1/requests/{id}/recipients", "", 404},
		{"physician", "POST", "/api/v1/requests/{id}/notices", "", 403},
		{"privacy", "GET", "/api/v1/patients/{id}/export", "?format=bundle&purpose=nonsense", 400},
		{admin, "GET", "/api/v1/incidents", "?all=true&limit=3", 200},
		{admin, "GET", "/api/v1/incidents", "?state=lost", 400},
		{"physician", "GET", "/api/v1/incidents", "", 403},
		{"privacy", "GET", "/api/v1/incidents/{id}", "", 404},
		{"privacy", "POST", "/api/v1/incidents", "", 415},
		{"privacy", "GET", "/api/v1/incidents/runbooks", "", 200},
		{"privacy", "GET", "/api/v1/incidents/{id}/score", "", 404},
		{"privacy", "POST", "/api/v1/incidents/drills", "", 415},
		{admin, "POST", "/api/v1/incidents/mail", "", 415},
		{"nurse", "POST", "/api/v1/incidents/mail", "", 403},
		{"nurse", "POST", "/api/v1/incidents/drills", "", 403},
		{admin, "POST", "/api/v1/incidents/{id}/steps/{step}", "", 415},
		{"nurse", "POST", "/api/v1/incidents", "", 403},
		{"nurse", "GET", "/api/v1/incidents/reports", "", 200},
		{"nurse", "POST", "/api/v1/incidents/reports", "", 415},
		{"nurse", "POST", "/api/v1/incidents/{id}/notes", "", 403},
		{admin, "POST", "/api/v1/incidents/{id}/state", "", 415},
		{admin, "GET", "/api/v1/pipelines", "", 200},
		{"physician", "GET", "/api/v1/pipelines", "", 403},
		{admin, "POST", "/api/v1/pipelines", "", 415},
		{"developer", "POST", "/api/v1/pipelines", "", 403},
		{admin, "DELETE", "/api/v1/pipelines/{id}", "", 404},
		{"developer", "GET", "/api/v1/sboms", "", 200},
		{auditor, "GET", "/api/v1/sboms/{id}", "", 404},
		{"billing", "GET", "/api/v1/sboms", "", 403},
		{"developer", "POST", "/api/v1/approvals", "", 415},
		{auditor, "POST", "/api/v1/approvals", "", 403},
		{admin, "POST", "/api/v1/evidence", "", 403},
		{admin, "POST", "/api/v1/users/import", "?apply=true&leavers=true&force=false", 415},
	} {
		a := s.Do(t, rig.Call{As: c.as, Method: c.method, Path: c.path + c.query})
		expect(t, a, c.status)
		o := d.Paths[c.path][strings.ToLower(c.method)]
		content, ok := o.Responses[fmt.Sprint(c.status)].Content[a.Header.Get("Content-Type")]
		if !ok {
			t.Errorf("%s %s: %d as %s is not described", c.method, c.path, c.status, a.Header.Get("Content-Type"))
			continue
		}
		for _, p := range d.differences(content.Schema, decode[any](t, a.Body), "") {
			t.Errorf("%s %s%s: %s", c.method, c.path, c.query, p)
		}
		for name := range strings.SplitSeq(strings.TrimPrefix(c.query, "?"), "&") {
			name, _, _ = strings.Cut(name, "=")
			if name != "" && !slices.ContainsFunc(o.Parameters, func(p struct{ Name, In string }) bool { return p.Name == name }) {
				t.Errorf("%s: parameter %s is not described", c.path, name)
			}
		}
	}
}

// The comparison itself sees what it is there to see.
func TestDifferencesAreSeen(t *testing.T) {
	d := description{}
	object := &schema{Type: "object", Required: []string{"a"}, Properties: map[string]*schema{"a": {Type: "string", Enum: []any{"x"}}, "n": {Type: "integer"}}}
	for text, want := range map[string]int{
		`{"a":"x","n":1}`: 0, `{"n":1}`: 1, `{"a":"y"}`: 1, `{"a":"x","z":1}`: 1, `{"a":"x","n":1.5}`: 1, `{"a":"x","n":"1"}`: 1, `[]`: 1, `null`: 1,
	} {
		if got := d.differences(object, decode[any](t, []byte(text)), ""); len(got) != want {
			t.Errorf("%s: %v, want %d", text, got, want)
		}
	}
}

// entriesLeaf gives the place of the physician's read.
func (s *site) entriesLeaf(t *testing.T) int64 {
	t.Helper()
	a := s.Do(t, rig.Call{As: auditor, Method: http.MethodGet, Path: "/api/v1/ledger/entries?action=read"})
	list := decode[[]struct {
		Leaf  int64
		Entry tutela.Entry
	}](t, a.Body)
	if len(list) != 1 || list[0].Entry.Actor.Name != "physician" {
		t.Fatalf("reads: %s", a.Body)
	}
	return list[0].Leaf
}

// differences says where a value is not as a schema describes it.
func (d description) differences(s *schema, v any, at string) []string {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		if s = d.Components.Schemas[name]; s == nil {
			return []string{at + ": no schema " + name}
		}
	}
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, v) {
		return []string{fmt.Sprintf("%s: %v is not in the enumeration", at, v)}
	}
	switch v := v.(type) {
	case map[string]any:
		if s.Type != "object" && s.Type != "" {
			return []string{at + ": an object"}
		}
		return d.members(s, v, at)
	case []any:
		if s.Type != "array" {
			return []string{at + ": an array"}
		}
		var all []string
		for i, item := range v {
			all = append(all, d.differences(s.Items, item, fmt.Sprintf("%s[%d]", at, i))...)
		}
		return all
	case float64:
		if s.Type == "number" || s.Type == "integer" && v == float64(int64(v)) {
			return nil
		}
	case string:
		if s.Type == "string" {
			return nil
		}
	case bool:
		if s.Type == "boolean" {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s: a %T, described as %s", at, v, s.Type)}
}

func (d description) members(s *schema, v map[string]any, at string) []string {
	if s.Properties == nil {
		return nil // a map, or anything
	}
	var all []string
	for _, name := range s.Required {
		if _, ok := v[name]; !ok {
			all = append(all, at+"."+name+": missing")
		}
	}
	for name, member := range v {
		p, ok := s.Properties[name]
		if !ok {
			all = append(all, at+"."+name+": not described")
			continue
		}
		all = append(all, d.differences(p, member, at+"."+name)...)
	}
	return all
}
