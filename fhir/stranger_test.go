package fhir_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/rig"
)

// aboutStrangers are what people write whom nothing binds to a patient.
func aboutStrangers() map[string]string {
	return map[string]string{
		"registration": `{"resourceType":"Coverage","status":"active","beneficiary":{"reference":"Patient/%s"},"payor":[{"display":"x"}]}`,
		"dispensary": `{"resourceType":"MedicationDispense","status":"completed","subject":{"reference":"Patient/%s"},
"medicationCodeableConcept":{"text":"aspirin"}}`,
	}
}

// refusal is what a caller is told, but for what differs with every answer.
func refusal(a rig.Answer) string { return fmt.Sprint(a.Status, " ", string(a.Body)) }

// A write about a patient whose consent or sensitivity keeps him from the caller answers like one about
// a patient who does not exist: neither says which.
func TestWritesAboutHiddenAndMissingPatientsAnswerAlike(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		r.Enroll(t, identity.NewUser{Username: "dispensary", Kind: tutela.ActorPerson, Roles: []string{string(access.RolePharmacist)}, Scopes: []string{"user/*.cruds"}, Client: "rig"})
		for _, id := range []string{"plain", "denying", "withheld", "deleted"} {
			meta := ""
			if id == "withheld" {
				meta = `"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"V"}]},`
			}
			r.Put(t, `{"resourceType":"Patient",`+meta+`"id":"`+id+`"}`)
		}
		r.Put(t, consentOf("denying", ""))
		r.Do(t, asking(rig.Loader, del("Patient/deleted")))
		for as, text := range aboutStrangers() {
			typ, _, _ := strings.Cut(strings.TrimPrefix(text, `{"resourceType":"`), `"`)
			write := func(patient string) []string {
				body := fmt.Sprintf(text, patient)
				return []string{
					refusal(r.Do(t, asking(as, post(typ, body)))),
					refusal(r.Do(t, asking(as, post("", bundle("transaction", req{method: "POST", url: typ, resource: body}))))),
				}
			}
			missing := write("missing")
			if !strings.HasPrefix(missing[0], "403 ") {
				t.Errorf("%s wrote about nobody: %s", as, missing[0])
			}
			for _, id := range []string{"denying", "withheld", "deleted"} {
				if diff := cmp.Diff(missing, write(id)); diff != "" {
					t.Errorf("%s writes about the %s patient (-missing +%s):\n%s", as, id, id, diff)
				}
			}
			if got := r.Do(t, asking(as, post(typ, fmt.Sprintf(text, "plain")))); got.Status != http.StatusCreated {
				t.Errorf("%s could not write about a patient who is there: %d %s", as, got.Status, got.Body)
			}
		}
	})
}

// A patient who comes with the same transaction is there.
func TestRegistrationAdmitsAPatientWithItsCoverage(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		coverage := fmt.Sprintf(aboutStrangers()["registration"], "x")
		body := `{"resourceType":"Bundle","type":"transaction","entry":[
{"fullUrl":"urn:uuid:5ab0e5a4-6a5c-4c6e-9d7a-2b2f0f6d0001","resource":{"resourceType":"Patient","active":true},"request":{"method":"POST","url":"Patient"}},
{"resource":` + strings.Replace(coverage, "Patient/x", "urn:uuid:5ab0e5a4-6a5c-4c6e-9d7a-2b2f0f6d0001", 1) + `,"request":{"method":"POST","url":"Coverage"}}]}`
		if a := r.Do(t, asking("registration", post("", body))); a.Status != http.StatusOK {
			t.Errorf("admitting a patient: %d %s", a.Status, a.Body)
		}
	})
}
