package server_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/rig"
)

// explains asks why, as somebody.
func (s *site) explains(t *testing.T, by, as, resource, action string) rig.Answer {
	t.Helper()
	return s.Do(t, rig.Call{As: by, Method: http.MethodPost, Path: "/api/v1/policy/explain",
		Body:   fmt.Sprintf(`{"as":%q,"resource":%q,"action":%q}`, as, resource, action),
		Header: map[string]string{"Content-Type": "application/json"}})
}

// What is explained is what would happen: of each account and resource, the answer of a read.
func TestExplanationsAgreeWithReads(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	labelledChart(t, s)
	s.Put(t, `{"resourceType":"Patient","id":"other"}`)
	s.Put(t, `{"resourceType":"Observation","id":"plain","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p"}}`)
	s.Put(t, `{"resourceType":"Organization","id":"house","name":"x"}`)
	for _, as := range []string{"physician", "nurse", "billing", "registration", "researcher", admin, auditor, "p", "other", rig.Loader} {
		s.Token(t, as)
		for _, resource := range []string{"Patient/p", "Patient/other", "Observation/one", "Observation/both", "Observation/plain", "Organization/house", "CareTeam/team-p"} {
			a := s.explains(t, "privacy", as, resource, "read")
			expect(t, a, http.StatusOK)
			got := decode[access.Answer](t, a.Body)
			byItsID := got.Allowed && got.Deidentified == "" // what is de-identified is read by a pseudonym, and not by its id
			if read := s.Get(t, as, resource); byItsID != (read.Status == http.StatusOK) {
				t.Errorf("%s reads %s: %d, explained as %+v", as, resource, read.Status, got)
			}
		}
	}
	got := decode[access.Answer](t, s.explains(t, "privacy", "physician", "Observation/both", "").Body)
	want := access.Answer{
		Explanation: access.Explanation{Policies: []string{"limit.sensitivity"}, Hindered: []string{"limit.sensitivity"}},
		Roles:       []string{"physician"}, Clearances: []string{}, Standing: "treated", Labels: []string{"HIV", "PSY"}, Consent: access.ConsentNone,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the explanation (-want +got): %s", diff)
	}
}

// Only the privacy officer asks: to everybody else a resource that is there, one that is not, and an
// account that is not, are the same. Each question is in the ledger, under the patient's key.
func TestExplanationsAreNoOracle(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	labelledChart(t, s)
	s.Token(t, "physician")
	for _, by := range []string{admin, auditor, "physician", "nurse", "billing", "p", rig.Loader, "developer"} {
		var told []string
		for _, q := range [][2]string{{"physician", "Observation/one"}, {"physician", "Observation/none"}, {"nobody", "Observation/one"}, {"physician", "nonsense"}} {
			a := s.explains(t, by, q[0], q[1], "read")
			told = append(told, fmt.Sprint(a.Status, string(a.Body)))
		}
		if diff := cmp.Diff([]string{told[0], told[0], told[0], told[0]}, told); diff != "" || told[0][:3] != "403" {
			t.Errorf("%s is told apart: %s", by, diff)
		}
	}
	refused := len(s.entries(t, tutela.ActionPolicyExplain))
	if refused != 8*4 {
		t.Errorf("%d refusals are in the ledger", refused)
	}
	expect(t, s.explains(t, "privacy", "physician", "Observation/none", "read"), http.StatusNotFound)
	expect(t, s.explains(t, "privacy", "nobody", "Observation/one", "read"), http.StatusNotFound)
	expect(t, s.explains(t, "privacy", "physician", "Observation/one", "create"), http.StatusBadRequest)
	expect(t, s.explains(t, "privacy", "physician", "Observation/../one", "read"), http.StatusBadRequest)
	expect(t, s.explains(t, "privacy", "physician", "Observation/one", "read"), http.StatusOK)
	all := s.entries(t, tutela.ActionPolicyExplain)
	last := all[len(all)-1]
	if len(last.Patients) != 1 || last.Patients[0].Patient != s.Records.Bucket("p") || last.Actor.Name != "privacy" || last.Outcome != tutela.OutcomeSuccess {
		t.Errorf("the entry is %+v", last)
	}
}
