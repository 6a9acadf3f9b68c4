package access

import (
	"slices"
	"strings"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/testkit"
)

// shippedBut are the shipped policies with a text of one file replaced.
func shippedBut(t *testing.T, file, old, replacement string) *Policies {
	t.Helper()
	all := shippedFiles(t)
	text := string(all[file].Data)
	if !strings.Contains(text, old) {
		t.Fatalf("%s has no %q", file, old)
	}
	all[file].Data = []byte(strings.Replace(text, old, replacement, 1))
	p, err := LoadPolicies(all)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// tried is what the check says of policies.
func tried(t *testing.T, p *Policies) tutela.Evidence {
	t.Helper()
	for _, c := range New(Config{Policies: p}).Checks() {
		if c.ID == "access.over-broad-policy" {
			return c.Try(t.Context())
		}
	}
	t.Fatal("there is no such check")
	return tutela.Evidence{}
}

// Every policy set that gives too much is found, also where no policy of it does alone; the shipped one
// passes, and without policies nothing was tried.
func TestOverBroadPoliciesAreFound(t *testing.T) {
	p, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	remembered, seen := len(p.memo), testkit.Sabotage(t, "access.over-broad-policy")
	if e := seen.Saw(tried(t, p)); e.Verdict != tutela.Pass || e.On == "" {
		t.Errorf("the shipped policies: %v %s", e.Verdict, e.Observed)
	}
	if len(p.memo) != remembered {
		t.Error("the check fills the memory of real decisions")
	}
	if e := tried(t, nil); e.Verdict != tutela.CouldNotCheck || e.Observed == "" {
		t.Errorf("without policies: %v %s", e.Verdict, e.Observed)
	}
	for _, c := range []struct{ name, file, old, replacement, want string }{
		{"a wildcard principal", "house.cedar", "@id(", "@id(\"x\")\npermit (principal, action in [Action::\"see\"], resource);\n@id(", "policy x: it permits callers who have no role at all"},
		{"a wildcard in a situation", "house.cedar", "@id(", "@id(\"x\")\npermit (principal, action == Action::\"search-type\", resource) when { resource.own && resource.type == \"Media\" };\n@id(", "callers who have no role at all reach Media"},
		{"a wildcard in the house", "house.cedar", "@id(", "@id(\"x\")\npermit (principal, action == Action::\"key.list\", resource);\n@id(", "policy x: it permits callers who have no role at all"},
		{"an administrator who treats", "house.cedar", "@id(", "@id(\"x\")\npermit (principal in Role::\"admin\", action == Action::\"update\", resource) when { resource.treated };\n@id(", "a person of the role admin reaches"},
		{"a person as an interface", "house.cedar", "when { principal.kind != \"person\" }", "when { true }", "a person of the role service reaches"},
		{"no relationship", "clinical.cedar", "when { resource.treated || resource.emergency }", "when { resource.treated || !resource.own }", "the role physician reaches"},
		{"no relationship for one purpose", "clinical.cedar", "@id(\"nurse.chart\")", "@id(\"x\")\npermit (principal in Role::\"nurse\", action in [Action::\"see\"], resource) when { context.purpose == \"HOPERAT\" && resource.type == \"Media\" };\n@id(\"nurse.chart\")", "the role nurse reaches Media of every patient"},
		{"no relationship in two halves", "clinical.cedar", "@id(\"nurse.chart\")", "@id(\"x\")\npermit (principal in Role::\"nurse\", action in [Action::\"see\"], resource) when { resource.consent == \"none\" && resource in Class::\"nursing\" };\n@id(\"nurse.chart\")", "the role nurse reaches"},
		{"nothing masked", "office.cedar", "@elements(\"hide Appointment: reasonCode, reasonReference, description, comment, patientInstruction, supportingInformation, basedOn, contained; hide AppointmentResponse: comment, contained; hide Schedule: comment, contained; hide Slot: comment, contained\")", "", "the role registration sees all elements"},
		{"no limit on what is sensitive", "limits.cedar", "principal.clearances.containsAll(resource.labels) ||", "principal.clearances.containsAll(resource.labels) || resource.treated ||", "reaches sensitive records"},
		{"no limit by consent", "limits.cedar", "when { resource.consent == \"deny\" }", "when { resource.consent == \"deny\" && context.purpose == \"HRESCH\" }", "reaches what a patient's consent denies"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if e := seen.Saw(tried(t, shippedBut(t, c.file, c.old, c.replacement))); e.Verdict != tutela.Fail || !strings.Contains(e.Observed, c.want) {
				t.Errorf("%v %s, want %q", e.Verdict, e.Observed, c.want)
			}
		})
	}
	seen.Expect(tried(t, p), tutela.Pass)
}

// A policy that lets somebody look at what others do who does not watch is found; without policies, or where nobody may
// watch, nothing is proved.
func TestWatchersWhoShouldNotAreFound(t *testing.T) {
	const id = "access.watchers-only"
	seen := testkit.Sabotage(t, id)
	shipped, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	try := func(p *Policies) tutela.Evidence {
		checks := New(Config{Policies: p}).Checks()
		return checks[slices.IndexFunc(checks, func(c tutela.Check) bool { return c.ID == id })].Try(t.Context())
	}
	seen.Expect(try(shipped), tutela.Pass, "all of them of administrators, privacy officers or auditors")
	for say, policy := range map[string]string{
		`the role "nurse" may finding.list`: `permit (principal in Role::"nurse", action == Action::"finding.list", resource);`,
		`the role "" may audit.search`:      `permit (principal, action == Action::"audit.search", resource) when { principal.kind == "person" };`,
	} {
		p := shippedBut(t, "house.cedar", "@id(", "@id(\"x\")\n"+policy+"\n@id(")
		if say == `the role "" may audit.search` {
			say = "may audit.search"
		}
		seen.Expect(try(p), tutela.Fail, say)
		seen.Expect(try(shipped), tutela.Pass)
	}
	seen.Expect(try(nil), tutela.CouldNotCheck)
	closed := shippedBut(t, "limits.cedar", "@id(", "@id(\"x\")\nforbid (principal, action, resource);\n@id(")
	seen.Expect(try(closed), tutela.CouldNotCheck, "proves nothing")
}
