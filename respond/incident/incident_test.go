package incident_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/respond/incident"
)

// From the discovery to the lessons, each step in the ledger, and the time that containing it took.
func TestIncidentFromDiscoveryToLessons(t *testing.T) {
	t.Parallel()
	each(t, finding.Low, func(t *testing.T, h *house) {
		discovered := h.Now().Add(-12 * time.Minute)
		in := h.did(t, "privacy", "", say{"title": "Laptop gone", "kind": "lost-device", "detail": "Ann Ames's chart was on it", "discovered": discovered})
		h.Advance(31 * time.Minute)
		h.did(t, "admin", "/"+in.ID+"/notes", say{"kind": "communication", "text": "asked for a remote wipe", "to": "IT", "channel": "telephone"})
		steps := func(ids ...string) {
			for _, id := range ids {
				h.did(t, "admin", "/"+in.ID+"/steps/"+id, say{"result": "done", "note": "by the book"})
			}
		}
		steps("ask", "sessions", "wipe", "extracts")
		h.did(t, "admin", "/"+in.ID+"/state", say{"to": "contained", "note": "the laptop was wiped"})
		steps("encrypted", "accesses", "replace")
		h.did(t, "admin", "/"+in.ID+"/state", say{"to": "recovered", "note": "a new laptop was given out"})
		steps("police")
		for _, by := range []string{"admin", "privacy"} {
			h.did(t, by, "/"+in.ID+"/steps/decide-notices", say{"result": "approve", "note": "the disk was encrypted"})
		}
		steps("decide-notices", "tell-people")
		expect(t, h.call(t, "privacy", http.MethodPost, "/"+in.ID+"/state", say{"to": "closed", "note": "done"}), http.StatusConflict)
		h.did(t, "privacy", "/"+in.ID+"/notes", say{"kind": "lesson", "text": "no chart on laptops"})
		h.did(t, "privacy", "/"+in.ID+"/state", say{"to": "closed", "note": "done"})
		got := h.show(t, "privacy", in.ID)
		if took := got.Contained.Sub(got.Discovered).Truncate(time.Minute); got.State != incident.Closed || took != 43*time.Minute {
			t.Errorf("%s, contained after %v", got.State, took)
		}
		var kinds []incident.ItemKind
		steppings := 0
		for _, item := range got.Timeline {
			if item.Kind == incident.Stepping {
				steppings++
				continue
			}
			kinds = append(kinds, item.Kind)
		}
		if steppings != 12 {
			t.Errorf("%d steps and approvals are told", steppings)
		}
		want := []incident.ItemKind{incident.Beginning, incident.Communication, incident.Moving, incident.Moving, incident.Lesson, incident.Moving}
		if d := cmp.Diff(want, kinds); d != "" {
			t.Error(d)
		}
		entries, bodies := h.told(t, tutela.ActionIncidentOpen)
		if len(entries) != 1 || strings.Contains(entries[0].Subject.Detail, "Ann") || !strings.Contains(strings.Join(bodies, ""), "Ann Ames") {
			t.Errorf("the ledger: %+v %q", entries, bodies)
		}
		if moves, _ := h.told(t, tutela.ActionIncidentMove); len(moves) != 4 { // one was refused
			t.Errorf("%d entries of moves", len(moves))
		}
	})
}

// A finding opens an incident, alike ones join it, and a node that was killed before it wrote how far it was opens
// no second one.
func TestFindingsOpenOneIncident(t *testing.T) {
	t.Parallel()
	each(t, finding.High, func(t *testing.T, h *house) {
		h.read(t, "nurse", "ann")
		h.settle(t)
		h.read(t, "nurse", "bob")
		h.settle(t)
		must(t, h.Incidents.Rewind(t.Context()))
		h.settle(t)
		list := h.list(t, "privacy")
		if len(list) != 1 || len(list[0].Findings) != 2 || list[0].Source != incident.FromFinding || list[0].State != incident.Open {
			t.Fatalf("%+v", list)
		}
		h.read(t, "physician", "ann")
		h.settle(t)
		if list = h.list(t, "privacy"); len(list) != 2 {
			t.Errorf("another account's doing: %d incidents", len(list))
		}
	})
}

func TestFindingsBelowTheLevelOpenNothing(t *testing.T) {
	t.Parallel()
	each(t, finding.Medium, func(t *testing.T, h *house) {
		h.read(t, "nurse", "ann")
		h.settle(t)
		if list := h.list(t, "privacy"); len(list) != 0 {
			t.Errorf("%+v", list)
		}
	})
}

// What may be somebody's own doing is not there for him, in no list and under no id, and he does nothing to it.
func TestNobodySeesWhatMayBeHisOwnDoing(t *testing.T) {
	t.Parallel()
	each(t, finding.High, func(t *testing.T, h *house) {
		list := func(as string) int { return len(h.list(t, as)) }
		list("admin") // makes the account
		who, err := h.Identity.User(t.Context(), "admin")
		must(t, err)
		in, err := h.Incidents.Open(t.Context(), tutela.Principal{}, tutela.Entry{Actor: tutela.Actor{ID: "system:test", Kind: tutela.ActorSystem}}, incident.Opening{Title: "the administrator", About: []tutela.UserID{who.ID}})
		must(t, err)
		if list("privacy") != 1 || list("admin") != 0 {
			t.Errorf("the privacy officer sees %d, the administrator %d", list("privacy"), list("admin"))
		}
		nobody := strings.Repeat("0", 32)
		for _, path := range []string{"/state", "/notes"} {
			said := say{"to": "contained", "note": "all is well"}
			if path == "/notes" {
				said = say{"text": "all is well"}
			}
			mine, none := h.call(t, "admin", http.MethodPost, "/"+in.ID+path, said), h.call(t, "admin", http.MethodPost, "/"+nobody+path, said)
			if mine.Status != http.StatusNotFound || string(mine.Body) != string(none.Body) {
				t.Errorf("%s: %d %s, of what is not there %s", path, mine.Status, mine.Body, none.Body)
			}
		}
		expect(t, h.call(t, "admin", http.MethodGet, "/"+in.ID, nil), http.StatusNotFound)
	})
}

// Everybody may report, sees what he reported himself and how far it is, and nothing of others' or of the work.
func TestEverybodyReportsAndSeesHisOwn(t *testing.T) {
	t.Parallel()
	each(t, finding.Low, func(t *testing.T, h *house) {
		told := h.did(t, "nurse", "/reports", say{"text": "I sent a letter to the wrong address", "kind": "misdirected-disclosure"})
		mine := func(as string) []incident.Told {
			a := h.call(t, as, http.MethodGet, "/reports", nil)
			expect(t, a, http.StatusOK)
			return decoded[[]incident.Told](t, a)
		}
		if got := mine("nurse"); len(got) != 1 || got[0].ID != told.ID || got[0].State != incident.Reported {
			t.Errorf("%+v", got)
		}
		if got := mine("physician"); len(got) != 0 {
			t.Errorf("another one's: %+v", got)
		}
		for _, as := range []string{"nurse", "physician", "billing", "auditor", "loader"} {
			for _, path := range []string{"", "/" + told.ID} {
				expect(t, h.call(t, as, http.MethodGet, path, nil), http.StatusForbidden)
			}
			expect(t, h.call(t, as, http.MethodPost, "/"+told.ID+"/notes", say{"text": "mine"}), http.StatusForbidden)
		}
		expect(t, h.call(t, "loader", http.MethodPost, "/reports", say{"text": "a machine"}), http.StatusForbidden)
		h.did(t, "privacy", "/"+told.ID+"/state", say{"to": "open", "note": "it was a discharge letter"})
		if got := mine("nurse"); got[0].State != incident.Open {
			t.Errorf("%+v", got)
		}
		for range 19 {
			h.did(t, "nurse", "/reports", say{"text": "again"})
		}
		expect(t, h.call(t, "nurse", http.MethodPost, "/reports", say{"text": "too many"}), http.StatusTooManyRequests)
		h.did(t, "physician", "/reports", say{"text": "others may"})
	})
}

// What an open incident is about is not destroyed; when it is closed it is free.
func TestOpenIncidentsHinderDestruction(t *testing.T) {
	t.Parallel()
	each(t, finding.High, func(t *testing.T, h *house) {
		hinders := func(patient tutela.PatientID) string {
			t.Helper()
			id, err := h.Incidents.Hinders(t.Context(), h.Records.Bucket(patient))
			must(t, err)
			return id
		}
		in := h.did(t, "privacy", "", say{"title": "Printout found in the canteen", "patients": []string{"ann"}})
		if hinders("ann") != in.ID || hinders("bob") != "" {
			t.Errorf("ann by %q, bob by %q", hinders("ann"), hinders("bob"))
		}
		h.read(t, "nurse", "bob")
		h.settle(t)
		if hinders("bob") == "" {
			t.Error("whom a finding is about is free")
		}
		h.did(t, "privacy", "/"+in.ID+"/notes", say{"kind": "lesson", "text": "a shredder in the canteen"})
		for _, to := range []string{"contained", "recovered"} {
			h.did(t, "privacy", "/"+in.ID+"/state", say{"to": to, "note": "done"})
			if hinders("ann") != in.ID {
				t.Errorf("%s, and ann is free", to)
			}
		}
		h.did(t, "privacy", "/"+in.ID+"/state", say{"to": "closed", "note": "done"})
		if got := hinders("ann"); got != "" {
			t.Errorf("closed, and ann is hindered by %q", got)
		}
	})
}

// Whoever takes items out of the database, or moves a row back to what it was, is found.
func TestTamperingIsSeen(t *testing.T) {
	t.Parallel()
	each(t, finding.Low, func(t *testing.T, h *house) {
		in := h.did(t, "privacy", "", say{"title": "Something"})
		h.did(t, "privacy", "/"+in.ID+"/notes", say{"text": "what somebody would rather not have written"})
		h.edit(t, `DELETE FROM incident_items WHERE number = 2`)
		if _, err := h.Incidents.Find(t.Context(), tutela.Principal{}, in.ID); !errs.Is(err, errs.Internal) {
			t.Errorf("an item is gone: %v", err)
		}
		h.edit(t, `UPDATE incidents SET state = 5`)
		if _, err := h.Incidents.List(t.Context(), tutela.Principal{}, incident.Filter{All: true}); err == nil {
			t.Error("a row that was closed by hand opens")
		}
	})
}

// What cannot be meant is refused.
func TestWhatCannotBeMeantIsRefused(t *testing.T) {
	t.Parallel()
	each(t, finding.Low, func(t *testing.T, h *house) {
		for _, said := range []say{
			{}, {"title": "  "}, {"title": strings.Repeat("x", 201)}, {"title": "ok?", "kind": "flood"}, {"title": "ok?", "severity": "bad"},
			{"title": "ok?", "discovered": h.Now().Add(time.Hour)}, {"title": "hidden\u200b"}, {"title": "ok?", "detail": strings.Repeat("x", 8001)}, {"title": "ok?", "more": 1},
		} {
			expect(t, h.call(t, "privacy", http.MethodPost, "", said), http.StatusBadRequest)
		}
		expect(t, h.call(t, "privacy", http.MethodPost, "", say{"title": "ok?", "finding": "none"}), http.StatusNotFound)
		in := h.did(t, "privacy", "", say{"title": "ok?"})
		for _, said := range []say{{"text": ""}, {"text": "told", "kind": "communication"}, {"text": "told", "kind": "opening"}} {
			expect(t, h.call(t, "privacy", http.MethodPost, "/"+in.ID+"/notes", said), http.StatusBadRequest)
		}
		expect(t, h.call(t, "privacy", http.MethodPost, "/"+in.ID+"/state", say{"to": "recovered", "note": "at once"}), http.StatusConflict)
	})
}

// An attacker under many names opens no thousand incidents in which one is lost.
func TestFloodOfFindingsOpensFewIncidents(t *testing.T) {
	t.Parallel()
	each(t, finding.High, func(t *testing.T, h *house) {
		for i := range 60 {
			_, err := h.Audit.Append(t.Context(), tutela.Entry{
				Actor: tutela.Actor{ID: tutela.UserID(fmt.Sprintf("stranger-%d", i)), Kind: tutela.ActorPerson}, Action: tutela.ActionRead, Outcome: tutela.OutcomeSuccess,
			}, nil)
			must(t, err)
		}
		h.settle(t)
		list := h.list(t, "privacy")
		if len(list) != 51 {
			t.Fatalf("%d incidents", len(list))
		}
		if last := list[0]; len(last.Findings) != 10 {
			t.Errorf("the one that the rest joined has %d findings", len(last.Findings))
		}
	})
}
