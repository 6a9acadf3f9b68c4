package access_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/errs"
)

// kept is whose records may not be used, by purpose; an error where it cannot be found out.
type kept struct {
	by  map[tutela.Purpose][]tutela.Bucket
	err error
}

func (k kept) Restricted(_ context.Context, p tutela.Purpose) ([]tutela.Bucket, error) {
	return k.by[p], k.err
}

// numbered gives patients the numbers of their first letters.
func numbered(p tutela.PatientID) tutela.Bucket { return tutela.Bucket(p[0]) }

func rightsOf(t *testing.T, k kept) *access.Authorizer {
	t.Helper()
	policies, err := access.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	return access.New(access.Config{Policies: policies, Locate: numbered, Restrictions: k})
}

func patientCalled(id string) tutela.Principal {
	return tutela.Principal{ID: "u", Kind: tutela.ActorPerson, Roles: []string{"patient"}, Scopes: []string{"patient/*.rs"},
		FHIRUser: tutela.Ref{Type: "Patient", ID: id}, Patient: tutela.PatientID(id)}
}

func officer() tutela.Principal {
	return tutela.Principal{ID: "o", Kind: tutela.ActorPerson, Roles: []string{"privacy"}, Assurance: "aal2"}
}

// Who exercises a right is decided on whose it is, and on no scope.
func TestRightsAreDecidedOnWhoseTheyAre(t *testing.T) {
	a := rightsOf(t, kept{})
	astray := patientCalled("ann")
	astray.Patient = "bob"
	service := tutela.Principal{ID: "s", Kind: tutela.ActorService, Roles: []string{"privacy", "service"}, Scopes: []string{"system/*.cruds"}}
	for _, c := range []struct {
		name   string
		who    tutela.Principal
		action tutela.Action
		about  tutela.PatientID
		want   bool
	}{
		{"the patient asks", patientCalled("ann"), tutela.ActionRightsAsk, "ann", true},
		{"for another", patientCalled("ann"), tutela.ActionRightsAsk, "bob", false},
		{"an account whose token is for another", astray, tutela.ActionRightsAsk, "bob", false},
		{"and not for himself", astray, tutela.ActionRightsAsk, "ann", false},
		{"the patient takes no complete copy", patientCalled("ann"), tutela.ActionPatientExport, "ann", false},
		{"the patient restricts nobody", patientCalled("ann"), tutela.ActionPatientRestrict, "ann", false},
		{"the officer", officer(), tutela.ActionPatientRestrict, "ann", true},
		{"the officer's copy", officer(), tutela.ActionPatientExport, "ann", true},
		{"a service of the role", service, tutela.ActionPatientExport, "ann", false},
		{"nobody", tutela.Principal{}, tutela.ActionRightsAsk, "ann", false},
	} {
		_, err := a.Authorize(t.Context(), c.who, access.Request{Action: c.action, About: c.about})
		if (err == nil) != c.want || err != nil && !errs.Is(err, errs.Denied) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// The Grant of a complete copy reaches that patient's records, sensitive and shared ones too, and nobody else's; by
// no other action.
func TestCompleteCopyReachesOnePatient(t *testing.T) {
	a := rightsOf(t, kept{by: map[tutela.Purpose][]tutela.Bucket{"": {numbered("ann")}}})
	g, err := a.Authorize(t.Context(), officer(), access.Request{Action: tutela.ActionPatientExport, Type: "Observation", About: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	psychiatric := func() []string { return []string{"PSY"} }
	denied := func(access.Grant) access.Consent { return access.ConsentDeny }
	for _, c := range []struct {
		name     string
		patients []tutela.Bucket
		want     bool
	}{
		{"his", []tutela.Bucket{numbered("ann")}, true}, {"shared", []tutela.Bucket{numbered("ann"), numbered("bob")}, true},
		{"nobody's", nil, true}, {"another's", []tutela.Bucket{numbered("bob")}, false},
	} {
		if got := g.Admits(access.Facts{Type: "Observation", Patients: c.patients, Labels: psychiatric, Consent: denied}); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	if _, err := a.Authorize(t.Context(), officer(), access.Request{Action: tutela.ActionRead, Type: "Observation"}); !errs.Is(err, errs.Denied) {
		t.Errorf("a read by the officer: %v", err)
	}
}

// What a restriction leaves, by the policies that ship.
func TestRestrictionLeavesThePatientAndEmergencies(t *testing.T) {
	policies, err := access.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	var open []string
	for _, role := range access.Roles() {
		for standing, c := range map[string]access.Case{"own": {Own: true}, "treated": {Treated: true}, "emergency": {Emergency: true}, "stranger": {}} {
			for _, action := range []tutela.Action{tutela.ActionRead, tutela.ActionSearch, tutela.ActionExport, tutela.ActionUpdate} {
				c.Roles, c.Kind, c.Assurance, c.Action, c.Type, c.Restricted = []string{string(role)}, tutela.ActorPerson, "aal2", action, "Observation", true
				if role == access.RoleService {
					c.Kind = tutela.ActorService
				}
				if policies.Explain(c).Allowed {
					open = append(open, string(role)+" "+standing+" "+string(action))
				}
			}
		}
	}
	slices.Sort(open)
	want := []string{
		"laboratory emergency export", "laboratory emergency read", "laboratory emergency search-type", "laboratory emergency update",
		"nurse emergency export", "nurse emergency read", "nurse emergency search-type", "nurse emergency update",
		"patient own export", "patient own read", "patient own search-type",
		"physician emergency export", "physician emergency read", "physician emergency search-type", "physician emergency update",
		"service emergency export", "service emergency read", "service emergency search-type", "service emergency update",
		"service own update", "service stranger update", "service treated update",
	}
	for _, s := range open { // billing sees observations masked, and researchers and developers de-identified, in an emergency, which none of them can declare
		who, _, _ := strings.Cut(s, " emergency ")
		if !slices.Contains(want, s) && !slices.Contains([]string{"billing", "researcher", "developer"}, who) {
			t.Errorf("open: %s", s)
		}
	}
	for _, s := range want {
		if !slices.Contains(open, s) {
			t.Errorf("shut: %s", s)
		}
	}
}

// A node that cannot find out who is restricted decides nothing, and a search looks at nobody who is.
func TestUnknownRestrictionsRefuse(t *testing.T) {
	service := tutela.Principal{ID: "s", Kind: tutela.ActorService, Roles: []string{"service"}, Scopes: []string{"system/*.cruds"}}
	a := rightsOf(t, kept{err: errors.New("no database")})
	for _, who := range []tutela.Principal{service, patientCalled("ann")} {
		if _, err := a.Authorize(t.Context(), who, access.Request{Action: tutela.ActionRead, Type: "Observation"}); !errs.Is(err, errs.Unavailable) {
			t.Errorf("%s: %v", who.ID, err)
		}
	}
	proxy := patientCalled("ann")
	proxy.Roles, proxy.FHIRUser = []string{"proxy"}, tutela.Ref{Type: "RelatedPerson", ID: "r"}
	for _, c := range []struct {
		who  tutela.Principal
		want []tutela.Bucket
	}{{patientCalled("ann"), []tutela.Bucket{numbered("ann")}}, {proxy, nil}} {
		a := rightsOf(t, kept{by: map[tutela.Purpose][]tutela.Bucket{tutela.PurposePatient: {numbered("ann")}}})
		g, err := a.Authorize(t.Context(), c.who, access.Request{Action: tutela.ActionSearch, Type: "Observation", Purpose: tutela.PurposePatient})
		if err != nil {
			t.Fatal(err)
		}
		got, limited := g.Reach()
		if diff := cmp.Diff(c.want, got); diff != "" || !limited {
			t.Errorf("%s looks at (-want +got):\n%s", c.who.Roles, diff)
		}
	}
}
