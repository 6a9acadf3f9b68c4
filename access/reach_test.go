package access

import (
	"context"
	"slices"
	"testing"

	"github.com/tutela-health/tutela"
)

// broke is for whom everybody has broken the glass.
const broke = tutela.Bucket(501)

type brokenGlass struct{}

func (brokenGlass) Open(context.Context, tutela.Principal) ([]Emergency, error) {
	return []Emergency{{ID: "e1", Patient: broke}, {ID: "e2", Patient: broke + 1}}, nil
}

// covers reports whether a search that looks in a reach alone finds what concerns some patients.
func covers(reach []tutela.Bucket, limited bool, patients []tutela.Bucket) bool {
	in := tutela.BucketGeneral
	switch len(patients) {
	case 0:
	case 1:
		in = patients[0]
	default:
		in = tutela.BucketShared
	}
	return !limited || slices.Contains(reach, in)
}

// Whatever is admitted lies in the Grant's reach, and what is sensitive of it in the reach for that: for
// every role, standing, label, clearance and a house's own policies. Who can see nothing sensitive
// of those he treats has nothing to look through for it.
func TestReachLeavesOutNothingThatIsAdmitted(t *testing.T) {
	const house = `@id("own") permit (principal in Role::"nurse", action in [Action::"see"], resource is Record) when { resource.labels.contains("GDIS") };`
	admitted, spared := 0, 0
	for _, policy := range []string{"", house} {
		a := New(Config{Policies: shippedWith(t, policy), Locate: locate, Relations: relations{}, Emergencies: brokenGlass{}})
		for _, role := range Roles() {
			for _, scope := range []string{"user/*.cruds", "patient/*.rs", "system/*.cruds"} {
				for _, cleared := range [][]string{nil, {"HIV"}} {
					for _, typ := range []string{"Observation", "Patient", "Practitioner", "MedicationRequest", "Claim"} {
						p := caller(role, scope)
						p.Patient, p.Clearances = "me", cleared
						g, err := a.Authorize(t.Context(), p, Request{Action: tutela.ActionSearch, Type: typ})
						if err != nil {
							continue
						}
						n, all := reaches(t, g, typ)
						admitted += n
						if all && role == RolePhysician {
							spared++
						}
					}
				}
			}
		}
	}
	if admitted < 200 || spared == 0 {
		t.Errorf("%d were admitted, and %d times a physician had less to look through: too few to mean anything", admitted, spared)
	}
}

// reaches tries all sorts of resources, counts what is admitted, and says whether the reach for what is
// sensitive is the smaller one.
func reaches(t *testing.T, g Grant, typ string) (admitted int, smaller bool) {
	t.Helper()
	reach, limited := g.Reach()
	sensitiveReach, sensitiveLimited := g.ReachSensitive()
	for _, patients := range [][]tutela.Bucket{nil, {own}, {other}, {treated}, {999}, {broke}, {treated, other}, {broke, broke + 1}, {treated, broke}, {own, 999}} {
		for _, labels := range [][]string{nil, {"HIV"}, {"GDIS"}, {"R", "V"}, {"HIV", "PSY"}} {
			f := Facts{Type: typ, Patients: patients, Labels: func() []string { return labels }, Consent: func(Grant) Consent { return ConsentNone }}
			if !g.Admits(f) {
				continue
			}
			admitted++
			if !covers(reach, limited, patients) {
				t.Errorf("%v: %s of %v labelled %v is admitted and out of reach", g.question.roles, typ, patients, labels)
			}
			if len(labels) > 0 && !covers(sensitiveReach, sensitiveLimited, patients) {
				t.Errorf("%v: %s of %v labelled %v is admitted and out of reach for what is sensitive", g.question.roles, typ, patients, labels)
			}
		}
	}
	return admitted, len(sensitiveReach) < len(reach)
}
