package fhir_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tutela-health/tutela/internal/rig"
)

// statusOf is how a read by a caller is answered.
func statusOf(t *testing.T, r *rig.Rig, as, path string) int {
	t.Helper()
	return r.Get(t, as, path).Status
}

const (
	encounterOf   = `{"resourceType":"Encounter","id":"src","status":"in-progress","class":{"code":"AMB"},"subject":{"reference":"Patient/P"},"participant":[{"individual":{"reference":"Practitioner/physician"}}]}`
	appointmentOf = `{"resourceType":"Appointment","id":"src","status":"booked","participant":[{"actor":{"reference":"Patient/P"},"status":"accepted"},{"actor":{"reference":"Practitioner/physician"},"status":"accepted"}]}`
	orderOf       = `{"resourceType":"ServiceRequest","id":"src","status":"active","intent":"order","subject":{"reference":"Patient/P"},"requester":{"reference":"Practitioner/physician"}}`
	teamOf        = `{"resourceType":"CareTeam","id":"src","status":"active","subject":{"reference":"Patient/P"},"participant":[{"member":{"reference":"Practitioner/physician"}}]}`
)

// A relationship lasts as long as what it follows from, however that ends.
func TestTreatmentEndsWithItsSource(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		r.Put(t, patient("P", "Doe"))
		r.Put(t, patient("Q", "Roe"))
		r.Put(t, observed("o", "P", ""))
		for _, c := range []struct{ name, source, old, next string }{
			{"encounter finished", encounterOf, "in-progress", "finished"},
			{"encounter cancelled", encounterOf, "in-progress", "cancelled"},
			{"encounter moved to another patient", encounterOf, "Patient/P", "Patient/Q"},
			{"participant's period over", encounterOf, `"individual"`, `"period":{"end":"2020"},"individual"`},
			{"appointment cancelled", appointmentOf, "booked", "cancelled"},
			{"appointment over", appointmentOf, `"status":"booked"`, `"status":"booked","start":"2020-01-01T10:00:00Z","end":"2020-01-01T11:00:00Z"`},
			{"appointment declined", appointmentOf, `"Practitioner/physician"},"status":"accepted"`, `"Practitioner/physician"},"status":"declined"`},
			{"order completed", orderOf, "active", "completed"},
			{"order revoked", orderOf, "active", "revoked"},
			{"team inactive", teamOf, "active", "inactive"},
			{"team's period over", teamOf, `"status":"active"`, `"status":"active","period":{"end":"2020"}`},
			{"team yet to come", teamOf, `"status":"active"`, `"status":"active","period":{"start":"2999"}`},
			{"clinician removed from the team", teamOf, "Practitioner/physician", "Practitioner/somebody"},
			{"entered in error", teamOf, "active", "entered-in-error"},
		} {
			a := r.Put(t, c.source)
			ref := strings.TrimPrefix(a.Header.Get("Location"), rig.Base+"/")
			ref = ref[:strings.Index(ref, "/_history")]
			if got := statusOf(t, r, "physician", "Observation/o"); got != http.StatusOK {
				t.Errorf("%s: before, %d", c.name, got)
			}
			r.Put(t, strings.Replace(c.source, c.old, c.next, 1))
			if got := statusOf(t, r, "physician", "Observation/o"); got != http.StatusNotFound {
				t.Errorf("%s: %d", c.name, got)
			}
			r.Put(t, c.source)
			r.Do(t, asking(rig.Loader, del(ref)))
			if got := statusOf(t, r, "physician", "Observation/o"); got != http.StatusNotFound {
				t.Errorf("%s, then deleted: %d", c.name, got)
			}
		}
		r.Put(t, encounterOf)
		r.Put(t, teamOf)
		r.Put(t, strings.Replace(encounterOf, "in-progress", "finished", 1))
		if got := statusOf(t, r, "physician", "Observation/o"); got != http.StatusOK {
			t.Errorf("one of two sources ended: %d", got)
		}
		r.Do(t, asking(rig.Loader, del("CareTeam/src")))
		if got := statusOf(t, r, "physician", "Observation/o"); got != http.StatusNotFound {
			t.Errorf("both ended: %d", got)
		}
	})
}

// Whoever does not treat a patient cannot write a relationship to one.
func TestNobodyGrantsThemselvesTreatment(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		ward(t, r)
		unseen := func(resource string) string { return strings.ReplaceAll(resource, "Patient/P", "Patient/unseen") }
		team := unseen(strings.Replace(teamOf, `"id":"src"`, `"id":"team-seen"`, 1))
		both := strings.Replace(team, `"Patient/unseen"}`, `"Patient/seen"}`, 1)
		for name, c := range map[string]rig.Call{
			"team":                   post("CareTeam", unseen(teamOf)),
			"encounter":              post("Encounter", unseen(encounterOf)),
			"appointment":            post("Appointment", unseen(appointmentOf)),
			"order":                  post("ServiceRequest", unseen(orderOf)),
			"under a chosen id":      put("CareTeam/src", unseen(teamOf)),
			"own team moved":         put("CareTeam/team-seen", team),
			"whole address":          post("CareTeam", strings.Replace(team, "Patient/unseen", rig.Base+"/Patient/unseen", 1)),
			"versioned reference":    post("CareTeam", strings.Replace(team, "Patient/unseen", "Patient/unseen/_history/1", 1)),
			"of two patients":        post("CareTeam", strings.Replace(both, `"participant":[`, `"participant":[{"member":{"reference":"Patient/unseen"}},`, 1)),
			"transaction":            post("", bundle("transaction", req{method: "POST", url: "CareTeam", resource: team}, req{method: "GET", url: "Observation/untreated"})),
			"transaction that moves": post("", bundle("transaction", req{method: "PUT", url: "CareTeam/team-seen", resource: team}, req{method: "GET", url: "Observation/untreated"})),
			"conditional reference": post("", bundle("transaction", req{method: "POST", url: "CareTeam",
				resource: strings.Replace(team, "Patient/unseen", "Patient?_id=unseen", 1)})),
		} {
			a := r.Do(t, asking("physician", c))
			if a.Status != http.StatusForbidden && a.Status != http.StatusNotFound && a.Status != http.StatusPreconditionFailed {
				t.Errorf("%s: %d %s", name, a.Status, a.Body)
			}
			if got := statusOf(t, r, "physician", "Observation/untreated"); got != http.StatusNotFound {
				t.Fatalf("%s opened the chart: %d", name, got)
			}
		}
		r.Do(t, asking("physician", post("", bundle("batch", req{method: "POST", url: "CareTeam", resource: team}))))
		if got := statusOf(t, r, "physician", "Observation/untreated"); got != http.StatusNotFound {
			t.Errorf("a batch opened the chart: %d", got)
		}
	})
}
