package fhir_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/rig"
)

// clinic stores two patients with a doctor and an observation each.
func clinic(t *testing.T, r *rig.Rig) {
	t.Helper()
	for _, res := range []string{
		`{"resourceType":"Practitioner","id":"dr","name":[{"family":"Doctor"}]}`,
		`{"resourceType":"Organization","id":"org","name":"Clinic"}`,
		`{"resourceType":"Patient","id":"me","name":[{"family":"Me"}],"generalPractitioner":[{"reference":"Practitioner/dr"}]}`,
		`{"resourceType":"Patient","id":"you","name":[{"family":"You"}]}`,
		`{"resourceType":"Observation","id":"mine","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/me"}}`,
		`{"resourceType":"Observation","id":"yours","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/you"}}`,
		`{"resourceType":"Observation","id":"ours","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/me"},"performer":[{"reference":"Patient/you"}],"hasMember":[{"reference":"Observation/mine"},{"reference":"Observation/yours"}]}`,
		`{"resourceType":"Observation","id":"nobodys","status":"final","code":{"text":"x"}}`,
		`{"resourceType":"Claim","id":"bill","status":"active","type":{"text":"x"},"use":"claim","patient":{"reference":"Patient/me"},"created":"2020","provider":{"reference":"Practitioner/dr"},"priority":{"text":"x"},"insurance":[{"sequence":1,"focal":true,"coverage":{"display":"x"}}]}`,
	} {
		r.Put(t, res)
	}
	r.Treat(t, "me", "physician", "nurse")
	r.Treat(t, "you", "physician", "nurse")
}

func TestRolesReachWhatTheirTableSays(t *testing.T) {
	t.Parallel()
	r := rig.Open(t, rig.Config{})
	clinic(t, r)
	calls := []rig.Call{
		get("Patient/you"), get("Observation/yours"), get("Claim?patient=me"), get("Practitioner?family=Doctor"), get("Organization/org"),
		get("Observation/yours/_history"), get("Observation/yours/_history/1"),
		put("Patient/you", `{"resourceType":"Patient","id":"you","name":[{"family":"You"}]}`), post("Observation", observationOf("Patient/you", "x")), del("Basic/none"),
	}
	columns := "patient observation claim practitioner organisation history vread update create delete"
	for as, want := range map[string]string{
		rig.Loader:     "200 200 200 200 200 200 200 200 201 204",
		"physician":    "200 200 200 200 200 200 200 200 201 404",
		"nurse":        "200 200 200 200 200 200 200 403 201 403",
		"registration": "200 403 403 200 200 403 403 200 403 403",
		"billing":      "200 200 200 200 200 200 200 403 403 403",
		"admin":        "403 403 403 403 403 403 403 403 403 403",
		"privacy":      "403 403 403 403 403 403 403 403 403 403",
		"researcher":   "404 404 200 400 404 404 404 403 403 403",
		"developer":    "404 404 200 400 404 404 404 403 403 403",
		"auditor":      "403 403 403 403 403 403 403 403 403 403",
		"me":           "404 404 200 200 404 404 404 403 403 403",
		"absent":       "404 404 200 200 404 404 404 403 403 403",
	} {
		var got []string
		for _, c := range calls {
			got = append(got, http.StatusText(r.Do(t, asking(as, c)).Status))
		}
		var expected []string
		for s := range strings.FieldsSeq(want) {
			expected = append(expected, statusText(s))
		}
		if diff := cmp.Diff(expected, got); diff != "" {
			t.Errorf("%s (%s) (-want +got):\n%s", as, columns, diff)
		}
	}
}

func statusText(code string) string {
	return map[string]string{"200": "OK", "201": "Created", "204": "No Content", "400": "Bad Request", "403": "Forbidden", "404": "Not Found"}[code]
}

// refs are what a Bundle shows, in its order.
func refs(b rig.Bundle) []string {
	list := []string{}
	for _, e := range b.Entry {
		list = append(list, strings.TrimPrefix(e.FullURL, rig.Base+"/"))
	}
	return list
}

func TestPatientSeesOnlyTheOwnChart(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		clinic(t, r)
		r.Put(t, `{"resourceType":"Observation","id":"moved","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/you"}}`)
		r.Put(t, `{"resourceType":"Observation","id":"moved","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/me"}}`)
		r.Do(t, asking(rig.Loader, del("Observation/moved")))
		play(t, r, []step{
			{"own chart", asking("me", get("Patient/me")), 200, nil, `"Me"`},
			{"own observation", asking("me", get("Observation/mine")), 200, nil, ""},
			{"another's", asking("me", get("Observation/yours")), 404, nil, "no such"},
			{"one that concerns both", asking("me", get("Observation/ours")), 404, nil, "no such"},
			{"one that concerns nobody", asking("me", get("Observation/nobodys")), 404, nil, "no such"},
			{"another's history", asking("me", get("Observation/yours/_history")), 404, nil, "no such"},
			{"an own tombstone", asking("me", get("Observation/moved")), 410, nil, "deleted"},
			{"the version that was another's", asking("me", get("Observation/moved/_history/1")), 404, nil, "no such"},
			{"the version that is own", asking("me", get("Observation/moved/_history/2")), 200, nil, ""},
			{"the tombstone, another's", asking("you", get("Observation/moved")), 404, nil, "no such"},
			{"the version that was own", asking("you", get("Observation/moved/_history/1")), 200, nil, ""},
			{"a write in a transaction", asking("me", post("", bundle("transaction", req{method: "POST", url: "Observation", resource: observationOf("Patient/me", "x")}))), 403, nil, "forbidden"},
		})
		for path, want := range map[string][]string{
			"Observation":                                   {"Observation/mine"},
			"Observation?subject=you":                       {},
			"Observation?_id=mine,yours":                    {"Observation/mine"},
			"Patient?_total=accurate":                       {"Patient/me"},
			"Patient?_revinclude=Observation:subject":       {"Patient/me", "Observation/mine"},
			"Observation?_include=Observation:subject":      {"Observation/mine", "Patient/me"},
			"Patient?_include=Patient:general-practitioner": {"Patient/me"},
			"Observation/moved/_history":                    {"Observation/moved", "Observation/moved"},
		} {
			if diff := cmp.Diff(want, refs(r.Get(t, "me", path).Bundle(t))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", path, diff)
			}
		}
		b := r.Do(t, asking("me", post("", bundle("batch", req{method: "GET", url: "Observation/yours"}, req{method: "GET", url: "Observation/mine"},
			req{method: "GET", url: "Observation?subject=you"}, req{method: "DELETE", url: "Observation/mine"})))).Bundle(t)
		if diff := cmp.Diff([]string{"404", "200", "200", "403"}, responses(b)); diff != "" {
			t.Errorf("batch (-want +got):\n%s", diff)
		}
	})
}

func TestNothingButMetadataWithoutAToken(t *testing.T) {
	t.Parallel()
	r := rig.Open(t, rig.Config{})
	clinic(t, r)
	for _, c := range []rig.Call{
		get("Patient/me"), get("Patient"), get("Patient/me/_history"), get("Patient/me/_history/1"), get("Nonsense/1"), get("Patient/me/$everything"), get(""),
		put("Patient/me", patient("me", "X")), post("Patient", patient("x", "X")), post("", bundle("batch")), post("Patient/_search", "family=Me"), del("Patient/me"),
		{Method: http.MethodPatch, Path: "Patient/me"}, {Method: http.MethodOptions, Path: "Patient/me"}, {Method: http.MethodHead, Path: "Patient/me"},
		get("Patient/me", "Authorization", "Bearer tut_nonsense"), get("Patient/me", "Authorization", "Basic bWU6bWU="), get("Patient/me", "Authorization", "Bearer"),
	} {
		if c.Method == "" {
			c.Method = http.MethodGet
		}
		a := r.Do(t, c)
		if a.Status != http.StatusUnauthorized || a.Header.Get("WWW-Authenticate") == "" || strings.Contains(string(a.Body), "Me") {
			t.Errorf("%s %s: %d %s", c.Method, c.Path, a.Status, a.Body)
		}
	}
	a := r.Get(t, rig.Nobody, "metadata")
	if a.Status != http.StatusOK || !strings.Contains(string(a.Body), "CapabilityStatement") {
		t.Errorf("metadata: %d %s", a.Status, a.Body)
	}
}
