package access

import (
	"testing"
	"testing/fstest"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// TestWhoeverSeesDeidentifiedRecordsSeesNoOthers: a second role, a relationship or a permit to everybody
// shows nobody to who is shown de-identified records.
func TestWhoeverSeesDeidentifiedRecordsSeesNoOthers(t *testing.T) {
	t.Parallel()
	p, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	for _, roles := range [][]string{{"researcher"}, {"developer"}, {"researcher", "physician"}, {"billing", "developer"}, {"service", "researcher"}} {
		who := tutela.Principal{Kind: tutela.ActorPerson, Roles: roles, Scopes: []string{"user/*.cruds"}, FHIRUser: tutela.Ref{Type: "Practitioner", ID: "1"}}
		a := New(Config{Policies: p, Locate: func(tutela.PatientID) tutela.Bucket { return 5 }})
		g, err := a.Authorize(t.Context(), who, Request{Action: tutela.ActionRead, Type: "Observation"})
		if err != nil {
			t.Fatalf("%v: %v", roles, err)
		}
		d := g.Decide(Facts{Type: "Observation", Patients: []tutela.Bucket{5}, Labels: func() []string { return nil }, Consent: func(Grant) Consent { return ConsentNone }})
		if !d.Admitted() || d.Deidentified() != SafeHarbor || d.Whole() || d.Mask("Observation", []byte(`{"resourceType":"Observation"}`)) != nil {
			t.Errorf("%v: admitted %v, de-identified %q, shown %s", roles, d.Admitted(), d.Deidentified(), d.Mask("Observation", []byte(`{"resourceType":"Observation"}`)))
		}
		for _, action := range []tutela.Action{tutela.ActionCreate, tutela.ActionUpdate, tutela.ActionDelete, tutela.ActionExport} {
			if _, err := a.Authorize(t.Context(), who, Request{Action: action, Type: "Patient"}); !errs.Is(err, errs.Denied) {
				t.Errorf("%v: %s: %v", roles, action, err)
			}
		}
		who.Scopes = []string{"user/Observation.rs?status=final"}
		if _, err := a.Authorize(t.Context(), who, Request{Action: tutela.ActionSearch, Type: "Observation"}); !errs.Is(err, errs.Denied) {
			t.Errorf("%v: a scope that looks into what is hidden: %v", roles, err)
		}
	}
}

func TestDeidentifyIsReadStrictly(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		`@id("a") @deidentify("safe-harbor") permit (principal in Role::"x", action in [Action::"see"], resource);`: true,
		`@id("a") @deidentify("pseudonyms") permit (principal in Role::"x", action in [Action::"see"], resource);`:  true,
		`@id("a") @deidentify("") permit (principal in Role::"x", action in [Action::"see"], resource);`:            false,
		`@id("a") @deidentify("Safe-Harbor") permit (principal in Role::"x", action in [Action::"see"], resource);`: false,
		`@id("a") @deidentify("safe-harbor") permit (principal, action in [Action::"see"], resource);`:              false,
		`@id("a") @deidentify("safe-harbor") forbid (principal in Role::"x", action in [Action::"see"], resource);`: false,
	} {
		if _, err := LoadPolicies(fstest.MapFS{"a.cedar": {Data: []byte(text)}}); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestOfTwoWaysTheStricterHolds, and that to drop one is told as showing more.
func TestOfTwoWaysTheStricterHolds(t *testing.T) {
	t.Parallel()
	load := func(one, two string) *Policies {
		p, err := LoadPolicies(fstest.MapFS{"a.cedar": {Data: []byte(
			`@id("a") ` + one + ` permit (principal in Role::"x", action in [Action::"see"], resource);` +
				`@id("b") ` + two + ` permit (principal in Role::"y", action in [Action::"see"], resource);`)}})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	const safe, moved = `@deidentify("safe-harbor")`, `@deidentify("pseudonyms")`
	both := []string{"x", "y"}
	for _, c := range [][3]string{{"", "", ""}, {safe, moved, SafeHarbor}, {moved, safe, SafeHarbor}, {moved, "", Pseudonyms}, {"", moved, Pseudonyms}} {
		if got := load(c[0], c[1]).deidentified(both); got != c[2] {
			t.Errorf("%q and %q: %q", c[0], c[1], got)
		}
	}
	of := Case{Roles: []string{"x"}, Kind: tutela.ActorPerson, Action: tutela.ActionRead, Type: "Observation"}
	for _, c := range []struct {
		was, is string
		want    ChangeKind
	}{{safe, "", NewlyShown}, {safe, moved, NewlyShown}, {moved, safe, NewlyHidden}, {"", safe, NewlyHidden}} {
		if got := load(c.was, "").Compare(load(c.is, ""), of); len(got) != 1 || got[0].Kind != c.want {
			t.Errorf("%q to %q: %v", c.was, c.is, got)
		}
	}
}
