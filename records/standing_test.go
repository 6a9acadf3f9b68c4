package records_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/r4"
	"github.com/tutela-health/tutela/records"
)

// physicianAtHome is the rigged physician, with what tells who she is beside her work.
const physicianAtHome = `{"resourceType":"Practitioner","id":"physician","birthDate":"1980-05-06",
 "name":[{"family":"Müller","given":["Anna"]},{"use":"maiden","family":"Okafor"}],
 "telecom":[{"system":"phone","use":"work","value":"555-0100"}],
 "address":[{"line":["12 Mill Lane"],"city":"Ashby","postalCode":"01234"},{"use":"work","line":["1 Hospital Road"],"postalCode":"01235"}]}`

// Detection needs to know how somebody stands to whom he looks up, and only the moment of the access knows it.
func TestEntriesSayHowPatientsStandToStaff(t *testing.T) {
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t, rig.Config{Engine: engine})
			two(t, r)
			writes(t, r, "loader", http.MethodPut, "Practitioner/physician", physicianAtHome, http.StatusCreated)
			for _, row := range []struct {
				id, says string
				want     []string
			}{
				{"stranger", `"name":[{"family":"Abel","given":["Jo"]}],"address":[{"line":["9 Elm St"],"postalCode":"99999"}]`, nil},
				{"herself", `"birthDate":"1980-05-06","name":[{"family":"MULLER","given":["Anna"]}]`, []string{records.FlagSelf, records.FlagCoWorker}},
				{"namesake", `"birthDate":"1990-01-01","name":[{"family":"Müller","given":["Anna"]}]`, []string{records.FlagSameName}},
				{"brother", `"name":[{"family":"Okafor","given":["Ben"]}]`, []string{records.FlagSameName}},
				{"husband", `"name":[{"family":"Lee","given":["Sam"]}],"address":[{"line":["12 Mill Lane"],"postalCode":"01234"}]`, []string{records.FlagHousehold}},
				{"nextdoor", `"name":[{"family":"Ito","given":["Ken"]}],"address":[{"line":["14 Mill Lane"],"postalCode":"01234"}]`, []string{records.FlagNeighbour}},
				{"moved", `"name":[{"family":"Ito","given":["Mia"]}],"address":[{"use":"old","line":["14 Mill Lane"],"postalCode":"01234"}]`, nil},
				{"elsewhere", `"name":[{"family":"Ito","given":["Rin"]}],"address":[{"line":["14 Mill Lane"],"postalCode":"77777"}]`, nil},
				{"atwork", `"name":[{"family":"Ray","given":["Al"]}],"telecom":[{"system":"phone","use":"work","value":"555-0100"}],"address":[{"line":["1 Hospital Road"],"postalCode":"01235"}]`, nil},
				{"mayor", `"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-importance","valueCodeableConcept":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-PatientImportance","code":"VIP"}]}}],"name":[{"family":"Vega"}]`, []string{records.FlagVIP}},
			} {
				writes(t, r, "loader", http.MethodPut, "Patient/"+row.id, `{"resourceType":"Patient","id":"`+row.id+`",`+row.says+`}`, http.StatusCreated)
				r.Treat(t, row.id, "physician")
				writes(t, r, "physician", http.MethodGet, "Patient/"+row.id, "", http.StatusOK)
				want := append([]string{records.FlagTreated}, row.want...)
				if diff := cmp.Diff(want, flagsOfLast(t, r, row.id)); diff != "" {
					t.Errorf("%s: %s", row.id, diff)
				}
			}
		})
	}
}

// What bears a label, fewer may open; who may is told apart by it.
func TestLabelsTellWhoIsOfPublicInterest(t *testing.T) {
	const security = `"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"`
	r := rig.Open(t, rig.Config{Engine: rig.Engines()[0]})
	for _, row := range []struct {
		says string
		want []string
	}{
		{security + `CEL"}]}`, []string{records.FlagVIP}},
		{security + `EMP"}]}`, []string{records.FlagCoWorker}},
		{security + `HIV"}]}`, nil},
		{`"meta":{"security":[{"system":"http://example.org/own","code":"CEL"}]}`, nil},
	} {
		res, err := r4.Parse([]byte(`{"resourceType":"Patient","id":"x",` + row.says + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(row.want, r.Records.FlagsByLabel(res)); diff != "" {
			t.Errorf("%s: %s", row.says, diff)
		}
	}
}

// What changes about a person holds from the next access on; services and patients are no staff.
func TestStandingsFollowChanges(t *testing.T) {
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t, rig.Config{Engine: engine})
			two(t, r)
			writes(t, r, "loader", http.MethodPut, "Practitioner/physician", physicianAtHome, http.StatusCreated)
			lives := func(at string) string {
				return `{"resourceType":"Patient","id":"x","name":[{"family":"Lee"}],"address":[{"line":["` + at + `"],"postalCode":"01234"}]}`
			}
			writes(t, r, "loader", http.MethodPut, "Patient/x", lives("3 Oak St"), http.StatusCreated)
			r.Treat(t, "x", "physician")
			writes(t, r, "physician", http.MethodGet, "Patient/x", "", http.StatusOK)
			if diff := cmp.Diff([]string{records.FlagTreated}, flagsOfLast(t, r, "x")); diff != "" {
				t.Error(diff)
			}
			writes(t, r, "loader", http.MethodPut, "Patient/x", lives("12 Mill Lane"), http.StatusOK)
			if flags := flagsOfLast(t, r, "x"); len(flags) > 0 {
				t.Errorf("an entry of a service bears flags: %v", flags)
			}
			writes(t, r, "physician", http.MethodPost, "Observation", `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/x"}}`, http.StatusCreated)
			if diff := cmp.Diff([]string{records.FlagTreated, records.FlagHousehold}, flagsOfLast(t, r, "x")); diff != "" {
				t.Errorf("a write: %s", diff)
			}
			writes(t, r, "physician", http.MethodGet, "Observation?patient=x", "", http.StatusOK)
			if diff := cmp.Diff([]string{records.FlagTreated, records.FlagHousehold}, flagsOfLast(t, r, "x")); diff != "" {
				t.Errorf("a search: %s", diff)
			}
		})
	}
}

// flagsOfLast are those that the newest entry about a patient says of him.
func flagsOfLast(t *testing.T, r *rig.Rig, id string) []string {
	t.Helper()
	b := r.Records.Bucket(tutela.PatientID(id))
	var flags []string
	var at time.Time
	for _, e := range r.Entries(t) {
		for _, p := range e.Patients {
			if p.Patient == b && e.Time.After(at) {
				flags, at = p.Flags, e.Time
			}
		}
	}
	if at.IsZero() {
		t.Fatalf("no entry is about %s", id)
	}
	return flags
}

// A caller who goes away while it is looked up who the patient is does not hide that from the entries that follow.
func TestACutLookUpHidesNobody(t *testing.T) {
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t, rig.Config{Engine: engine})
			two(t, r)
			writes(t, r, "loader", http.MethodPut, "Practitioner/physician", physicianAtHome, http.StatusCreated)
			writes(t, r, "loader", http.MethodPut, "Patient/x", `{"resourceType":"Patient","id":"x","name":[{"family":"Okafor"}]}`, http.StatusCreated)
			r.Treat(t, "x", "physician")
			gone, cancel := context.WithCancel(t.Context())
			cancel()
			for _, ref := range []tutela.Ref{{Type: "Patient", ID: "x"}, {Type: "Practitioner", ID: "physician"}} {
				r.Records.LookUp(gone, ref)
			}
			writes(t, r, "physician", http.MethodGet, "Patient/x", "", http.StatusOK)
			if diff := cmp.Diff([]string{records.FlagTreated, records.FlagSameName}, flagsOfLast(t, r, "x")); diff != "" {
				t.Error(diff)
			}
		})
	}
}
