package deid_test

import (
	"strings"
	"testing"

	"github.com/tutela-health/tutela"
)

// TestAgesAndYearsTogetherTellNobodyOver89: an age shows unless with the first year beside it it tells of a
// birth before the years that show (45 CFR 164.514(b)(2)(i)(C)).
func TestAgesAndYearsTogetherTellNobodyOver89(t *testing.T) {
	t.Parallel()
	d := opened(t, false)
	for rest, shows := range map[string]bool{
		`"onsetAge":{"value":40,"system":"http://unitsofmeasure.org","code":"a"},"recordedDate":"1970-01-01"`:           false,
		`"onsetAge":{"value":480,"system":"http://unitsofmeasure.org","code":"mo"},"recordedDate":"1970"`:               false,
		`"onsetAge":{"value":40,"system":"http://unitsofmeasure.org","code":"a"},"recordedDate":"2015-01-01"`:           true,
		`"onsetAge":{"value":40,"system":"http://unitsofmeasure.org","code":"a"}`:                                       true,
		`"recordedDate":"1970-01-01","onsetRange":{"low":{"value":40,"system":"http://unitsofmeasure.org","code":"a"}}`: false,
	} {
		res := parsed(t, `{"resourceType":"Condition","id":"c","subject":{"reference":"Patient/p"},`+rest+`}`)
		out, err := d.Show("safe-harbor", res, tutela.BucketGeneral, func(r tutela.Ref) string { return "x" })
		if err != nil || strings.Contains(string(out), `"value"`) != shows {
			t.Errorf("%s: %s %v", rest, out, err)
		}
	}
}
