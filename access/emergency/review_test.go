package emergency_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access/emergency"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/store"
)

// kase is a case as the API gives it.
type kase struct {
	ID, Patient, By, Reason, State, Reviewer, Verdict, Note string
	Accesses                                                int
}

func identitySession(t *testing.T, h *house, p person) identity.Session {
	t.Helper()
	session, _, err := h.Identity.Session(t.Context(), p.session)
	must(t, err)
	return session
}

// What was done under an emergency on a node whose clock lies behind is the emergency's too.
func TestAReviewSeesAccessesOfASlowClock(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		officer, doctor := h.hire(t, "officer", "privacy"), h.hire(t, "doctor", "physician")
		h.broke(t, doctor, "ann")
		h.Advance(-3 * time.Second)
		expect(t, h.as(t, doctor, "GET", "Patient/ann", ""), 200)
		h.Advance(3 * time.Second)
		list := decoded[[]kase](t, h.as(t, officer, "GET", "/api/v1/break-glass", ""))
		if len(list) != 1 || list[0].Accesses != 1 {
			t.Errorf("%+v", list)
		}
	})
}

func TestAReviewStaysOpenUntilItsVerdict(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		officer, doctor := h.hire(t, "officer", "privacy"), h.hire(t, "doctor", "physician")
		id := h.broke(t, doctor, "ann")
		expect(t, h.as(t, doctor, "GET", "Patient/ann", ""), 200)
		expect(t, h.as(t, doctor, "GET", "Condition/c-ann", ""), 200)
		expect(t, h.as(t, doctor, "GET", "Condition/none", ""), 404)
		h.Advance(30 * time.Minute)
		officer = h.signIn(t, officer)
		open := kase{ID: id, Patient: "Patient/ann", By: "doctor", Reason: reason, State: "open", Accesses: 2}
		if diff := cmp.Diff([]kase{open}, decoded[[]kase](t, h.as(t, officer, "GET", "/api/v1/break-glass", ""))); diff != "" {
			t.Fatalf("cases (-want +got): %s", diff)
		}
		const note = "no such patient was in the lobby that day"
		path := "/api/v1/break-glass/" + id + "/review"
		for body, want := range map[string]int{
			`{"verdict":"fine","note":"` + note + `"}`: 400, `{"verdict":"justified"}`: 400, `{"note":"` + note + `"}`: 400,
		} {
			expect(t, h.as(t, officer, "POST", path, body), want)
		}
		expect(t, h.as(t, officer, "POST", path, `{"verdict":"unjustified","note":"`+note+`"}`), 200)
		expect(t, h.as(t, officer, "POST", path, `{"verdict":"justified","note":"`+note+`"}`), 409)
		closed := open
		closed.State, closed.Reviewer, closed.Verdict, closed.Note = "closed", "officer", "unjustified", note
		if diff := cmp.Diff([]kase{closed}, decoded[[]kase](t, h.as(t, officer, "GET", "/api/v1/break-glass", ""))); diff != "" {
			t.Errorf("cases (-want +got): %s", diff)
		}
		h.Verify(t)
	})
}

func TestOnlyThePrivacyOfficerReviewsAndNeverHisOwn(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		doctor := h.hire(t, "doctor", "physician")
		id := h.broke(t, doctor, "ann")
		const said = `{"verdict":"justified","note":"looks good to me"}`
		for _, role := range []string{"physician", "admin", "auditor", "billing"} {
			p := h.hire(t, "other-"+role, role)
			for method, path := range map[string]string{"GET": "", "POST": "/" + id + "/review"} {
				if a := h.as(t, p, method, "/api/v1/break-glass"+path, said); a.Status != 403 {
					t.Errorf("%s %s: %d", role, method, a.Status)
				}
			}
			if a := h.as(t, p, "POST", "/api/v1/break-glass/"+id+"/revoke", ""); a.Status != 403 {
				t.Errorf("%s revokes: %d", role, a.Status)
			}
		}
		// Whoever opened it may not judge it, also once he is the officer.
		by := tutela.Principal{ID: doctor.ID, Kind: tutela.ActorPerson}
		if err := h.Emergencies.Review(t.Context(), by, tutela.Entry{Action: tutela.ActionBreakGlassReview}, id, emergency.Justified, "all was well here"); err == nil {
			t.Error("a review of one's own was taken")
		}
		colleague := h.hire(t, "colleague", "physician")
		expect(t, h.as(t, colleague, "DELETE", "/api/v1/break-glass/"+id, ""), 404)
		if got := h.reads(t, doctor, "Patient/ann"); got != 200 {
			t.Errorf("the access of which nobody had a say: %d", got)
		}
	})
}

// Nothing of a reason, a note or a name lies in any row as it is.
func TestReasonsLieNowhereInPlaintext(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		officer, doctor := h.hire(t, "officer", "privacy"), h.hire(t, "doctor", "physician")
		const note = "corroborated by the charge nurse"
		for _, patient := range []string{"ann", "nobody"} {
			id := h.broke(t, doctor, patient)
			expect(t, h.as(t, officer, "POST", "/api/v1/break-glass/"+id+"/review", `{"verdict":"justified","note":"`+note+`"}`), 200)
		}
		h.Verify(t)
		for _, blob := range append(column(t, h.DB, "SELECT id FROM emergencies"), column(t, h.DB, "SELECT blob FROM ledger_batches")...) {
			for _, text := range []string{reason, note, "Patient/ann", string(doctor.ID), doctor.session} {
				if bytes.Contains(blob, []byte(text)) {
					t.Errorf("%q lies in a row", text)
				}
			}
		}
	})
}

// column reads every value of a query's one column; there are some.
func column(t *testing.T, db *store.DB, query string) [][]byte {
	t.Helper()
	var list [][]byte
	must(t, db.Query(t.Context(), query, nil, func(sc store.Scanner) error {
		var b []byte
		err := sc.Scan(&b)
		list = append(list, bytes.Clone(b))
		return err
	}))
	if len(list) == 0 {
		t.Fatalf("%s: no row", query)
	}
	return list
}

// What one node opens and ends holds on the other, which hears of it and asks nobody.
func TestTwoNodesAgreeOnAnEmergency(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		doctor := h.hire(t, "doctor", "physician")
		who := h.Identity.Principal(identitySession(t, h, doctor), doctor.User)
		changes, err := h.DB.Watch(t.Context())
		must(t, err)
		defer changes.Close()
		other, err := emergency.New(emergency.Config{
			DB: h.DB, Audit: h.Audit, Clock: h.Now, Fresh: changes.Fresh, Locate: h.Records.Bucket, Alias: h.Identity.Alias,
			Session: func(context.Context, string) (emergency.Login, error) {
				return emergency.Login{User: doctor.ID, Proved: h.Now()}, nil
			},
		})
		must(t, err)
		heard := make(chan struct{}, 16)
		changes.Subscribe(emergency.Topic, func(key []byte) { other.Forget(key); heard <- struct{}{} })
		if open, err := other.Open(t.Context(), who); err != nil || len(open) != 0 {
			t.Fatalf("before: %v, %v", open, err)
		}
		id := h.broke(t, doctor, "ann")
		<-heard
		if open, err := other.Open(t.Context(), who); err != nil || len(open) != 1 {
			t.Errorf("the other node, after it heard: %v, %v", open, err)
		}
		expect(t, h.as(t, doctor, "DELETE", "/api/v1/break-glass/"+id, ""), 200)
		<-heard
		if open, err := other.Open(t.Context(), who); err != nil || len(open) != 0 {
			t.Errorf("the other node, after the end: %v, %v", open, err)
		}
	})
}

// Whoever can write the database neither moves an emergency to another patient nor prolongs it.
func TestAnEditedRowOpensNothing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		doctor := h.hire(t, "doctor", "physician")
		h.broke(t, doctor, "ann")
		ann, bob := int64(h.Records.Bucket("ann")), int64(h.Records.Bucket("bob"))
		edit := func(assignment string, to int64) {
			must(t, h.DB.Update(t.Context(), func(tx *store.Tx) error {
				_, err := tx.Exec(t.Context(), "UPDATE emergencies SET "+assignment, to)
				return err
			}))
			h.Emergencies.Forget(binary.BigEndian.AppendUint64(nil, uint64(h.Identity.Alias("emergency-user", string(doctor.ID)))))
		}
		for _, attack := range []struct {
			assignment string
			to, back   int64
		}{{"patient = ?", bob, ann}, {"until = until + ?", 60_000, -60_000}, {"opened = opened + ?", 60_000, -60_000}, {"revision = revision + ?", 1, -1}} {
			edit(attack.assignment, attack.to)
			for _, id := range []string{"ann", "bob"} {
				if got := h.reads(t, doctor, "Patient/"+id); got < 400 {
					t.Errorf("%s: %s is open", attack.assignment, id)
				}
			}
			edit(attack.assignment, attack.back)
			if got := h.reads(t, doctor, "Patient/ann"); got != 200 {
				t.Errorf("%s, taken back: %d", attack.assignment, got)
			}
		}
	})
}
