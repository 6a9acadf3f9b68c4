package fhir_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/rig"
)

// everything asks for each patient's whole chart: it holds what the role sees of it, as it sees it, and for
// whom the patient is not there, it is not either. The privacy officer gets the complete copy.
func (m *matrix) everything(t *testing.T) {
	t.Helper()
	whole := m.role == string(access.RolePrivacy)
	see := func(x thing) map[string]any {
		if whole {
			return rig.Plain(t, []byte(x.text))
		}
		return m.expected(t, x)
	}
	absent := m.r.Get(t, m.as, "Patient/absent/$everything")
	for _, p := range m.all {
		if p.typ != "Patient" || p.at.name == "foreign" {
			continue
		}
		path := p.ref + "/$everything?_count=4"
		if see(p) == nil {
			if a := m.r.Get(t, m.as, path); a.Status != absent.Status || string(a.Body) != string(absent.Body) {
				m.errorf(t, path, "%d, unlike what is not there (%d)", a.Status, absent.Status)
			}
			continue
		}
		want := map[string]map[string]any{}
		for _, x := range m.all {
			if seen := see(x); seen != nil && x.at.patient == p.at.patient && x.at.name != "foreign" {
				want[x.ref] = seen
			}
		}
		if diff := cmp.Diff(want, m.chart(t, path)); diff != "" {
			m.errorf(t, path, "(-want +got):\n%s", diff)
		}
	}
}

// chart pages through a whole chart and gives what the world holds of it.
func (m *matrix) chart(t *testing.T, path string) map[string]map[string]any {
	t.Helper()
	known := map[string]bool{}
	for _, x := range m.all {
		known[x.ref] = true
	}
	got := map[string]map[string]any{}
	for next := path; next != ""; {
		b := m.r.Get(t, m.as, next).Bundle(t)
		next = b.Next()
		for _, e := range b.Entry {
			ref := strings.TrimPrefix(e.FullURL, rig.Base+"/")
			if known[ref] && got[ref] != nil {
				m.errorf(t, path, "%s is there twice", ref)
			}
			if known[ref] {
				got[ref] = rig.Plain(t, e.Resource)
			}
		}
	}
	return got
}

// chartOf gives the references of a whole chart with their modes, page by page.
func chartOf(t *testing.T, r *rig.Rig, as, path string) map[string]string {
	t.Helper()
	got := map[string]string{}
	for next := path; next != ""; {
		b := r.Get(t, as, next).Bundle(t)
		next = b.Next()
		for _, e := range b.Entry {
			got[strings.TrimPrefix(e.FullURL, rig.Base+"/")] = e.Search.Mode
		}
	}
	return got
}

// family is two patients who share a resource, and what theirs refer to.
func family(t *testing.T, r *rig.Rig) {
	t.Helper()
	for _, text := range []string{
		`{"resourceType":"Patient","id":"ann","generalPractitioner":[{"reference":"PractitionerRole/gp"}]}`,
		`{"resourceType":"Patient","id":"bob"}`,
		`{"resourceType":"PractitionerRole","id":"gp","practitioner":{"reference":"Practitioner/doc"}}`,
		`{"resourceType":"Practitioner","id":"doc"}`, `{"resourceType":"Practitioner","id":"other"}`,
		`{"resourceType":"Condition","id":"ill","subject":{"reference":"Patient/ann"},"code":{"text":"x"},"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"PSY"}]}}`,
		`{"resourceType":"Observation","id":"seen","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/ann"}}`,
		`{"resourceType":"Observation","id":"his","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/bob"}}`,
		`{"resourceType":"Group","id":"family","type":"person","actual":true,"member":[{"entity":{"reference":"Patient/ann"}},{"entity":{"reference":"Patient/bob"}}]}`,
		`{"resourceType":"Observation","id":"once","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/ann"},"focus":[{"reference":"Patient/bob"}]}`,
	} {
		r.Put(t, text)
	}
	r.Put(t, `{"resourceType":"Observation","id":"once","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/bob"}}`)
	r.Treat(t, "ann", "physician")
	r.Treat(t, "bob", "physician")
}

// What of a chart another patient shares is not the patient's to see, nor the other's chart by way of it; what
// concerns nobody comes along, by whatever it is reached. The officer's copy is complete.
func TestEverythingOfAPatient(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		family(t, r)
		own := map[string]string{"Patient/ann": "match", "Condition/ill": "match", "Observation/seen": "match", "CareTeam/team-ann": "match"}
		treated := maps.Clone(own)
		treated["PractitionerRole/gp"], treated["Practitioner/doc"] = "include", "include" // which no scope of the patient's reaches
		treated["Group/family"] = "match"
		whole := maps.Clone(treated)
		delete(treated, "Condition/ill")
		results := map[string]string{"Observation/seen": "match"}
		for _, c := range []struct {
			as, query string
			want      map[string]string
		}{
			{"ann", "", own}, {"ann", "?_count=1", own}, {"physician", "", treated}, {"physician", "?_count=2", treated},
			{"privacy", "", whole}, {"privacy", "?_count=1", whole},
			{"ann", "?_type=Observation", results}, {"ann", "?_type=Observation,Group&_since=2000-01-01T00:00:00Z", results},
			{"ann", "?_since=2100-01-01T00:00:00Z", map[string]string{}},
		} {
			if diff := cmp.Diff(c.want, chartOf(t, r, c.as, "Patient/ann/$everything"+c.query)); diff != "" {
				t.Errorf("%s, %q (-want +got):\n%s", c.as, c.query, diff)
			}
		}
		play(t, r, []step{
			{name: "a stranger's", call: asking("bob", get("Patient/ann/$everything")), status: http.StatusNotFound},
			{name: "nobody's", call: asking("bob", get("Patient/absent/$everything")), status: http.StatusNotFound},
			{name: "an unknown parameter", call: asking("ann", get("Patient/ann/$everything?start=2020")), status: http.StatusBadRequest},
			{name: "no type", call: asking("ann", get("Patient/ann/$everything?_type=Nonsense")), status: http.StatusBadRequest},
			{name: "no instant", call: asking("ann", get("Patient/ann/$everything?_since=yesterday")), status: http.StatusBadRequest},
			{name: "another operation", call: asking("ann", get("Patient/ann/$nothing")), status: http.StatusNotFound},
		})
	})
}

// A page link is for its patient and its caller.
func TestEverythingPagesAreBoundToCallerAndPatient(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		family(t, r)
		next := r.Get(t, "privacy", "Patient/ann/$everything?_count=1").Bundle(t).Next()
		_, query, _ := strings.Cut(next, "?")
		for as, path := range map[string]string{"ann": next, "privacy": "Patient/bob/$everything?" + query, "physician": "Patient?" + query} {
			if a := r.Get(t, as, path); a.Status != http.StatusBadRequest {
				t.Errorf("%s goes on with another's page by %s: %d", as, path, a.Status)
			}
		}
	})
}

// Every page, and every refusal, is in the ledger under the policy that decided it.
func TestEverythingIsInTheLedger(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		family(t, r)
		before := len(r.Entries(t))
		chartOf(t, r, "privacy", "Patient/ann/$everything?_count=100")
		chartOf(t, r, "ann", "Patient/ann/$everything")
		r.Get(t, "bob", "Patient/ann/$everything")
		r.Get(t, "admin", "Patient/ann/$everything")
		type line struct {
			Action   tutela.Action
			Outcome  tutela.Outcome
			Purpose  tutela.Purpose
			Policies []string
			Patients int
		}
		var got []line
		for _, e := range r.Entries(t)[before:] {
			l := line{Action: e.Action, Outcome: e.Outcome, Purpose: e.Purpose, Patients: len(e.Patients)}
			if e.Basis != nil {
				l.Policies = e.Basis.Policies
			}
			got = append(got, l)
		}
		want := []line{
			{tutela.ActionPatientExport, tutela.OutcomeSuccess, tutela.PurposePatient, []string{"privacy.right-of-access"}, 2}, // the shared Group is of two
			{tutela.ActionExport, tutela.OutcomeSuccess, tutela.PurposePatient, []string{"patient.own"}, 1},
			{tutela.ActionExport, tutela.OutcomeFailed, tutela.PurposePatient, nil, 0},
			{tutela.ActionExport, tutela.OutcomeDenied, tutela.PurposeTreatment, nil, 0},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("entries (-want +got):\n%s", diff)
		}
		r.Verify(t)
	})
}

// A scope to read some types exports those alone: a copy is no way around what an app was given.
func TestEverythingKeepsToScopes(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		family(t, r)
		onlookers(t, r)
		r.Put(t, `{"resourceType":"Patient","id":"w0"}`)
		r.Put(t, observed("lab", "w0", `"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],`))
		r.Put(t, observed("vital", "w0", ""))
		r.Put(t, `{"resourceType":"Condition","id":"w0-ill","subject":{"reference":"Patient/w0"}}`)
		got := slices.Sorted(maps.Keys(chartOf(t, r, "own results", "Patient/w0/$everything")))
		if diff := cmp.Diff([]string{"Observation/lab", "Patient/w0"}, got); diff != "" {
			t.Errorf("by scopes for laboratory results and the Patient (-want +got):\n%s", diff)
		}
	})
}
