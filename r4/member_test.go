package r4_test

import (
	"slices"
	"testing"

	"github.com/tutela-health/tutela/r4"
)

func TestMembersOfTypes(t *testing.T) {
	t.Parallel()
	for typ, want := range map[string]r4.Member{
		"Observation":       {Name: "valueQuantity", Type: "Quantity", Choice: "value[x]"},
		"Patient":           {Name: "birthDate", Type: "date"},
		"HumanName":         {Name: "given", Type: "string"},
		"Consent.provision": {Name: "provision", Type: "Consent.provision"},
	} {
		if all := r4.Members(typ); !slices.Contains(all, want) {
			t.Errorf("%s has %+v, without %+v", typ, all, want)
		}
	}
	for _, typ := range []string{"string", "Nothing", ""} {
		if all := r4.Members(typ); len(all) != 0 {
			t.Errorf("%q has %+v", typ, all)
		}
	}
}
