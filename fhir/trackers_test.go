package fhir_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/r4"
)

// What went wrong in other servers, as their trackers tell it. Consents that nothing read
// (microsoft/fhir-server#3979) are TestConsentHoldsOnEveryPath.

// crossed stores two charts that refer to each other: me sees what is mine, and nothing of yours.
func crossed(t *testing.T, r *rig.Rig) {
	t.Helper()
	clinic(t, r)
	for _, whose := range []string{"me", "you"} {
		other := map[string]string{"me": "you", "you": "me"}[whose]
		subject := `"subject":{"reference":"Patient/` + whose + `"}`
		for _, text := range []string{
			`{"resourceType":"Encounter","id":"visit-` + whose + `","status":"planned","class":{"code":"AMB"},` + subject + `,"partOf":{"reference":"Encounter/visit-` + other + `"},"serviceProvider":{"reference":"Organization/org"}}`,
			`{"resourceType":"Observation","id":"part-` + whose + `","status":"final","code":{"text":"x"},` + subject +
				`,"hasMember":[{"reference":"Observation/part-` + other + `"}],"derivedFrom":[{"reference":"Observation/part-` + other + `"}],"encounter":{"reference":"Encounter/visit-` + other + `"}}`,
			`{"resourceType":"DiagnosticReport","id":"report-` + whose + `","status":"final","code":{"text":"x"},` + subject + `,"result":[{"reference":"Observation/part-` + other + `"},{"reference":"Observation/part-` + whose + `"}]}`,
			`{"resourceType":"AllergyIntolerance","id":"allergy-` + whose + `","code":{"text":"x"},"patient":{"reference":"Patient/` + whose + `"},"encounter":{"reference":"Encounter/visit-` + other + `"}}`,
			`{"resourceType":"Provenance","id":"origin-` + whose + `","target":[{"reference":"Observation/part-` + whose + `"}],"recorded":"2020-01-01T00:00:00Z","agent":[{"who":{"reference":"Patient/` + whose + `"}}],"entity":[{"role":"source","what":{"reference":"Observation/part-` + other + `"}}]}`,
		} {
			r.Put(t, text)
		}
	}
}

// launchedFor enrolls a physician, who treats both, with an application that was launched for one patient.
func launchedFor(t *testing.T, r *rig.Rig, name string, scopes ...string) string {
	t.Helper()
	r.Enroll(t, identity.NewUser{Username: name, Kind: tutela.ActorPerson, Roles: []string{string(access.RolePhysician)}, Scopes: scopes, Client: "rig",
		FHIRUser: tutela.Ref{Type: "Practitioner", ID: "physician"}, Patient: "me"})
	return name
}

// inclusionsOf are searches of a type that include by all there is to include by, forwards and backwards.
func inclusionsOf(typ string) []string {
	var all []string
	for _, p := range references(typ) {
		all = append(all, "_include="+typ+":"+p.Name)
	}
	for _, source := range r4.ResourceTypes() {
		for _, p := range references(source) {
			if slices.Contains(p.Targets, typ) {
				all = append(all, "_revinclude="+source+":"+p.Name)
			}
		}
	}
	var paths []string
	for part := range slices.Chunk(all, 45) {
		paths = append(paths, typ+"?"+strings.Join(part, "&"))
	}
	return paths
}

// microsoft/fhir-server#5683: the SQL provider held matches to the compartment of the patient whom the token was
// for, and not what _include and _revinclude added to them: one left the compartment by following a reference.
func TestIncludesStayInTheCompartment(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		crossed(t, r)
		for _, as := range []string{"me", launchedFor(t, r, "launched", "patient/*.rs")} {
			seen := map[string]bool{}
			for _, typ := range []string{"Patient", "Observation", "Encounter", "DiagnosticReport", "AllergyIntolerance", "Provenance", "Practitioner", "Organization"} {
				for _, path := range inclusionsOf(typ) {
					for next := path + "&_count=1"; next != ""; {
						b := r.Get(t, as, next).Bundle(t)
						for _, ref := range refs(b) {
							seen[ref] = true
						}
						next = b.Next()
					}
				}
			}
			want := []string{"AllergyIntolerance/allergy-me", "CareTeam/team-me", "Claim/bill", "DiagnosticReport/report-me", "Encounter/visit-me",
				"Observation/mine", "Observation/part-me", "Patient/me", "Provenance/origin-me"}
			if diff := cmp.Diff(want, sorted(seen)); diff != "" {
				t.Errorf("%s sees (-want +got):\n%s", as, diff)
			}
		}
	})
}

// microsoft/fhir-server#5717: clinical scopes of several contexts (patient/, user/, system/) in one token were taken
// together, so that the widest of them lifted what another was held to; such tokens are refused there now. SMART
// allows them. Here each scope reaches what it would reach alone.
func TestMixedScopeContextsDoNotAddUp(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		crossed(t, r)
		refsOf := []string{"Patient/me", "Patient/you", "Observation/part-me", "Observation/part-you", "AllergyIntolerance/allergy-me", "AllergyIntolerance/allergy-you", "Organization/org"}
		for scopes, want := range map[string][]string{
			"patient/*.rs":                                {"Patient/me", "Observation/part-me", "AllergyIntolerance/allergy-me"},
			"patient/*.rs user/Organization.rs":           {"Patient/me", "Observation/part-me", "AllergyIntolerance/allergy-me", "Organization/org"},
			"patient/Observation.rs user/Patient.rs":      {"Patient/me", "Patient/you", "Observation/part-me"},
			"user/Observation.rs patient/Patient.rs":      {"Patient/me", "Observation/part-me", "Observation/part-you"},
			"user/Patient.rs user/Observation.rs?_id=x":   {"Patient/me", "Patient/you"},
			"patient/*.rs user/Observation.rs?_id=absent": {"Patient/me", "Observation/part-me", "AllergyIntolerance/allergy-me"},
			"launch/patient user/Patient.s patient/*.r":   {"Patient/me", "Observation/part-me", "AllergyIntolerance/allergy-me"},
		} {
			as := launchedFor(t, r, "with "+scopes, strings.Fields(scopes)...)
			var read []string
			found := map[string]bool{}
			for _, ref := range refsOf {
				if statusOf(t, r, as, ref) == http.StatusOK {
					read = append(read, ref)
				}
				typ, _, _ := strings.Cut(ref, "/")
				if strings.Contains(scopes, "user/Patient.s ") && typ == "Patient" {
					continue // may be found and not read, as the scope says
				}
				for _, path := range inclusionsOf(typ) {
					if a := r.Get(t, as, path); a.Status == http.StatusOK {
						for _, other := range refs(a.Bundle(t)) {
							found[other] = true
						}
					}
				}
			}
			if diff := cmp.Diff(want, read); diff != "" {
				t.Errorf("%s reads (-want +got):\n%s", scopes, diff)
			}
			for ref := range found {
				if statusOf(t, r, as, ref) != http.StatusOK {
					t.Errorf("%s finds %s, and may not read it", scopes, ref)
				}
			}
		}
	})
}

// LinuxForHealth/FHIR#2669: scopes were held against resources on their way out. Whose token covered no allergies heard
// 403 of a patient who had some, and 200 without results of one who had none.
func TestTypesOutsideTheScopesAreSilent(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		crossed(t, r)
		r.Put(t, patient("healthy", "Doe"))
		r.Treat(t, "healthy", "physician")
		as := launchedFor(t, r, "without allergies", "user/Patient.rs", "user/Observation.rs")
		for _, path := range []string{
			"AllergyIntolerance?patient=ID", "AllergyIntolerance?patient=ID&_summary=count", "AllergyIntolerance/allergy-ID", "AllergyIntolerance/allergy-ID/_history",
			"Patient?_id=ID&_revinclude=AllergyIntolerance:patient", "Patient?_id=ID&_has:AllergyIntolerance:patient:code=x",
		} {
			var answers []string
			for _, id := range []string{"me", "healthy"} {
				a := r.Get(t, as, strings.ReplaceAll(path, "ID", id))
				if strings.Contains(string(a.Body), `"resourceType":"AllergyIntolerance"`) {
					t.Errorf("%s of %s shows an allergy", path, id)
				}
				if path[0] == 'P' && a.Status == http.StatusOK {
					a.Body = []byte(strings.Join(refs(a.Bundle(t)), " "))
				}
				answers = append(answers, http.StatusText(a.Status)+" "+strings.ReplaceAll(string(a.Body), "/"+id, "/ID"))
			}
			if diff := cmp.Diff(answers[0], answers[1]); diff != "" {
				t.Errorf("%s tells who has an allergy:\n%s", path, diff)
			}
		}
	})
}

// microsoft/fhir-server#5688: a token with patient/ or user/ scopes and no fhirUser skipped the compartment, since a missing
// claim was no error by default: it reached every patient. Whose account names no resource of its own treats nobody and is nobody.
func TestWithoutAFHIRUserNobodyIsReached(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		crossed(t, r)
		for as, u := range map[string]identity.NewUser{
			"a physician":                {Roles: []string{"physician"}, Scopes: []string{"user/*.rs"}},
			"a physician with a launch":  {Roles: []string{"physician"}, Scopes: []string{"patient/*.rs", "launch/patient"}},
			"a patient":                  {Roles: []string{"patient"}, Scopes: []string{"patient/*.rs"}},
			"a patient of another chart": {Roles: []string{"patient"}, Scopes: []string{"patient/*.rs"}, Patient: "me"},
			"a nurse":                    {Roles: []string{"nurse"}, Scopes: []string{"user/*.rs", "patient/*.rs"}, FHIRUser: tutela.Ref{Type: "Patient", ID: "nobody"}},
		} {
			u.Username, u.Kind, u.Client = as, tutela.ActorPerson, "rig"
			r.Enroll(t, u)
			for _, typ := range []string{"Patient", "Observation", "Encounter", "DiagnosticReport", "AllergyIntolerance", "Claim", "CareTeam"} {
				for _, path := range append(inclusionsOf(typ), typ, typ+"?_summary=count") {
					a := r.Get(t, as, path)
					if a.Status == http.StatusForbidden {
						continue
					}
					if b := a.Bundle(t); len(b.Entry) > 0 || b.Total != nil && *b.Total > 0 {
						t.Errorf("%s: %s gives %v", as, path, refs(b))
					}
				}
			}
			for _, ref := range []string{"Patient/me", "Patient/you", "Observation/part-me", "Encounter/visit-you"} {
				if got := statusOf(t, r, as, ref); got != http.StatusForbidden && got != http.StatusNotFound {
					t.Errorf("%s reads %s: %d", as, ref, got)
				}
			}
		}
	})
}
