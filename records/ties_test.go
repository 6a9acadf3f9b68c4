package records_test

import (
	"net/http"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/store"
)

// two stores two patients with an observation each.
func two(t *testing.T, r *rig.Rig) {
	t.Helper()
	for _, id := range []string{"a", "b"} {
		r.Put(t, `{"resourceType":"Patient","id":"`+id+`"}`)
		r.Put(t, observed(id, ""))
	}
}

func observed(patient, meta string) string {
	return `{"resourceType":"Observation","id":"of-` + patient + `"` + meta + `,"status":"final","code":{"text":"x"},"subject":{"reference":"Patient/` + patient + `"}}`
}

const restricted = `,"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}]}`

func want(t *testing.T, r *rig.Rig, as, path string, status int) {
	t.Helper()
	if a := r.Get(t, as, path); a.Status != status {
		t.Errorf("%s reads %s: %d, want %d: %s", as, path, a.Status, status, a.Body)
	}
}

func TestTreatmentOpensAndItsEndCloses(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		two(t, r)
		want(t, r, "physician", "Observation/of-a", http.StatusNotFound)
		r.Treat(t, "a", "physician")
		want(t, r, "physician", "Observation/of-a", http.StatusOK)
		want(t, r, "physician", "Observation/of-b", http.StatusNotFound)
		r.Put(t, rig.CareTeam("team-a", "a", "inactive", "physician"))
		want(t, r, "physician", "Observation/of-a", http.StatusNotFound)
		r.Treat(t, "a", "physician")
		r.Do(t, rig.Call{As: rig.Loader, Method: http.MethodDelete, Path: "CareTeam/team-a"})
		want(t, r, "physician", "Observation/of-a", http.StatusNotFound)
	})
}

// Whoever can write the database, and has no key, cannot make a relationship of the parts of another.
func TestForgedTieOpensNothing(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		two(t, r)
		r.Treat(t, "a", "physician")
		other := int64(r.Records.Bucket("b"))
		err := r.DB.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), `INSERT INTO ties (kind, subject, object, locator, since, until, mac)
				SELECT kind, subject, ?, locator, since, until, mac FROM ties WHERE kind = 1`, other)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		want(t, r, "physician", "Observation/of-b", http.StatusServiceUnavailable)
	})
}

// A label that is given later covers what was written before it.
func TestOlderVersionsAreAsSensitiveAsTheNewest(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		two(t, r)
		r.Treat(t, "a", "physician")
		want(t, r, "physician", "Observation/of-a/_history/1", http.StatusOK)
		r.Put(t, observed("a", restricted))
		for _, path := range []string{"Observation/of-a", "Observation/of-a/_history/1", "Observation/of-a/_history/2", "Observation/of-a/_history"} {
			want(t, r, "physician", path, http.StatusNotFound)
		}
		r.Do(t, rig.Call{As: rig.Loader, Method: http.MethodDelete, Path: "Observation/of-a"})
		want(t, r, "physician", "Observation/of-a/_history/1", http.StatusNotFound)
		want(t, r, rig.Loader, "Observation/of-a/_history/1", http.StatusOK)
	})
}

// What a view shows that was taken before a relationship ended must not be remembered after it.
func TestOldViewIsNotRemembered(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		two(t, r)
		r.Treat(t, "a", "physician")
		clinician := tutela.Ref{Type: "Practitioner", ID: "physician"}
		err := r.Records.TreatsInView(t.Context(), clinician, func() { r.Put(t, rig.CareTeam("team-a", "a", "inactive", "physician")) })
		if err != nil {
			t.Fatal(err)
		}
		if list, err := r.Records.Treats(t.Context(), clinician); err != nil || len(list) != 0 {
			t.Errorf("still treats %v (%v)", list, err)
		}
		want(t, r, "physician", "Observation/of-a", http.StatusNotFound)
	})
}

// A care team may name a role instead of the person. Whoever acts in it treats, while he does.
func TestRolesOfAPractitionerTreatForHim(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		two(t, r)
		role := func(active, practitioner, period string) {
			t.Helper()
			r.Put(t, `{"resourceType":"PractitionerRole","id":"cardiology","active":`+active+`,"practitioner":{"reference":"Practitioner/`+practitioner+`"}`+period+`}`)
		}
		r.Put(t, `{"resourceType":"CareTeam","id":"by-role","status":"active","subject":{"reference":"Patient/a"},"participant":[{"member":{"reference":"PractitionerRole/cardiology"}}]}`)
		want(t, r, "physician", "Observation/of-a", http.StatusNotFound)
		role("true", "physician", "")
		want(t, r, "physician", "Observation/of-a", http.StatusOK)
		want(t, r, "physician", "Observation/of-b", http.StatusNotFound)
		want(t, r, "nurse", "Observation/of-a", http.StatusNotFound)
		r.Treat(t, "b", "physician")
		want(t, r, "physician", "Observation/of-a", http.StatusOK)
		want(t, r, "physician", "Observation/of-b", http.StatusOK)
		role("false", "physician", "")
		want(t, r, "physician", "Observation/of-a", http.StatusNotFound)
		want(t, r, "physician", "Observation/of-b", http.StatusOK)
		role("true", "physician", `,"period":{"end":"2020-01-01"}`)
		want(t, r, "physician", "Observation/of-a", http.StatusNotFound)
		role("true", "nurse", "")
		want(t, r, "physician", "Observation/of-a", http.StatusNotFound)
		want(t, r, "nurse", "Observation/of-a", http.StatusOK)
		r.Do(t, rig.Call{As: rig.Loader, Method: http.MethodDelete, Path: "PractitionerRole/cardiology"})
		want(t, r, "nurse", "Observation/of-a", http.StatusNotFound)
	})
}

// Nobody puts himself into a role: clinicians do not write the directory.
func TestNobodyTakesARole(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		two(t, r)
		r.Put(t, `{"resourceType":"PractitionerRole","id":"cardiology","active":true,"practitioner":{"reference":"Practitioner/other"}}`)
		r.Put(t, `{"resourceType":"CareTeam","id":"by-role","status":"active","subject":{"reference":"Patient/a"},"participant":[{"member":{"reference":"PractitionerRole/cardiology"}}]}`)
		r.Treat(t, "b", "physician")
		mine := `{"resourceType":"PractitionerRole","id":"cardiology","active":true,"practitioner":{"reference":"Practitioner/physician"}}`
		for _, c := range []rig.Call{{As: "physician", Method: http.MethodPut, Path: "PractitionerRole/cardiology", Body: mine}, {As: "physician", Method: http.MethodPost, Path: "PractitionerRole", Body: mine}} {
			if a := r.Do(t, c); a.Status != http.StatusForbidden && a.Status != http.StatusNotFound {
				t.Errorf("%s: %d %s", c.Method, a.Status, a.Body)
			}
		}
		want(t, r, "physician", "Observation/of-a", http.StatusNotFound)
	})
}
