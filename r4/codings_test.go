package r4_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/r4"
)

func TestCodingsOfEveryDepthAreYielded(t *testing.T) {
	t.Parallel()
	res := mustParse(t, `{"resourceType":"Observation","status":"final","meta":{"security":[{"code":"a"}]},
		"contained":[{"resourceType":"Medication","code":{"coding":[{"code":"b"}]}}],
		"extension":[{"url":"http://example.org/x","valueCoding":{"code":"c"}}],
		"code":{"coding":[{"code":"d"},{"code":"e"}],"text":"x"},
		"component":[{"code":{"coding":[{"code":"f"}]},"valueCodeableConcept":{"coding":[{"code":"g"}]}}]}`)
	var got []string
	for c := range res.Codings() {
		got = append(got, c.Child("code").Text())
		if len(got) == 6 {
			break
		}
	}
	if diff := cmp.Diff([]string{"a", "b", "c", "d", "e", "f"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestIntervalOfADateAndOfNone(t *testing.T) {
	t.Parallel()
	res := mustParse(t, `{"resourceType":"Patient","birthDate":"2000","active":true}`)
	if iv, ok := res.Root().Child("birthDate").Interval(); !ok || iv.High.Year() != 2001 {
		t.Errorf("%v, %v", iv, ok)
	}
	for _, name := range []string{"active", "deceasedDateTime"} {
		if iv, ok := res.Root().Child(name).Interval(); ok || iv != (r4.Interval{}) {
			t.Errorf("%s has the time %v", name, iv)
		}
	}
}
