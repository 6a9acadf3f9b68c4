package detect_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/rig"
)

// Those who watch are the auditor and the privacy officer; nobody else learns whether there is anything.
func TestOnlyAuditorAndPrivacyOfficerSeeFindings(t *testing.T) {
	each(t, sevenths, func(t *testing.T, h *house) {
		h.happened(t, "u-ann", 7)
		must(t, h.Findings.Work(t.Context()))
		id := h.lists(t, "auditor", "")[0].ID
		for _, as := range []string{"admin", "physician", "nurse", "billing", "researcher", "developer", rig.Loader, "a-patient", rig.Nobody} {
			want := http.StatusForbidden
			if as == rig.Nobody {
				want = http.StatusUnauthorized
			}
			for _, path := range []string{"", "/" + id, "/00000000000000000000000000000000"} {
				if a := h.asks(t, as, http.MethodGet, path, ""); a.Status != want {
					t.Errorf("%s %q: %d", as, path, a.Status)
				}
			}
			if a := h.asks(t, as, http.MethodPost, "/"+id+"/feedback", `{"verdict":"benign"}`); a.Status != want {
				t.Errorf("%s judges: %d", as, a.Status)
			}
		}
		for _, as := range []string{"auditor", "privacy"} {
			if list := h.lists(t, as, ""); len(list) != 1 {
				t.Errorf("%s sees %s", as, summary(list))
			}
		}
	})
}

func TestVerdictsCloseFindingsAndAreToldInTheLedger(t *testing.T) {
	each(t, sevenths, func(t *testing.T, h *house) {
		h.happened(t, "u-ann", 7)
		must(t, h.Findings.Work(t.Context()))
		id := h.lists(t, "auditor", "")[0].ID
		for body, want := range map[string]int{
			`{"verdict":"whatever"}`:               http.StatusBadRequest,
			`{"verdict":"benign","more":1}`:        http.StatusBadRequest,
			`{"verdict":"benign","note":"\u0000"}`: http.StatusBadRequest,
		} {
			if a := h.asks(t, "privacy", http.MethodPost, "/"+id+"/feedback", body); a.Status != want {
				t.Errorf("%s: %d %s", body, a.Status, a.Body)
			}
		}
		if a := h.asks(t, "privacy", http.MethodPost, "/"+id+"/feedback", `{"verdict":"benign","note":"covered for ward 5"}`); a.Status != http.StatusOK {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		list := h.lists(t, "auditor", "?state=closed")
		if len(list) != 1 || list[0].Verdict != finding.Benign || len(h.lists(t, "auditor", "?state=open")) != 0 {
			t.Errorf("closed: %+v", list)
		}
		found := 0
		must(t, h.Audit.Search(t.Context(), audit.Query{}, func(o audit.Opened) error {
			if e := o.Entry; e.Action != tutela.ActionFindingFeedback || e.Outcome != tutela.OutcomeSuccess {
				return nil
			}
			found++
			sections, err := h.Audit.Sections(t.Context(), o)
			if err != nil || o.Entry.Subject.ID != id || o.Entry.Subject.Detail != "benign" || len(sections) != 1 || string(sections[0].Body) != `{"note":"covered for ward 5"}` {
				t.Errorf("%+v %v %v", o.Entry.Subject, sections, err)
			}
			return nil
		}))
		if found != 1 {
			t.Errorf("told %d times", found)
		}
	})
}

// To the one whom a finding is about it is not there, whatever his role, and he judges nothing of it.
func TestNobodySeesOrJudgesFindingsAboutHimself(t *testing.T) {
	each(t, sevenths, func(t *testing.T, h *house) {
		h.Enroll(t, identity.NewUser{Username: "officer", Kind: tutela.ActorPerson, Roles: []string{"privacy"}, Client: "rig"})
		u, err := h.Identity.User(t.Context(), "officer")
		must(t, err)
		h.Enroll(t, identity.NewUser{Username: "u-Second", Kind: tutela.ActorPerson, Roles: []string{"privacy"}, Client: "rig"})
		h.happened(t, u.ID, 7)
		h.happened(t, "u-second", 7) // as another system names the second officer
		h.happened(t, "u-other", 7)
		must(t, h.Findings.Work(t.Context()))
		ids := map[tutela.UserID]string{}
		for _, f := range h.lists(t, "auditor", "") {
			ids[f.Actor] = f.ID
		}
		for who, own := range map[string]tutela.UserID{"officer": u.ID, "u-Second": "u-second"} {
			if list := h.lists(t, who, ""); len(list) != len(ids)-1 {
				t.Errorf("%s sees %s", who, summary(list))
			}
			there := h.asks(t, who, http.MethodGet, "/"+ids[own], "")
			missing := h.asks(t, who, http.MethodGet, "/00000000000000000000000000000000", "")
			if there.Status != http.StatusNotFound || stripped(t, there.Body) != stripped(t, missing.Body) {
				t.Errorf("%s: %d %s, and of none %s", who, there.Status, there.Body, missing.Body)
			}
			if a := h.asks(t, who, http.MethodPost, "/"+ids[own]+"/feedback", `{"verdict":"benign"}`); a.Status != http.StatusNotFound {
				t.Errorf("%s judges himself: %d", who, a.Status)
			}
		}
	})
}

// stripped is a refusal without the request's id.
func stripped(t *testing.T, body []byte) string {
	t.Helper()
	var m map[string]any
	must(t, json.Unmarshal(body, &m))
	for _, own := range []string{"instance", "request", "request_id"} {
		delete(m, own)
	}
	return fmt.Sprint(m)
}

func TestFeedbackLowersRepeatsOfTheSameAccountOnly(t *testing.T) {
	each(t, sevenths, func(t *testing.T, h *house) {
		judge := func(actor tutela.UserID, v finding.Verdict) {
			for _, f := range watched(t, h.Findings) {
				if f.Actor == actor && f.State == finding.Open {
					_, err := h.Findings.Judge(t.Context(), tutela.Principal{ID: "auditor"}, tutela.Entry{Action: tutela.ActionFindingFeedback}, f.ID, v, "")
					must(t, err)
				}
			}
		}
		risks := func() map[tutela.UserID]int {
			open := map[tutela.UserID]int{}
			for _, f := range watched(t, h.Findings) {
				if f.State == finding.Open {
					open[f.Actor] = f.Risk
				}
			}
			return open
		}
		goOn := func() {
			for _, actor := range []tutela.UserID{"u-ann", "u-bob", "u-eve"} {
				h.happened(t, actor, 7)
			}
			must(t, h.Findings.Work(t.Context()))
		}
		goOn()
		judge("u-ann", finding.Benign)
		judge("u-bob", finding.Expected)
		goOn()
		if d := cmp.Diff(map[tutela.UserID]int{"u-ann": 10, "u-eve": 22}, risks()); d != "" {
			t.Errorf("after the verdicts: %s", d)
		}
		h.Advance(15 * 24 * 60 * minute)
		goOn()
		if _, there := risks()["u-bob"]; !there {
			t.Error("what was expected is hidden for ever")
		}
	})
}

// Verdicts and hits meet in the same rows; neither loses what the other wrote.
func TestVerdictsAndHitsDoNotOverwriteEachOther(t *testing.T) {
	each(t, sevenths, func(t *testing.T, h *house) {
		h.happened(t, "u-ann", 7)
		must(t, h.Findings.Work(t.Context()))
		id := watched(t, h.Findings)[0].ID
		h.happened(t, "u-ann", 7*20)
		var wg sync.WaitGroup
		wg.Go(func() {
			for range 20 {
				if _, err := h.Findings.Judge(t.Context(), tutela.Principal{ID: "auditor"}, tutela.Entry{Action: tutela.ActionFindingFeedback}, id, finding.Expected, ""); err != nil {
					t.Error(err)
				}
			}
		})
		must(t, h.Findings.Work(t.Context()))
		wg.Wait()
		total := 0
		for _, f := range watched(t, h.Findings) {
			total += f.Hits
		}
		if f, err := h.Findings.Find(t.Context(), tutela.Principal{ID: "auditor"}, id); err != nil || total != 21 || f.Verdict != finding.Expected {
			t.Errorf("%d hits in all, %+v, %v", total, f, err)
		}
	})
}

func TestListsAreFilteredAndPaged(t *testing.T) {
	each(t, everything, func(t *testing.T, h *house) {
		h.happened(t, "u-ann", 30)
		h.happened(t, "u-bob", 5)
		must(t, h.Findings.Work(t.Context()))
		var ids []string
		after := ""
		for {
			a := h.asks(t, "auditor", http.MethodGet, "?actor=u-ann&limit=7&after="+after, "")
			var page detect.Page
			must(t, json.Unmarshal(a.Body, &page))
			for _, f := range page.Findings {
				ids = append(ids, f.ID)
			}
			if after = page.Next; after == "" {
				break
			}
		}
		seen := map[string]bool{}
		for _, id := range ids {
			seen[id] = true
		}
		if len(ids) != 30 || len(seen) != 30 {
			t.Errorf("%d findings, %d different", len(ids), len(seen))
		}
		for query, want := range map[string]int{"?actor=u-bob": 5, "?actor=u-bob&level=medium": 0, "?actor=u-bob&risk=99": 0, "?actor=u-bob&rule=other": 0,
			"?actor=u-bob&since=2200-01-01T00:00:00Z": 0, "?actor=u-bob&since=2020-01-01T00:00:00Z": 5, "?actor=u-bob&state=closed": 0} {
			if list := h.lists(t, "auditor", query); len(list) != want {
				t.Errorf("%s: %s", query, summary(list))
			}
		}
		for _, query := range []string{"?state=half", "?level=x", "?risk=-1", "?limit=x", "?since=now", "?after=1-2", "?after=1-2-zz"} {
			if a := h.asks(t, "auditor", http.MethodGet, query, ""); a.Status != http.StatusBadRequest {
				t.Errorf("%s: %d", query, a.Status)
			}
		}
	})
}
