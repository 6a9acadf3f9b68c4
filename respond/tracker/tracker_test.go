package tracker_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/respond/tracker"
)

// A finding becomes one ticket in each tracker; judging it here closes both there, and says whether anything had to be
// done.
func TestFindingsAreTicketsUntilTheyAreJudged(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.offend(t)
		f := h.found(t)
		for name, b := range map[string]*board{"github": &h.hub.board, "jira": &h.site.board} {
			list := b.list()
			if len(list) != 1 || list[0].Title != "[critical] Something" || !strings.Contains(list[0].Body, f.ID) || !strings.Contains(list[0].Body, "tutela-"+h.ticket(t, name).ID) {
				t.Errorf("%s: %+v", name, list)
			}
			if strings.Contains(list[0].Title+list[0].Body, string(f.Actor)) || strings.Contains(list[0].Body, "Mustermann") {
				t.Errorf("%s tells who: %s", name, list[0].Body)
			}
		}
		h.do(t, "privacy", http.MethodPost, "/findings/"+f.ID+"/feedback", map[string]string{"verdict": "benign"})
		h.settle(t)
		hub, site := h.hub.list()[0], h.site.list()[0]
		if hub.State != "closed" || hub.Why != "not_planned" || site.State != "closed" {
			t.Errorf("there: %+v %+v", hub, site)
		}
		if tk := h.ticket(t, "jira"); tk.Here != tracker.Closed || tk.There != tracker.Closed || tk.Reason != "benign" || tk.Proposed != "" {
			t.Errorf("%+v", tk)
		}
		want := []string{
			"finding " + f.ID + ", tracker github: made as 1", "finding " + f.ID + ", tracker jira: made as SEC-1",
			"finding " + f.ID + ", tracker github: is closed there now, as here: benign", "finding " + f.ID + ", tracker jira: is closed there now, as here: benign",
		}
		h.later(t, 2*time.Hour)
		if d := cmp.Diff(want, h.told(t, tutela.ActionTicketTell)); d != "" {
			t.Error(d)
		}
		if n := len(h.hub.list()) + len(h.site.list()); n != 2 {
			t.Errorf("%d were made", n)
		}
	})
}

// Steps of an incident are tickets; a step that is done or skipped closes its ticket, a drill has none.
func TestStepsAreTicketsUntilTheyAreDone(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.do(t, "admin", http.MethodPost, "/incidents/drills", map[string]string{"runbook": "lost-device"})
		h.settle(t)
		if n := len(h.hub.list()); n != 0 {
			t.Fatalf("%d tickets of a drill", n)
		}
		in := decoded[struct {
			ID    string
			Steps []struct{ ID, Title string }
		}](t, h.do(t, "admin", http.MethodPost, "/incidents", map[string]any{"title": "Laptop of Mr Mustermann stolen", "kind": "lost-device"}))
		h.settle(t)
		list := h.hub.list()
		if len(list) != len(in.Steps) || len(list) < 3 {
			t.Fatalf("%d tickets of %d steps", len(list), len(in.Steps))
		}
		for _, i := range list {
			if strings.Contains(i.Title+i.Body, "Mustermann") {
				t.Errorf("what people wrote is told: %s", i.Body)
			}
		}
		h.do(t, "admin", http.MethodPost, "/incidents/"+in.ID+"/steps/"+in.Steps[0].ID, map[string]string{"result": "skipped", "note": "there was none"})
		h.settle(t)
		closed := 0
		for _, i := range h.hub.list() {
			if i.State == "closed" {
				closed++
				if i.Why != "not_planned" || !strings.Contains(i.Body, "Step "+in.Steps[0].ID+" of incident "+in.ID) {
					t.Errorf("%+v", i)
				}
			}
		}
		if closed != 1 {
			t.Errorf("%d are closed", closed)
		}
	})
}

// What somebody closes there is proposed here, and the finding stays open; judging it agrees, declining opens the ticket
// again. A ticket that is opened again there is a proposal too.
func TestStatesThereAreProposedHere(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.offend(t)
		f := h.found(t)
		h.hub.change(func(b *board) { b.issues[0].State = "closed" })
		h.later(t, time.Minute)
		body := h.hub.tells("closed", "1")
		if a := h.back(t, "github", fromHub(body), body); a.Status != http.StatusAccepted {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		h.settle(t)
		tk := h.ticket(t, "github")
		if tk.Proposed != tracker.Closed || h.found(t).State != finding.Open {
			t.Fatalf("%+v", tk)
		}
		want := []string{"finding " + f.ID + ", tracker github: somebody there proposes that it be closed"}
		if d := cmp.Diff(want, h.told(t, tutela.ActionTicketPropose)); d != "" {
			t.Error(d)
		}
		if a := h.call(t, "nurse", http.MethodPost, "/trackers/tickets/"+tk.ID+"/decline", nil); a.Status != http.StatusForbidden {
			t.Errorf("a nurse: %d", a.Status)
		}
		h.do(t, "privacy", http.MethodPost, "/trackers/tickets/"+tk.ID+"/decline", nil)
		h.settle(t)
		if i := h.hub.list()[0]; i.State != "open" || i.Why != "reopened" {
			t.Errorf("declined: %+v", i)
		}
		if a := h.call(t, "privacy", http.MethodPost, "/trackers/tickets/"+tk.ID+"/decline", nil); a.Status != http.StatusConflict {
			t.Errorf("declined twice: %d", a.Status)
		}

		h.site.change(func(b *board) { b.issues[0].State = "closed" })
		h.later(t, time.Minute)
		body = h.site.tells("SEC-1", h.Now())
		if a := h.back(t, "jira", fromSite(body), body); a.Status != http.StatusAccepted {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		h.settle(t)
		if tk := h.ticket(t, "jira"); tk.Proposed != tracker.Closed {
			t.Errorf("%+v", tk)
		}
		h.do(t, "privacy", http.MethodPost, "/findings/"+f.ID+"/feedback", map[string]string{"verdict": "true"})
		h.settle(t)
		if tk := h.ticket(t, "jira"); tk.Proposed != "" || tk.Here != tracker.Closed {
			t.Errorf("agreed: %+v", tk)
		}
		if i := h.hub.list()[0]; i.Why != "completed" {
			t.Errorf("a true finding: %+v", i)
		}

		h.hub.change(func(b *board) { b.issues[0].State = "open" })
		h.later(t, time.Minute)
		body = h.hub.tells("reopened", "1")
		h.back(t, "github", fromHub(body), body)
		h.settle(t)
		if tk := h.ticket(t, "github"); tk.Proposed != tracker.Open || h.hub.list()[0].State != "open" {
			t.Errorf("opened again there: %+v", tk)
		}
	})
}

// An attempt whose answer was lost made a ticket all the same: it is found again by its marker, and no second is made,
// also where somebody else wrote the marker into an issue of his own.
func TestATicketWhoseAnswerWasLostIsFoundAgain(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.hub.change(func(b *board) { b.cut = 1 })
		h.site.change(func(b *board) { b.cut = 1 })
		h.offend(t)
		if n := h.ticket(t, "github").Number; n != "" {
			t.Fatalf("made as %s", n)
		}
		h.hub.change(func(b *board) {
			forged := *b.issues[0]
			forged.Number, forged.By = 2, "eve"
			b.issues = append(b.issues, &forged)
		})
		h.later(t, time.Minute)
		if n := h.hub.count("GET /repos/clinic/security/issues"); n != 1 {
			t.Errorf("%d searches before the tracker could know it", n)
		}
		h.later(t, 3*time.Minute)
		if a, b := h.ticket(t, "github").Number, h.ticket(t, "jira").Number; a != "1" || b != "SEC-1" {
			t.Errorf("found again as %s and %s", a, b)
		}
		if a, b := h.hub.count("POST"), h.site.count("POST /rest/api/3/issue"); a != 1 || b != 1 {
			t.Errorf("%d and %d were made", a, b)
		}
	})
}

// A tracker that is down loses nothing and holds up no other; the ledger tells once that it is, and once that it is not.
// Nothing that it says is taken on, no redirect is followed, and a ticket that is gone is said to be.
func TestATrackerThatIsDownLosesNothing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.hub.change(func(b *board) { b.status = http.StatusServiceUnavailable })
		h.offend(t)
		for range 6 {
			h.later(t, 10*time.Minute)
		}
		if h.ticket(t, "jira").Number != "SEC-1" || h.ticket(t, "github").Number != "" || h.hub.count("") > 8 {
			t.Errorf("jira %q, github %q, asked %d times", h.ticket(t, "jira").Number, h.ticket(t, "github").Number, h.hub.count(""))
		}
		h.hub.change(func(b *board) { b.status = 0 })
		h.later(t, 20*time.Minute)
		if n := h.ticket(t, "github").Number; n != "1" {
			t.Errorf("github %q", n)
		}
		if d := cmp.Diff([]string{"takes no tickets, or not this one", "answers again"}, h.told(t, tutela.ActionTrackerState)); d != "" {
			t.Error(d)
		}
		h.hub.change(func(b *board) { b.status = http.StatusMovedPermanently })
		h.later(t, 2*time.Hour)
		if tk := h.ticket(t, "github"); !tk.Gone || tk.There != "" {
			t.Errorf("%+v", tk)
		}
		for _, action := range []tutela.Action{tutela.ActionTrackerState, tutela.ActionTicketTell} {
			if s := strings.Join(h.told(t, action), " "); strings.Contains(s, "script") {
				t.Errorf("its words came in: %s", s)
			}
		}
	})
}

// Nobody sees tickets about himself, nor declines for them.
func TestNobodySeesTicketsAboutHimself(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.Put(t, `{"resourceType":"Patient","id":"q"}`)
		h.offendAs(t, "privacy")
		if list := decoded[tracker.Listed](t, h.do(t, "privacy", http.MethodGet, "/trackers", nil)).Tickets; len(list) != 0 {
			t.Errorf("he sees %+v", list)
		}
		list := decoded[tracker.Listed](t, h.do(t, "auditor", http.MethodGet, "/trackers", nil)).Tickets
		if len(list) == 0 || strings.Contains(list[0].Title, "privacy") {
			t.Fatalf("the auditor sees %+v", list)
		}
		if a := h.call(t, "privacy", http.MethodPost, "/trackers/tickets/"+list[0].ID+"/decline", nil); a.Status != http.StatusNotFound {
			t.Errorf("%d", a.Status)
		}
	})
}
