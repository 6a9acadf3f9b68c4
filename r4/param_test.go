package r4_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/r4"
)

func TestEveryResourceTypeHasTheCommonParameters(t *testing.T) {
	types := r4.ResourceTypes()
	if len(types) != 146+1 { // 146 types of R4's resource list and Parameters
		t.Errorf("%d resource types", len(types))
	}
	for _, typ := range types {
		for _, name := range []string{"_id", "_lastUpdated", "_tag", "_profile", "_security", "_source"} {
			if _, ok := r4.Lookup(typ, name); !ok {
				t.Errorf("%s has no %s", typ, name)
			}
		}
		if !slices.IsSortedFunc(r4.Params(typ), func(a, b *r4.Param) int {
			return map[bool]int{true: -1, false: 1}[a.Base == "Resource" && b.Base != "Resource" || a.Base == b.Base && a.Name < b.Name]
		}) {
			t.Errorf("the parameters of %s are out of order", typ)
		}
	}
}

// TestOnlyCompositeSpecialAndTextParametersAreRefused keeps the list of what is not offered short.
func TestOnlyCompositeSpecialAndTextParametersAreRefused(t *testing.T) {
	for _, typ := range append(r4.ResourceTypes(), "Resource", "DomainResource") {
		for _, name := range []string{"code", "patient", "date", "identifier", "name", "status", "subject"} {
			if reason := r4.Refused(typ, name); reason != "" {
				t.Errorf("%s %s: %s", typ, name, reason)
			}
		}
	}
	for _, tt := range [][3]string{
		{"Observation", "code-value-quantity", "composite parameters are not offered"},
		{"Location", "near", "special parameters are not offered"},
		{"Patient", "_text", "has no expression"},
		{"Patient", "nonsense", ""},
	} {
		if got := r4.Refused(tt[0], tt[1]); got != tt[2] {
			t.Errorf("Refused(%s, %s) = %q, want %q", tt[0], tt[1], got, tt[2])
		}
	}
}

func TestParametersShareBranches(t *testing.T) {
	keys := func(typ, name string) []string {
		p, ok := r4.Lookup(typ, name)
		if !ok {
			t.Fatalf("%s has no %s", typ, name)
		}
		var out []string
		for _, b := range p.Branches {
			out = append(out, b.Key())
		}
		return out
	}
	for _, tt := range []struct {
		typ, name string
		want      []string
	}{
		{"Observation", "code", []string{"Observation.code"}},
		{"Observation", "combo-code", []string{"Observation.code", "Observation.component.code"}},
		{"Observation", "subject", []string{"Observation.subject"}},
		{"Observation", "patient", []string{"Observation.subject"}},
		{"Observation", "date", []string{"Observation.effective[x]"}},
		{"Observation", "value-quantity", []string{"Observation.valueQuantity", "Observation.valueSampledData"}},
		{"Observation", "value-string", []string{"Observation.valueString", "Observation.valueCodeableConcept.text"}},
		{"Patient", "phone", []string{"Patient.telecom[system=phone]"}},
		{"Patient", "deceased", []string{"Patient.deceased[x]?"}},
		{"Patient", "_id", []string{"Resource.id"}},
		{"Bundle", "composition", []string{"Bundle.entry[0].resource"}},
		{"Library", "depends-on", []string{"Library.relatedArtifact[type=depends-on].resource"}},
	} {
		if diff := cmp.Diff(tt.want, keys(tt.typ, tt.name)); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", tt.typ, tt.name, diff)
		}
	}
}

func TestPatientCompartment(t *testing.T) {
	names := func(typ string) (out []string) {
		for _, p := range r4.PatientCompartment(typ) {
			out = append(out, p.Name)
		}
		return out
	}
	for typ, want := range map[string][]string{
		"Observation":        {"subject", "performer"},
		"AllergyIntolerance": {"patient", "recorder", "asserter"},
		"Patient":            {"link"},
		"Practitioner":       nil,
		"Nothing":            nil,
	} {
		if diff := cmp.Diff(want, names(typ)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", typ, diff)
		}
	}
}
