package access

import (
	"strings"
	"testing"

	"github.com/tutela-health/tutela"
)

// Whoever sees a part of a resource sees what negates or weakens it (FHIR R4, isModifier).
func TestMasksShowWhatChangesTheMeaning(t *testing.T) {
	a := authorizer(t)
	for _, c := range []struct {
		role      Role
		typ, body string
		shows     []string
	}{
		{RoleBilling, "Immunization", `{"resourceType":"Immunization","status":"completed","isSubpotent":true,"note":[{"text":"secret"}],"implicitRules":"http://r","modifierExtension":[{"url":"http://not","valueBoolean":true}]}`,
			[]string{"isSubpotent", "implicitRules", "modifierExtension"}},
		{RoleBilling, "Patient", `{"resourceType":"Patient","active":false,"photo":[{"title":"secret"}],"modifierExtension":[{"url":"http://not","valueBoolean":true}]}`,
			[]string{"active", "modifierExtension"}},
		{RolePharmacist, "Patient", `{"resourceType":"Patient","telecom":[{"value":"secret"}],"modifierExtension":[{"url":"http://not","valueBoolean":true}]}`,
			[]string{"modifierExtension"}},
	} {
		g, err := a.Authorize(t.Context(), caller(c.role, "user/*.rs"), Request{Action: tutela.ActionRead, Type: c.typ})
		if err != nil {
			t.Fatal(err)
		}
		got := string(g.Decide(harmless(Facts{Type: c.typ, Patients: []tutela.Bucket{formerly}})).Mask(c.typ, []byte(c.body)))
		for _, name := range c.shows {
			if !strings.Contains(got, `"`+name+`"`) {
				t.Errorf("%s sees of a %s %s, without %s", c.role, c.typ, got, name)
			}
		}
		if strings.Contains(got, "secret") {
			t.Errorf("%s sees too much of a %s: %s", c.role, c.typ, got)
		}
	}
}
