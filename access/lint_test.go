package access

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestShippedPoliciesCallForNoWarning(t *testing.T) {
	p, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range p.Lint() {
		t.Error(w)
	}
}

func TestLintNamesWhatIsProbablyNotMeant(t *testing.T) {
	for _, c := range []struct{ name, policy, want string }{
		{"a role nobody has", `permit (principal in Role::"physican", action, resource);`, `there is no Role called "physican"`},
		{"no such class", `permit (principal in Role::"nurse", action in [Action::"see"], resource in Class::"secrets");`, `there is no Class called "secrets"`},
		{"no such type", `permit (principal in Role::"nurse", action in [Action::"see"], resource) when { resource.type == "Observaton" };`, `there is no type called "Observaton"`},
		{"no such type, in a set", `permit (principal in Role::"nurse", action in [Action::"see"], resource) when { ["Patient", "Observaton"].contains(resource.type) };`, `there is no type called "Observaton"`},
		{"no such consent", `forbid (principal, action in [Action::"see"], resource) when { resource.consent == "denied" };`, `there is no consent called "denied"`},
		{"no such purpose", `permit (principal in Role::"nurse", action in [Action::"see"], resource) when { context.purpose == "CARE" && resource.treated };`, `there is no purpose called "CARE"`},
		{"never", `permit (principal in Role::"nurse", action in [Action::"see"], resource) when { resource.own && resource.general };`, "it never applies"},
		{"anybody", `permit (principal, action in [Action::"see"], resource in Class::"billable");`, "it permits callers who have no role at all"},
		{"anybody, in the house", `permit (principal, action == Action::"audit.read", resource);`, "it permits callers who have no role at all"},
		{"every chart", `permit (principal in Role::"physician", action in [Action::"see"], resource);`,
			"it shows every record of every patient to the role physician, with or without a relationship"},
		{"who runs the house", `permit (principal in Role::"admin", action in [Action::"see"], resource in Class::"demographics");`, "it shows patients to the role admin"},
		{"nothing wrong", `permit (principal in Role::"nurse", action in [Action::"see"], resource) when { resource.treated && context.purpose == "TREAT" && principal.assurance == "aal3" };`, ""},
		{"no modifiers", `@elements("show Claim: status") permit (principal in Role::"billing", action in [Action::"see"], resource) when { resource.type == "Claim" };`,
			"it hides modifierExtension of Claim, which may change the meaning of what it shows"},
		{"labels", `forbid (principal, action in [Action::"see"], resource) when { resource.labels.contains("HIV") };`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := LoadPolicies(fstest.MapFS{"a.cedar": {Data: []byte("\n@id(\"a\")\n" + c.policy)}})
			if err != nil {
				t.Fatal(err)
			}
			var got, want []string
			for _, w := range p.Lint() {
				got = append(got, w.String())
			}
			if c.want != "" {
				want = []string{"a.cedar, line 2: policy a: " + c.want}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}
