package fhir_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tutela-health/tutela/internal/rig"
)

// consentOf is an active privacy consent of a patient that denies within a provision, as far as that goes.
func consentOf(patient, provision string) string {
	return `{"resourceType":"Consent","id":"said","status":"active","scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},
"category":[{"text":"x"}],"patient":{"reference":"Patient/` + patient + `"},"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTIN"}]},
"provision":{"type":"permit","provision":[{"type":"deny"` + provision + `}]}}`
}

// reveals tells which paths show a caller an observation of a patient.
func reveals(t *testing.T, r *rig.Rig, as, id, patient string) (open []string) {
	t.Helper()
	for name, c := range map[string]rig.Call{
		"read": get("Observation/" + id), "version": get("Observation/" + id + "/_history/1"), "history": get("Observation/" + id + "/_history"),
		"search": get("Observation?_id=" + id), "compartment": get("Observation?patient=" + patient), "all": get("Observation"), "everything": get("Patient/" + patient + "/$everything"),
		"revinclude":  get("Patient?_id=" + patient + "&_revinclude=Observation:subject"),
		"batch":       post("", bundle("batch", req{method: "GET", url: "Observation/" + id})),
		"transaction": post("", bundle("transaction", req{method: "GET", url: "Observation/" + id})),
		"form":        {Method: http.MethodPost, Path: "Observation/_search", Body: "_id=" + id, Header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}},
	} {
		a := r.Do(t, asking(as, c))
		if a.Status == http.StatusOK && strings.Contains(string(a.Body), `"resourceType":"Observation"`) && strings.Contains(string(a.Body), `"`+id+`"`) {
			open = append(open, name)
		}
	}
	return open
}

// microsoft/fhir-server#3979: somebody asked how patients can say who sees what. Consents can be stored there; nothing reads
// them when data is asked for. Here each of these holds on every path that returns data, for those whom it speaks of, and
// for nobody else.
func TestConsentHoldsOnEveryPath(t *testing.T) {
	t.Parallel()
	const paths = 11
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		ward(t, r)
		for _, c := range []struct {
			name, provision          string
			physician, nurse, billed bool // what is left to them
		}{
			{"everybody", "", false, false, false},
			{"one actor", `,"actor":[{"role":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"PRCP"}]},"reference":{"reference":"Practitioner/physician"}}]`, false, true, true}, // billing has no resource of its own: it is nobody whom the records know
			{"a purpose", `,"purpose":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"HPAYMT"}]`, true, true, false},
			{"a period that is over", `,"period":{"end":"2020"}`, true, true, true},
			{"a class of data", `,"class":[{"system":"http://hl7.org/fhir/resource-types","code":"Observation"}]`, false, false, false},
			{"another class", `,"class":[{"system":"http://hl7.org/fhir/resource-types","code":"Immunization"}]`, true, true, true},
		} {
			r.Put(t, consentOf("seen", c.provision))
			for as, open := range map[string]bool{"physician": c.physician, "nurse": c.nurse, "billing": c.billed, "seen": true, rig.Loader: true} {
				got := reveals(t, r, as, "visible", "seen")
				if open && len(got) != paths || !open && len(got) != 0 {
					t.Errorf("denied to %s: %s sees it by %v", c.name, as, got)
				}
			}
		}
		r.Put(t, consentOf("unseen", ""))
		if got := reveals(t, r, "physician", "visible", "seen"); len(got) != paths {
			t.Errorf("a consent that became another patient's: seen by %v", got)
		}
		r.Put(t, consentOf("seen", ""))
		r.Do(t, asking(rig.Loader, del("Consent/said")))
		if got := reveals(t, r, "physician", "visible", "seen"); len(got) != paths {
			t.Errorf("a deleted consent: seen by %v", got)
		}
		a := r.Do(t, asking(rig.Loader, post("", bundle("transaction", req{method: "PUT", url: "Observation/late", resource: observed("late", "seen", "")},
			req{method: "PUT", url: "Consent/said", resource: strings.Replace(consentOf("seen", ""), "Patient/seen", rig.Base+"/Patient/seen", 1)}))))
		if got := reveals(t, r, "physician", "late", "seen"); a.Status != http.StatusOK || len(got) != 0 {
			t.Errorf("a consent that came with the data (%d): seen by %v", a.Status, got)
		}
	})
}

// Whom a consent binds neither withdraws nor rewrites it, nor writes one in the patient's name.
func TestCliniciansDoNotWriteConsents(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		ward(t, r)
		r.Put(t, consentOf("seen", `,"class":[{"system":"http://hl7.org/fhir/resource-types","code":"Immunization"}]`))
		permit := consentOf("seen", `,"class":[{"system":"http://hl7.org/fhir/resource-types","code":"Media"}]`)
		for _, as := range []string{"physician", "nurse", "registration", "seen"} {
			for _, c := range []rig.Call{del("Consent/said"), put("Consent/said", permit), post("Consent", permit),
				post("", bundle("transaction", req{method: "DELETE", url: "Consent/said"}))} {
				if a := r.Do(t, asking(as, c)); a.Status != http.StatusForbidden && a.Status != http.StatusNotFound {
					t.Errorf("%s: %s %s: %d", as, c.Method, c.Path, a.Status)
				}
			}
		}
	})
}
