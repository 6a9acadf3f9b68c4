package fhir_test

import (
	"net/http"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/rig"
)

// restrict has a patient's records kept and not used, for some purposes or for all.
func restrict(t *testing.T, r *rig.Rig, patient tutela.PatientID, purposes ...tutela.Purpose) {
	t.Helper()
	if err := r.Rights.Restrict(t.Context(), rightsEntry(), patient, purposes, "the patient asked"); err != nil {
		t.Fatalf("restrict %s: %v", patient, err)
	}
}

func rightsEntry() tutela.Entry {
	return tutela.Entry{Actor: tutela.Actor{ID: "test", Kind: tutela.ActorSystem}, Action: tutela.ActionPatientRestrict}
}

// A restriction holds on every path that returns data, for everybody but the patient and the privacy officer,
// from one request to the next, and so does its end; an objection holds for its purposes.
func TestRestrictionHoldsOnEveryPath(t *testing.T) {
	t.Parallel()
	const paths = 11
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		ward(t, r)
		lift := func() {
			t.Helper()
			if err := r.Rights.Lift(t.Context(), rightsEntry(), "seen", "it was settled"); err != nil {
				t.Fatal(err)
			}
		}
		look := func(name string, open map[string]bool) {
			t.Helper()
			for as, sees := range open {
				got := reveals(t, r, as, "visible", "seen")
				if sees && len(got) != paths || !sees && len(got) != 0 {
					t.Errorf("%s: %s sees it by %v", name, as, got)
				}
			}
		}
		all := map[string]bool{"physician": true, "nurse": true, "billing": true, "seen": true, rig.Loader: true}
		look("before", all)
		restrict(t, r, "seen")
		look("restricted", map[string]bool{"physician": false, "nurse": false, "billing": false, "seen": true, rig.Loader: false})
		lift()
		look("lifted", all)
		restrict(t, r, "seen", tutela.PurposePayment)
		look("an objection to payment", map[string]bool{"physician": true, "nurse": true, "billing": false, "seen": true, rig.Loader: true})
		lift()
		restrict(t, r, "unseen")
		look("another patient's", all)
	})
}

// What is restricted is stored and not shown: an interface goes on writing, nobody else does, and what a
// write answers tells nothing.
func TestRestrictedRecordsAreKeptUpByInterfacesAlone(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		ward(t, r)
		restrict(t, r, "seen")
		body := observed("visible", "seen", "")
		play(t, r, []step{
			{name: "an interface updates", call: put("Observation/visible", body), status: http.StatusOK, body: "-"},
			{name: "and creates", call: post("Observation", body), status: http.StatusCreated, body: "-"},
			{name: "a physician does not update", call: asking("physician", put("Observation/visible", body)), status: http.StatusNotFound},
			{name: "nor create", call: asking("physician", post("Observation", body)), status: http.StatusForbidden},
			{name: "nor delete", call: asking("physician", del("Observation/visible")), status: http.StatusNotFound},
		})
		r.Verify(t)
	})
}

// What concerns several patients is restricted with one of them.
func TestSharedResourcesAreRestrictedWithOneOfTheirPatients(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		family(t, r)
		restrict(t, r, "bob")
		for path, want := range map[string]int{"Group/family": 404, "Observation/his": 404, "Observation/seen": 200, "Patient/ann": 200, "Patient/bob": 404} {
			if a := r.Get(t, "physician", path); a.Status != want {
				t.Errorf("%s: %d, want %d", path, a.Status, want)
			}
		}
	})
}

// A conditional create does not make a second patient of one whose records are restricted.
func TestConditionalCreatesMakeNoSecondOfWhatIsRestricted(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		const who, is = `{"resourceType":"Patient","id":"seen","identifier":[{"value":"one"}]}`, "identifier=one"
		r.Put(t, who)
		restrict(t, r, "seen")
		again := post("Patient", who, "If-None-Exist", is)
		within := post("", `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":`+who+`,"request":{"method":"POST","url":"Patient","ifNoneExist":"`+is+`"}}]}`)
		play(t, r, []step{
			{name: "by itself", call: again, status: http.StatusPreconditionFailed},
			{name: "in a transaction", call: within, status: http.StatusPreconditionFailed},
			{name: "another", call: post("Patient", who, "If-None-Exist", "identifier=two"), status: http.StatusCreated},
		})
		if err := r.Rights.Lift(t.Context(), rightsEntry(), "seen", "settled"); err != nil {
			t.Fatal(err)
		}
		play(t, r, []step{{name: "several, once they are seen", call: again, status: http.StatusPreconditionFailed, body: "more than one"}})
	})
}
