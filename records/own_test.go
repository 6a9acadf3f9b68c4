package records_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/access/consent"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/r4"
	"github.com/tutela-health/tutela/records"
)

// calendar is a clock that a test moves by days.
type calendar struct {
	mu  sync.Mutex
	now time.Time // guarded by mu
}

func (c *calendar) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *calendar) days(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.AddDate(0, 0, n)
}

// overMonths runs f on each engine in a system whose days a test counts.
func overMonths(t *testing.T, f func(t *testing.T, r *rig.Rig, c *calendar)) {
	t.Helper()
	t.Parallel()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			c := &calendar{now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
			r := rig.Open(t, rig.Config{Engine: engine, Clock: c.time})
			two(t, r)
			f(t, r, c)
		})
	}
}

// again is the physician with a login of its own, since tokens do not live for days.
func again(t *testing.T, r *rig.Rig, login string) string {
	t.Helper()
	r.Enroll(t, identity.NewUser{Username: login, Kind: tutela.ActorPerson, Roles: []string{string(access.RolePhysician)},
		Scopes: []string{"user/*.cruds"}, Client: "rig", FHIRUser: tutela.Ref{Type: "Practitioner", ID: "physician"}})
	return login
}

const ownOrder = `{"resourceType":"ServiceRequest","status":"active","intent":"order","subject":{"reference":"Patient/a"},"requester":{"reference":"Practitioner/physician"}}`

func writes(t *testing.T, r *rig.Rig, as, method, path, body string, status int) {
	t.Helper()
	if a := r.Do(t, rig.Call{As: as, Method: method, Path: path, Body: body}); a.Status != status {
		t.Errorf("%s %s %s: %d %s, want %d", as, method, path, a.Status, a.Body, status)
	}
}

// What a clinician writes of himself keeps him treating for thirty days after what others gave him, however
// often he writes it again.
func TestNobodyProlongsHisOwnTreatmentForEver(t *testing.T) {
	overMonths(t, func(t *testing.T, r *rig.Rig, c *calendar) {
		r.Treat(t, "a", "physician")
		for _, own := range []struct{ path, body string }{
			{"ServiceRequest", ownOrder},
			{"CareTeam", strings.Replace(rig.CareTeam("x", "a", "active", "physician"), `"id":"x",`, "", 1)},
			{"Encounter", `{"resourceType":"Encounter","status":"in-progress","class":{"code":"AMB"},"subject":{"reference":"Patient/a"},"participant":[{"individual":{"reference":"Practitioner/physician"}}]}`},
		} {
			writes(t, r, "physician", http.MethodPost, own.path, own.body, http.StatusCreated)
		}
		r.Put(t, rig.CareTeam("team-a", "a", "inactive", "physician"))
		want(t, r, "physician", "Observation/of-a", http.StatusOK)
		c.days(20)
		after20 := again(t, r, "after-20")
		want(t, r, after20, "Observation/of-a", http.StatusOK)
		writes(t, r, after20, http.MethodPost, "ServiceRequest", ownOrder, http.StatusCreated)
		writes(t, r, after20, http.MethodPost, "CareTeam", strings.Replace(rig.CareTeam("x", "a", "active", "physician"), `"id":"x",`, "", 1), http.StatusCreated)
		c.days(11)
		after31 := again(t, r, "after-31")
		want(t, r, after31, "Observation/of-a", http.StatusNotFound)
		want(t, r, after31, "Observation/of-b", http.StatusNotFound)
		writes(t, r, after31, http.MethodPost, "ServiceRequest", ownOrder, http.StatusForbidden)
		writes(t, r, "other-loader", http.MethodPut, "CareTeam/team-a", rig.CareTeam("team-a", "a", "active", "physician"), http.StatusOK)
		want(t, r, after31, "Observation/of-a", http.StatusOK)
		r.Verify(t)
	})
}

// What somebody else gave stays, also when its clinician writes the resource without prolonging it; a
// longer end of his own making does not count for longer.
func TestWhatOthersGaveStays(t *testing.T) {
	overMonths(t, func(t *testing.T, r *rig.Rig, c *calendar) {
		r.Treat(t, "a", "physician")
		team := rig.CareTeam("team-a", "a", "active", "physician")
		writes(t, r, "physician", http.MethodPut, "CareTeam/team-a", strings.Replace(team, `"status"`, `"name":"ours","status"`, 1), http.StatusOK)
		until := func(day string) string {
			return strings.Replace(rig.CareTeam("team-b", "b", "active", "physician"), `"status"`, `"period":{"end":"`+day+`"},"status"`, 1)
		}
		r.Put(t, until("2026-03-10"))
		writes(t, r, "physician", http.MethodPut, "CareTeam/team-b", until("2027-03-10"), http.StatusOK)
		c.days(60)
		later := again(t, r, "later")
		want(t, r, later, "Observation/of-a", http.StatusOK)
		want(t, r, later, "Observation/of-b", http.StatusNotFound)
	})
}

// team is a care team of patient a, without an id.
func team(clinicians ...string) string {
	return strings.Replace(rig.CareTeam("x", "a", "active", clinicians...), `"id":"x",`, "", 1)
}

// colleague is another physician, with a login of its own.
func colleague(t *testing.T, r *rig.Rig, login, practitioner string) string {
	t.Helper()
	r.Enroll(t, identity.NewUser{Username: login, Kind: tutela.ActorPerson, Roles: []string{string(access.RolePhysician)},
		Scopes: []string{"user/*.cruds"}, Client: "rig", FHIRUser: tutela.Ref{Type: "Practitioner", ID: practitioner}})
	return login
}

// Two clinicians who name one another treat for ninety days after the last relationship that somebody else gave one of them,
// however often they do it.
func TestTwoDoNotProlongEachOthersTreatmentForEver(t *testing.T) {
	overMonths(t, func(t *testing.T, r *rig.Rig, c *calendar) {
		r.Treat(t, "a", "physician")
		b := colleague(t, r, "b", "second")
		want(t, r, b, "Observation/of-a", http.StatusNotFound)
		writes(t, r, "physician", http.MethodPost, "CareTeam", team("second"), http.StatusCreated)
		want(t, r, b, "Observation/of-a", http.StatusOK)
		r.Put(t, rig.CareTeam("team-a", "a", "inactive", "physician"))
		for month := range 3 {
			a, b := again(t, r, fmt.Sprint("a", month)), colleague(t, r, fmt.Sprint("b", month), "second")
			want(t, r, b, "Observation/of-a", http.StatusOK)
			writes(t, r, b, http.MethodPost, "CareTeam", team("physician", "second"), http.StatusCreated)
			want(t, r, a, "Observation/of-a", http.StatusOK)
			writes(t, r, a, http.MethodPost, "CareTeam", team("physician", "second"), http.StatusCreated)
			writes(t, r, a, http.MethodPost, "Appointment", `{"resourceType":"Appointment","status":"booked","start":"2026-12-01T09:00:00Z","participant":[
{"actor":{"reference":"Patient/a"},"status":"accepted"},{"actor":{"reference":"Practitioner/second"},"status":"accepted"}]}`, http.StatusCreated)
			c.days(30)
		}
		c.days(1)
		for _, who := range []string{again(t, r, "a-last"), colleague(t, r, "b-last", "second")} {
			want(t, r, who, "Observation/of-a", http.StatusNotFound)
			writes(t, r, who, http.MethodPost, "ServiceRequest", ownOrder, http.StatusForbidden)
		}
		c.days(220) // the appointment's day
		want(t, r, colleague(t, r, "b-later", "second"), "Observation/of-a", http.StatusNotFound)
		r.Verify(t)
	})
}

// A colleague whom somebody names to whom others gave the patient treats for longer than the writer's own word would let himself,
// also from a day to come; whoever names more than can be remembered is refused.
func TestAColleagueIsCalledIn(t *testing.T) {
	overMonths(t, func(t *testing.T, r *rig.Rig, c *calendar) {
		r.Treat(t, "a", "physician")
		writes(t, r, "physician", http.MethodPost, "Appointment", `{"resourceType":"Appointment","status":"booked","start":"2026-09-01T09:00:00Z","end":"2026-09-01T17:00:00Z","participant":[
{"actor":{"reference":"Patient/a"},"status":"accepted"},{"actor":{"reference":"Practitioner/third"},"status":"accepted"}]}`, http.StatusCreated)
		writes(t, r, "physician", http.MethodPost, "CareTeam", team("second"), http.StatusCreated)
		c.days(89)
		want(t, r, colleague(t, r, "second-89", "second"), "Observation/of-a", http.StatusOK)
		c.days(2)
		want(t, r, colleague(t, r, "second-91", "second"), "Observation/of-a", http.StatusNotFound)
		c.days(93) // 1 September
		want(t, r, colleague(t, r, "third-then", "third"), "Observation/of-a", http.StatusOK)
		many := make([]string, 201)
		for i := range many {
			many[i] = fmt.Sprint("many-", i)
		}
		writes(t, r, again(t, r, "too-many"), http.MethodPost, "CareTeam", team(many...), http.StatusUnprocessableEntity)
		writes(t, r, again(t, r, "enough"), http.MethodPost, "CareTeam", team(many[:200]...), http.StatusCreated)
	})
}

// A role of his own is himself.
func TestNobodyProlongsHisTreatmentByARole(t *testing.T) {
	overMonths(t, func(t *testing.T, r *rig.Rig, c *calendar) {
		r.Put(t, `{"resourceType":"PractitionerRole","id":"mine","active":true,"practitioner":{"reference":"Practitioner/physician"}}`)
		r.Treat(t, "a", "physician")
		writes(t, r, "physician", http.MethodPost, "ServiceRequest", strings.Replace(ownOrder, "Practitioner/physician", "PractitionerRole/mine", 1), http.StatusCreated)
		r.Put(t, rig.CareTeam("team-a", "a", "inactive", "physician"))
		want(t, r, "physician", "Observation/of-a", http.StatusOK)
		c.days(31)
		want(t, r, again(t, r, "later"), "Observation/of-a", http.StatusNotFound)
	})
}

// broken is an emergency for one patient.
type broken tutela.Bucket

// Open implements access.Emergencies.
func (b broken) Open(context.Context, tutela.Principal) ([]access.Emergency, error) {
	return []access.Emergency{{ID: "e", Patient: tutela.Bucket(b)}}, nil
}

// Who broke the glass writes what he must, and treats nobody by it once the emergency is over.
func TestAnEmergencyMakesNoTreatment(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		two(t, r)
		want(t, r, "physician", "Observation/of-a", http.StatusNotFound)
		policies, err := access.Shipped()
		if err != nil {
			t.Fatal(err)
		}
		in := access.New(access.Config{Policies: policies, Locate: r.Records.Bucket, Relations: r.Records, Emergencies: broken(r.Records.Bucket("a")), Regime: consent.OptOut})
		p := tutela.Principal{ID: "u", Kind: tutela.ActorPerson, Roles: []string{"physician"}, Scopes: []string{"user/*.cruds"}, FHIRUser: tutela.Ref{Type: "Practitioner", ID: "physician"}}
		g, err := in.Authorize(t.Context(), p, access.Request{Action: tutela.ActionCreate, Type: "ServiceRequest", Purpose: tutela.PurposeTreatment})
		if err != nil {
			t.Fatal(err)
		}
		order, err := r4.Parse([]byte(ownOrder))
		if err != nil {
			t.Fatal(err)
		}
		done, err := r.Records.Transact(t.Context(), tutela.Entry{Action: tutela.ActionCreate, Outcome: tutela.OutcomeSuccess}, "",
			[]records.Change{{Kind: records.Create, Ref: tutela.Ref{Type: "ServiceRequest", ID: "urgent"}, Resource: order, Grant: g}})
		if err != nil || !done[0].Created {
			t.Fatalf("the order in an emergency: %v", err)
		}
		want(t, r, "physician", "Observation/of-a", http.StatusNotFound)
		r.Verify(t)
	})
}
