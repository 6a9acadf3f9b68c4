package access

import (
	"slices"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

const own, other = tutela.Bucket(77), tutela.Bucket(78)

func locate(id tutela.PatientID) tutela.Bucket {
	if id == "me" {
		return own
	}
	return other
}

func caller(role Role, scopes ...string) tutela.Principal {
	p := tutela.Principal{ID: "u", Kind: tutela.ActorPerson, Roles: []string{string(role)}, Scopes: scopes, FHIRUser: tutela.Ref{Type: "Practitioner", ID: "u"}}
	if role == RoleService {
		p.Kind = tutela.ActorService
	}
	return p
}

// What is very restricted is restricted too: a clearance for the one is one for the other, as in the
// rules of labels.
func TestClearanceForVeryRestrictedIncludesRestricted(t *testing.T) {
	a := authorizer(t)
	labelled := func(labels ...string) Facts {
		return Facts{Type: "Observation", Patients: []tutela.Bucket{treated},
			Labels: func() []string { return labels }, Consent: func(Grant) Consent { return ConsentNone }}
	}
	for _, c := range []struct {
		cleared, labels []string
		seen            bool
	}{
		{nil, []string{"R"}, false},
		{[]string{"R"}, []string{"R"}, true},
		{[]string{"V"}, []string{"R"}, true},
		{[]string{"V"}, []string{"R", "V"}, true},
		{[]string{"R"}, []string{"R", "V"}, false},
		{[]string{"V"}, []string{"HIV"}, false},
		{[]string{"PSY", "HIV"}, []string{"HIV"}, true},
		{[]string{"HIV"}, []string{"HIV", "PSY"}, false},
		{[]string{"HIV"}, []string{unknownLabel}, false},
	} {
		p := caller(RolePhysician, "user/*.cruds")
		p.Clearances = c.cleared
		g, err := a.Authorize(t.Context(), p, Request{Action: tutela.ActionRead, Type: "Observation"})
		if err != nil {
			t.Fatal(err)
		}
		if got := g.Admits(labelled(c.labels...)); got != c.seen {
			t.Errorf("cleared for %v, labelled %v: admitted %v", c.cleared, c.labels, got)
		}
		of := Case{Roles: []string{"physician"}, Clearances: c.cleared, Kind: tutela.ActorPerson, Action: tutela.ActionRead, Type: "Observation", Treated: true, Labels: c.labels}
		if got := a.Policies().Explain(of).Allowed; got != c.seen {
			t.Errorf("cleared for %v, labelled %v: explained as %v", c.cleared, c.labels, got)
		}
	}
	p := caller(RolePhysician, "user/*.cruds")
	p.Roles = append(p.Roles, "clearance:HIV")
	g, err := a.Authorize(t.Context(), p, Request{Action: tutela.ActionRead, Type: "Observation"})
	if err != nil {
		t.Fatal(err)
	}
	if g.Admits(labelled("HIV")) {
		t.Error("a role is taken for a clearance")
	}
}

func TestZeroValuesDeny(t *testing.T) {
	if (Grant{}).Admits(Facts{Type: "Patient"}) {
		t.Error("the zero Grant admits")
	}
	var a Authorizer
	if _, err := a.Authorize(t.Context(), tutela.Principal{}, Request{Action: tutela.ActionRead, Type: "Patient"}); !errs.Is(err, errs.Denied) {
		t.Errorf("the zero Authorizer answered %v", err)
	}
}

func TestRolesAreAllOrNothing(t *testing.T) {
	a := authorizer(t)
	for _, c := range []struct {
		name   string
		p      tutela.Principal
		r      Request
		permit bool
	}{
		{"loader creates anything", caller(RoleService, "system/*.cruds"), Request{Action: tutela.ActionCreate, Type: "Observation"}, true},
		{"scope of another type", caller(RoleService, "system/Patient.cruds"), Request{Action: tutela.ActionCreate, Type: "Observation"}, false},
		{"scope of another action", caller(RoleService, "system/*.rs"), Request{Action: tutela.ActionCreate, Type: "Observation"}, false},
		{"no scope", caller(RoleService), Request{Action: tutela.ActionRead, Type: "Observation"}, false},
		{"physician reads", caller(RolePhysician, "user/*.cruds"), Request{Action: tutela.ActionRead, Type: "Observation"}, true},
		{"billing sees no allergy", caller(RoleBilling, "user/*.rs"), Request{Action: tutela.ActionRead, Type: "AllergyIntolerance"}, false},
		{"billing sees claims", caller(RoleBilling, "user/*.rs"), Request{Action: tutela.ActionSearch, Type: "Claim"}, true},
		{"billing writes no claim", caller(RoleBilling, "user/*.cruds"), Request{Action: tutela.ActionCreate, Type: "Claim"}, false},
		{"registration has demographics", caller(RoleRegistration, "user/*.cruds"), Request{Action: tutela.ActionUpdate, Type: "Patient"}, true},
		{"registration finds a practitioner", caller(RoleRegistration, "user/*.cruds"), Request{Action: tutela.ActionSearch, Type: "Practitioner"}, true},
		{"administrator sees no patient", caller(RoleAdmin, "user/*.cruds"), Request{Action: tutela.ActionRead, Type: "Patient"}, false},
		{"researcher sees no consents", caller(RoleResearcher, "user/*.rs"), Request{Action: tutela.ActionSearch, Type: "Consent"}, false},
		{"researcher changes nothing", caller(RoleResearcher, "user/*.cruds"), Request{Action: tutela.ActionUpdate, Type: "Observation"}, false},
		{"developer changes nothing", caller(RoleDeveloper, "user/*.cruds"), Request{Action: tutela.ActionCreate, Type: "Patient"}, false},
		{"auditor reads the ledger", caller(RoleAuditor), Request{Action: tutela.ActionAuditRead}, true},
		{"auditor reads no chart", caller(RoleAuditor, "user/*.rs"), Request{Action: tutela.ActionRead, Type: "Patient"}, false},
		{"physician reads no ledger", caller(RolePhysician, "user/*.cruds"), Request{Action: tutela.ActionAuditRead}, false},
		{"unknown role", caller("root", "system/*.cruds"), Request{Action: tutela.ActionRead, Type: "Patient"}, false},
		{"patient without a patient", caller(RolePatient, "patient/*.rs"), Request{Action: tutela.ActionRead, Type: "Patient"}, false},
		{"patient context without a patient, any role", caller(RolePhysician, "patient/*.rs"), Request{Action: tutela.ActionRead, Type: "Patient"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, err := a.Authorize(t.Context(), c.p, c.r)
			if (err == nil) != c.permit {
				t.Fatalf("Authorize: %v, want permit %v", err, c.permit)
			}
			if err != nil && !errs.Is(err, errs.Denied) {
				t.Errorf("kind of %v is not Denied", err)
			}
			if c.permit && len(g.Basis().Policies) == 0 {
				t.Error("a grant without a basis")
			}
		})
	}
}

func TestPatientSeesOnlyOwn(t *testing.T) {
	a := authorizer(t)
	p := caller(RolePatient, "patient/*.rs", "user/Practitioner.rs")
	p.Patient, p.FHIRUser = "me", tutela.Ref{Type: "Patient", ID: "me"}
	g, err := a.Authorize(t.Context(), p, Request{Action: tutela.ActionRead, Type: "Observation"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		facts  Facts
		admits bool
	}{
		{Facts{Type: "Observation", Patients: []tutela.Bucket{own}}, true},
		{Facts{Type: "Observation", Patients: []tutela.Bucket{other}}, false},
		{Facts{Type: "Observation", Patients: []tutela.Bucket{own, other}}, false},
		{Facts{Type: "Observation"}, false},
	} {
		if got := g.Admits(harmless(c.facts)); got != c.admits {
			t.Errorf("Admits(%+v) = %v", c.facts, got)
		}
	}
	if b, ok := g.Reach(); !ok || !slices.Equal(b, []tutela.Bucket{own}) {
		t.Errorf("Reach = %v, %v", b, ok)
	}
}
