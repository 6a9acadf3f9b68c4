package access

import (
	"slices"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/r4"
)

const (
	laboratory = `{"resourceType":"Observation","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],"code":{"text":"x"}}`
	vitalSigns = `{"resourceType":"Observation","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],"code":{"text":"x"}}`
)

func factsOf(t *testing.T, resource string, patients ...tutela.Bucket) Facts {
	t.Helper()
	res, err := r4.Parse([]byte(resource))
	if err != nil {
		t.Fatal(err)
	}
	return harmless(Facts{Type: res.Type(), Patients: patients, Resource: func() *r4.Resource { return res }})
}

func TestScopeWithParametersReachesOnlyWhatMatches(t *testing.T) {
	a := authorizer(t)
	p := caller(RolePhysician, "patient/Observation.rs?category=laboratory")
	p.Patient = "me"
	for _, action := range []tutela.Action{tutela.ActionRead, tutela.ActionSearch, tutela.ActionHistory} {
		g, err := a.Authorize(t.Context(), p, Request{Action: action, Type: "Observation"})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name   string
			facts  Facts
			admits bool
		}{
			{"own laboratory result", factsOf(t, laboratory, own), true},
			{"own vital sign", factsOf(t, vitalSigns, own), false},
			{"another's laboratory result", factsOf(t, laboratory, other), false},
			{"deleted", Facts{Type: "Observation", Patients: []tutela.Bucket{own}}, false},
			{"unreadable", Facts{Type: "Observation", Patients: []tutela.Bucket{own}, Resource: func() *r4.Resource { return nil }}, false},
		} {
			if got := g.Admits(c.facts); got != c.admits {
				t.Errorf("%s of %s: admitted %v", action, c.name, got)
			}
		}
	}
}

// A search shows what a read would: without a scope to read it finds nothing, and with one no more than both reach.
func TestSearchTakesAScopeToRead(t *testing.T) {
	a := authorizer(t)
	results, signs := factsOf(t, laboratory, own), factsOf(t, vitalSigns, own)
	for _, c := range []struct {
		name           string
		scopes         []string
		denied         bool
		results, signs bool
	}{
		{"search alone", []string{"user/Observation.s"}, true, false, false},
		{"read alone", []string{"user/Observation.r"}, true, false, false},
		{"two scopes", []string{"user/Observation.s", "user/Observation.r"}, false, true, true},
		{"reading narrowed", []string{"user/Observation.s", "user/Observation.r?category=laboratory"}, false, true, false},
		{"searching narrowed", []string{"user/Observation.s?category=laboratory", "user/Observation.r"}, false, true, false},
		{"narrowed apart", []string{"user/Observation.s?category=laboratory", "user/Observation.r?category=vital-signs"}, false, false, false},
		{"narrowed together", []string{"user/Observation.rs?category=laboratory", "user/Observation.rs?category=vital-signs"}, false, true, true},
		{"reading another type", []string{"user/Observation.s", "user/Patient.r"}, true, false, false},
	} {
		for _, action := range []tutela.Action{tutela.ActionSearch, tutela.ActionExport} {
			g, err := a.Authorize(t.Context(), caller(RolePhysician, c.scopes...), Request{Action: action, Type: "Observation"})
			if errs.Is(err, errs.Denied) != c.denied {
				t.Errorf("%s, %s: %v", c.name, action, err)
			}
			if got := [2]bool{g.Admits(results), g.Admits(signs)}; got != [2]bool{c.results, c.signs} {
				t.Errorf("%s, %s: admits %v", c.name, action, got)
			}
		}
	}
}

func TestScopesAddUpButDoNotMix(t *testing.T) {
	a := authorizer(t)
	p := caller(RolePhysician, "user/Observation.rs?category=laboratory", "patient/Observation.rs")
	p.Patient = "me"
	g, err := a.Authorize(t.Context(), p, Request{Action: tutela.ActionRead, Type: "Observation"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		facts  Facts
		admits bool
	}{
		{factsOf(t, laboratory, other), true}, // by the user scope
		{factsOf(t, vitalSigns, own), true},   // by the patient scope
		{factsOf(t, vitalSigns, other), false},
	} {
		if got := g.Admits(c.facts); got != c.admits {
			t.Errorf("%v: admitted %v", c.facts.Patients, got)
		}
	}
	if reach, _ := g.Reach(); !slices.Contains(reach, other) {
		t.Error("the search is narrowed to one patient, though a scope reaches others")
	}
}

// What cannot be enforced must not grant: a parameter that nobody knows, one that is no filter,
// one that is measured from the present.
func TestScopeThatCannotBeEnforcedGrantsNothing(t *testing.T) {
	a := authorizer(t)
	for _, scope := range []string{
		"user/Observation.rs?nonsense=1", "user/Observation.rs?category=laboratory&nonsense=1",
		"user/Observation.rs?_count=10", "user/Observation.rs?_sort=_lastUpdated", "user/Observation.rs?_format=json",
		"user/Observation.rs?_include=Observation:subject", "user/Observation.rs?_summary=count",
		"user/Observation.rs?date=ap2026-01-01", "user/Observation.rs?subject.name=x", "user/Observation.rs?category",
		"user/Observation.rs?_has:Provenance:target:agent=1", "user/Observation.rs?category=%zz", "user/Observation.rs?",
		"user/*.rs?category=laboratory", "user/Observation.rs?category=laboratory;code=1",
	} {
		if _, err := a.Authorize(t.Context(), caller(RolePhysician, scope), Request{Action: tutela.ActionRead, Type: "Observation"}); !errs.Is(err, errs.Denied) {
			t.Errorf("%s: %v", scope, err)
		}
	}
}

// Microsoft's FHIR server once let a token whose fhirUser was missing reach every patient
// (microsoft/fhir-server#5688): what a token rests on must be there.
func TestTokenWithoutWhatItsScopeNeedsReachesNothing(t *testing.T) {
	a := authorizer(t)
	read := Request{Action: tutela.ActionRead, Type: "Observation"}
	for _, role := range []Role{RolePhysician, RoleNurse, RolePatient, RoleService} {
		p := caller(role, "patient/*.cruds", "launch/patient")
		if _, err := a.Authorize(t.Context(), p, read); !errs.Is(err, errs.Denied) {
			t.Errorf("%s with patient scopes and no patient: %v", role, err)
		}
		p = caller(role, "openid", "fhirUser", "user/*.cruds", "system/*.cruds", "patient/*.cruds")
		p.Patient, p.FHIRUser = "me", tutela.Ref{}
		if _, err := a.Authorize(t.Context(), p, read); !errs.Is(err, errs.Denied) {
			t.Errorf("%s with fhirUser and no resource of its own: %v", role, err)
		}
		p.FHIRUser = tutela.Ref{Type: "Practitioner", ID: "me"}
		if _, err := a.Authorize(t.Context(), p, read); err != nil {
			t.Errorf("%s with a resource of its own: %v", role, err)
		}
	}
}

// Billing, which sees no values, could otherwise ask for a token with a narrower scope after another, and
// find a value by what each of them reaches.
func TestScopeThatReadsHiddenElementsGrantsNothing(t *testing.T) {
	a := authorizer(t)
	for _, scope := range []string{
		"user/Observation.rs?value-quantity=gt5", "user/Observation.rs?value-quantity:missing=true", "user/Observation.rs?status=final&value-quantity=gt5",
		"user/Observation.rs?_security=R", "user/Observation.rs?_tag=x", "user/Claim.rs?_profile=urn:x",
	} {
		s, _ := tutela.ParseScope(scope)
		for _, action := range []tutela.Action{tutela.ActionRead, tutela.ActionSearch} {
			if _, err := a.Authorize(t.Context(), caller(RoleBilling, scope), Request{Action: action, Type: s.Type}); !errs.Is(err, errs.Denied) {
				t.Errorf("%s: %v", scope, err)
			}
			if _, err := a.Authorize(t.Context(), caller(RolePhysician, scope), Request{Action: action, Type: s.Type}); err != nil {
				t.Errorf("%s, of one who sees all of it: %v", scope, err)
			}
		}
	}
	g, err := a.Authorize(t.Context(), caller(RoleBilling, "user/Observation.rs?value-quantity=gt5", "user/Observation.rs?status=final"),
		Request{Action: tutela.ActionRead, Type: "Observation"})
	if err != nil {
		t.Fatal(err)
	}
	preliminary := `{"resourceType":"Observation","status":"preliminary","code":{"text":"x"},"valueQuantity":{"value":7}}`
	if g.Admits(factsOf(t, preliminary, other)) || !g.Admits(factsOf(t, laboratory, other)) {
		t.Error("beside another scope, one that reads what is hidden reaches something")
	}
}
