package access

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// showing is the decision of a policy that shows what a mask says.
func showing(t *testing.T, elements string) Decision {
	t.Helper()
	p, err := LoadPolicies(fstest.MapFS{"a.cedar": {Data: []byte(
		`@id("a") @elements("` + elements + `") permit (principal in Role::"nurse", action in [Action::"see", Action::"change"], resource);`)}})
	if err != nil {
		t.Fatal(err)
	}
	return Decision{d: p.decide(question{roles: string(RoleNurse), kind: tutela.ActorPerson, action: tutela.ActionUpdate, typ: "Patient"})}
}

func TestMergeKeepsWhatIsHidden(t *testing.T) {
	const label = `"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}]}`
	for _, c := range []struct {
		name, elements, stored, sent, want string // want is empty where the update is denied
	}{
		{"hidden, not sent", "hide Patient: photo", `{"resourceType":"Patient","photo":[{"id":"1"}]}`, `{"resourceType":"Patient","active":true}`,
			`{"resourceType":"Patient","active":true,"photo":[{"id":"1"}]}`},
		{"visible, not sent, is removed", "hide Patient: photo", `{"resourceType":"Patient","active":true}`, `{"resourceType":"Patient"}`, `{"resourceType":"Patient"}`},
		{"hidden, sent", "hide Patient: photo", `{"resourceType":"Patient"}`, `{"resourceType":"Patient","photo":[{"id":"1"}]}`, ""},
		{"hidden in part, as seen", "hide Patient: name.family", `{"resourceType":"Patient","name":[{"family":"F","use":"usual"}]}`,
			`{"resourceType":"Patient",` + label + `,"name":[{"use":"usual"}]}`, `{"resourceType":"Patient","name":[{"family":"F","use":"usual"}]}`},
		{"hidden in part, not sent", "hide Patient: name.family", `{"resourceType":"Patient","name":[{"family":"F","use":"usual"}]}`,
			`{"resourceType":"Patient"}`, `{"resourceType":"Patient","name":[{"family":"F","use":"usual"}]}`},
		{"hidden in part, changed", "hide Patient: name.family", `{"resourceType":"Patient","name":[{"family":"F","use":"usual"}]}`,
			`{"resourceType":"Patient","name":[{"use":"old"}]}`, ""},
		{"hidden in part, guessed", "hide Patient: name.family", `{"resourceType":"Patient","name":[{"family":"F"}]}`,
			`{"resourceType":"Patient","name":[{"family":"F"}]}`, ""},
		{"another type of a hidden choice", "hide Patient: deceasedDateTime", `{"resourceType":"Patient","deceasedDateTime":"2020"}`,
			`{"resourceType":"Patient","deceasedBoolean":false}`, ""},
		{"meta is kept", "hide Patient: photo", `{"resourceType":"Patient","meta":{"tag":[{"code":"t"}]}}`, `{"resourceType":"Patient",` + label + `,"active":true}`,
			`{"resourceType":"Patient","active":true,"meta":{"tag":[{"code":"t"}]}}`},
		{"another member of meta", "hide Patient: photo", `{"resourceType":"Patient"}`, `{"resourceType":"Patient","meta":{"source":"urn:x"}}`, ""},
		{"a contained resource may be cut", "hide Observation: note", `{"resourceType":"Patient","contained":[{"resourceType":"Observation","id":"o","status":"final"}]}`,
			`{"resourceType":"Patient","contained":[]}`, ""},
		{"a type that shows all", "hide Observation: note", `{"resourceType":"Patient","active":true,"meta":{"source":"urn:x"}}`,
			`{"resourceType":"Patient","meta":{"source":"urn:y"}}`, `{"resourceType":"Patient","meta":{"source":"urn:y"}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := showing(t, c.elements).Merge("Patient", []byte(c.stored), []byte(c.sent))
			if c.want == "" && !errs.Is(err, errs.Denied) || c.want != "" && err != nil {
				t.Fatalf("Merge = %s, %v", got, err)
			}
			if diff := cmp.Diff(c.want, string(got)); diff != "" {
				t.Errorf("Merge (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMergeOfNothingIsDenied(t *testing.T) {
	if got, err := (Decision{}).Merge("Patient", []byte(`{}`), []byte(`{}`)); !errs.Is(err, errs.Denied) {
		t.Errorf("Merge = %s, %v", got, err)
	}
}

func TestCoversOnlyWhatTheCallerSees(t *testing.T) {
	d := showing(t, "hide Patient: name.family, photo; hide Observation: note")
	for resource, want := range map[string]bool{
		`{"resourceType":"Patient","active":true,"meta":{"versionId":"1"}}`:                                      true,
		`{"resourceType":"Patient","name":[{"use":"old"}]}`:                                                      true,
		`{"resourceType":"Patient","name":[{"family":"F"}]}`:                                                     false,
		`{"resourceType":"Patient","photo":[{"id":"1"}]}`:                                                        false,
		`{"resourceType":"Patient","contained":[{"resourceType":"Observation","id":"o","note":[{"text":"x"}]}]}`: false,
		`not JSON`: false,
	} {
		if got := d.Covers("Patient", []byte(resource)); got != want {
			t.Errorf("Covers(%s) = %v", resource, got)
		}
	}
	if (Decision{}).Covers("Patient", []byte(`{}`)) {
		t.Error("the zero Decision covers something")
	}
}
