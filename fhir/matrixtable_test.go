package fhir_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/tutela-health/tutela/internal/rig"
)

// situations are the matrix's columns in their order.
func situations() []situation {
	return []situation{
		{name: "own", patient: "own"}, {name: "treated", patient: "treated"}, {name: "once", patient: "once"}, {name: "never", patient: "never"},
		{name: "own-r", patient: "own", with: restrictedMeta}, {name: "treated-r", patient: "treated", with: restrictedMeta},
		{name: "treated-hiv", patient: "treated", with: hivExtension}, {name: "nobody"}, {name: "foreign", patient: "foreign"},
		{name: "held", patient: "held"},
	}
}

// situation is in whose chart a resource lies, and what makes it sensitive.
type situation struct{ name, patient, with string }

// possible tells whether there is a resource of a type in a situation. In another tenant there is every type.
func (at situation) possible(s specimen) bool {
	switch {
	case at.name == "foreign":
		return true
	case s.typ == "Patient":
		return at.patient != "" && at.with == ""
	case at.patient == "":
		return nobodys(s.typ)
	default:
		return s.param != ""
	}
}

const hivExtension = `"extension":[{"url":"http://x.test/why","valueCoding":{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"B20"}}],`

// specimen is one type's resource in the matrix. % stands for the Reference to its patient.
type specimen struct {
	typ    string
	param  string // the search parameter that leads to the patient
	shown  string // what nobody's mask hides
	hidden string // what some masks hide; it ends the resource
}

const narrative = `,"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">told</div>"}`

func specimens() []specimen {
	return []specimen{
		{"Patient", "", `"identifier":[{"value":"7"}],"name":[{"family":"Doe"}],"gender":"other","birthDate":"1980"`, `,"telecom":[{"system":"phone","value":"1"}],"address":[{"city":"X"}],"maritalStatus":{"text":"x"}` + narrative},
		{"RelatedPerson", "patient", `"patient":%`, narrative},
		{"Condition", "subject", `"code":{"text":"x"},"subject":%`, `,"note":[{"text":"n"}]` + narrative},
		{"Encounter", "subject", `"status":"planned","class":{"code":"AMB"},"subject":%`, `,"reasonCode":[{"text":"n"}]` + narrative},
		{"Procedure", "subject", `"status":"completed","code":{"text":"x"},"subject":%`, `,"note":[{"text":"n"}]` + narrative},
		{"AllergyIntolerance", "patient", `"code":{"text":"x"},"patient":%`, narrative},
		{"MedicationRequest", "subject", `"status":"completed","intent":"order","medicationCodeableConcept":{"text":"x"},"subject":%`, narrative},
		{"MedicationDispense", "subject", `"status":"completed","medicationCodeableConcept":{"text":"x"},"subject":%`, narrative},
		{"Immunization", "patient", `"status":"completed","vaccineCode":{"text":"x"},"patient":%,"occurrenceDateTime":"2020"`, `,"note":[{"text":"n"}]` + narrative},
		{"CarePlan", "subject", `"status":"active","intent":"plan","subject":%`, narrative},
		{"CareTeam", "subject", `"status":"active","subject":%`, narrative},
		{"ServiceRequest", "subject", `"status":"active","intent":"order","subject":%`, narrative},
		{"Coverage", "beneficiary", `"status":"active","beneficiary":%,"payor":[{"display":"x"}]`, narrative},
		{"Claim", "patient", `"status":"active","type":{"text":"x"},"use":"claim","patient":%,"created":"2020","provider":{"display":"x"},"priority":{"text":"x"},"insurance":[{"sequence":1,"focal":true,"coverage":{"display":"x"}}]`, narrative},
		{"Consent", "patient", `"status":"inactive","scope":{"text":"x"},"category":[{"text":"x"}],"patient":%,"policyRule":{"text":"x"}`, narrative},
		{"Observation", "subject", `"status":"final","code":{"text":"x"},"subject":%`, `,"valueQuantity":{"value":7},"note":[{"text":"n"}]` + narrative},
		{"DiagnosticReport", "subject", `"status":"final","code":{"text":"x"},"subject":%`, `,"conclusion":"n"` + narrative},
		{"Appointment", "actor", `"status":"booked","participant":[{"actor":%,"status":"accepted"}]`, `,"comment":"n"` + narrative},
		{"Account", "subject", `"status":"active","subject":[%]`, narrative},
		{"DocumentReference", "subject", `"status":"current","subject":%,"content":[{"attachment":{"title":"x"}}]`, narrative},
		{"Practitioner", "", `"name":[{"family":"Doc"}]`, narrative},
		{"Organization", "", `"name":"Clinic"`, narrative},
		{"Medication", "", `"code":{"text":"x"}`, narrative},
		{"Questionnaire", "", `"status":"active"`, narrative},
	}
}

// stored is the whole resource in a situation, and asSent what one writes who may not see all of it.
func (s specimen) stored(at situation, id string) string { return s.resource(at, id, s.hidden) }
func (s specimen) asSent(at situation, id string) string { return s.resource(at, id, "") }

func (s specimen) resource(at situation, id, more string) string {
	subject := `{"reference":"Patient/` + at.patient + `"}`
	if at.patient == "" {
		subject = `{"display":"nobody"}`
	}
	return `{"resourceType":"` + s.typ + `","id":"` + id + `",` + at.with + strings.ReplaceAll(s.shown, "%", subject) + more + `}`
}

func (s specimen) id(at situation) string {
	if s.typ == "Patient" {
		return at.patient
	}
	return strings.ToLower(s.typ) + "-" + at.name
}

// spec is the matrix as it is written: cells by role, type and situation; masks by role and type.
type spec struct {
	cells map[string]map[string][]string
	masks map[string]map[string]maskSpec
}

type maskSpec struct {
	shows bool
	names []string
}

func readSpec(t *testing.T) spec {
	t.Helper()
	text, err := os.ReadFile("testdata/matrix.txt")
	if err != nil {
		t.Fatal(err)
	}
	s := spec{map[string]map[string][]string{}, map[string]map[string]maskSpec{}}
	var roles []string
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0][0] == '#':
		case words[0] == "role":
			roles = words[1:]
			for _, r := range roles {
				s.cells[r], s.masks[r] = map[string][]string{}, map[string]maskSpec{}
			}
		case unicode.IsLower(rune(words[0][0])):
			for _, r := range roles {
				s.masks[r][strings.TrimSuffix(words[1], ":")] = maskSpec{words[0] == "shows", words[2:]}
			}
		default:
			s.row(t, roles, words)
		}
	}
	return s
}

func (s spec) row(t *testing.T, roles, words []string) {
	t.Helper()
	n := len(words) - len(situations())
	if n < 1 {
		t.Fatalf("a row has %d words: %s", len(words), words)
	}
	for _, r := range roles {
		for _, typ := range words[:n] {
			s.cells[r][typ] = words[n:]
		}
	}
}

// seen is what a role sees of a resource, as the specification says; nil for nothing.
func (s spec) seen(t *testing.T, role, typ, cell, resource string) map[string]any {
	t.Helper()
	all := rig.Plain(t, []byte(resource))
	switch {
	case strings.Contains(cell, "r"):
		return all
	case !strings.Contains(cell, "m"):
		return nil
	}
	m := s.masks[role][typ]
	for name := range all {
		if name != "resourceType" && name != "id" && slices.Contains(m.names, name) != m.shows {
			delete(all, name)
		}
	}
	var label any
	if err := json.Unmarshal([]byte(`{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}]}`), &label); err != nil {
		t.Fatal(err)
	}
	all["meta"] = label
	return all
}
