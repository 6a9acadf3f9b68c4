package r4_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/r4"
)

// TestParsePartMissesNothingButWhatIsRequired: what was cut from a resource parses, and is held to all other rules.
func TestParsePartMissesNothingButWhatIsRequired(t *testing.T) {
	t.Parallel()
	for text, part := range map[string]bool{
		`{"resourceType":"Observation","component":[{"valueBoolean":true}]}`:  true,
		`{"resourceType":"Observation"}`:                                      true,
		`{"resourceType":"Observation","status":"no such"}`:                   false,
		`{"resourceType":"Observation","name":"x"}`:                           false,
		`{"resourceType":"Observation","component":[{}]}`:                     false,
		`{"resourceType":"Observation","valueBoolean":true,"valueInteger":1}`: false,
		`{"resourceType":"Observation"} x`:                                    false,
		`[]`:                                                                  false,
	} {
		if _, err := r4.Parse([]byte(text)); err == nil {
			t.Errorf("%s is whole", text)
		}
		if _, err := r4.ParsePart([]byte(text)); (err == nil) != part {
			t.Errorf("%s as a part: %v", text, err)
		}
	}
}

// TestMembersAreValues: companions and the type are no members.
func TestMembersAreValues(t *testing.T) {
	t.Parallel()
	res, err := r4.Parse([]byte(`{"resourceType":"Patient","id":"a","gender":"male","_birthDate":{"id":"x"},"name":[{"family":"b"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][3]bool{}
	for name, n := range res.Root().Members() {
		got[name] = [3]bool{n.List(), n.Object(), n.Bound()}
	}
	if diff := cmp.Diff(map[string][3]bool{"id": {}, "gender": {false, false, true}, "name": {true, false, false}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name := range res.Root().Child("gender").Members() {
		t.Errorf("a primitive has the member %s", name)
	}
	if (r4.Node{}).List() || (r4.Node{}).Object() || (r4.Node{}).Bound() {
		t.Error("what is absent is something")
	}
}
