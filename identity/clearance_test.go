package identity

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// officer makes a privacy officer.
func officer(t *testing.T, w *world, s *Service, by tutela.Principal, username string) (person, tutela.Principal) {
	t.Helper()
	inv, err := s.Invite(t.Context(), by, NewUser{Username: username, Roles: []string{"privacy"}})
	must(t, err)
	p, login := join(t, w, s, inv)
	return p, s.Principal(login.Session, p.User)
}

// cleared is what a live token's caller may see.
func cleared(t *testing.T, s *Service, token string) []string {
	t.Helper()
	p, err := s.Authenticate(t.Context(), token)
	must(t, err)
	return p.Clearances
}

// A clearance is asked for by one and given by another; a live token sees it, and its end, at once, on
// the node where it was given and on others when they hear of it.
func TestClearancesTakeTwoAndReachLiveTokens(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		other := w.open()
		_, by := admin(t, w, s)
		_, privacy := officer(t, w, s, by, "vera")
		ann, login := nurse(t, w, s, by, "ann")
		token := bearer(t, s, login)
		want := func(step string, labels ...string) {
			t.Helper()
			other.Invalidate() // as it hears of the change
			for node, s := range map[string]*Service{"this": s, "other": other} {
				if diff := cmp.Diff(labels, cleared(t, s, token)); diff != "" {
					t.Errorf("%s, %s node (-want +got): %s", step, node, diff)
				}
			}
		}
		must(t, s.AskClearance(ctx, by, ann.ID, []string{"PSY", "HIV"}))
		want("asked")
		refused(t, "giving something else", s.DecideClearance(ctx, privacy, ann.ID, []string{"HIV"}, true), errs.Conflict)
		must(t, s.DecideClearance(ctx, privacy, ann.ID, []string{"HIV", "PSY"}, true))
		want("given", "HIV", "PSY")
		must(t, s.AskClearance(ctx, by, ann.ID, []string{"HIV", "SEX"}))
		want("one taken, one asked for", "HIV")
		must(t, s.DecideClearance(ctx, privacy, ann.ID, []string{"SEX"}, false))
		want("refused", "HIV")
		must(t, s.WithdrawClearances(ctx, privacy, ann.ID))
		want("withdrawn")
		got := []int{len(w.entries(t, tutela.ActionClearanceAsk)), len(w.entries(t, tutela.ActionClearanceGive)),
			len(w.entries(t, tutela.ActionClearanceRefuse)), len(w.entries(t, tutela.ActionClearanceEnd))}
		if diff := cmp.Diff([]int{2, 1, 1, 1}, got); diff != "" {
			t.Errorf("entries: %s", diff)
		}
		e := w.entries(t, tutela.ActionClearanceGive)[0]
		if e.Subject.ID != string(ann.ID) || e.Subject.Detail != "HIV PSY" || e.Actor.Name != "vera" {
			t.Errorf("the entry is %+v", e)
		}
	})
}

// Nobody clears himself, alone or with a second hat, nor anybody who is not staff.
func TestNobodyClearsHimself(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		root, by := admin(t, w, s)
		deputy, too := second(t, w, s, by)
		vera, privacy := officer(t, w, s, by, "vera")
		ann, login := nurse(t, w, s, by, "ann")
		own := s.Principal(login.Session, ann.User)
		hiv := []string{"HIV"}
		refused(t, "a nurse asks for herself", s.AskClearance(ctx, own, ann.ID, hiv), errs.Denied)
		refused(t, "an administrator asks for himself", s.AskClearance(ctx, by, root.ID, hiv), errs.Denied)
		refused(t, "an administrator is cleared", s.AskClearance(ctx, by, deputy.ID, hiv), errs.Unprocessable)
		refused(t, "the privacy officer asks", s.AskClearance(ctx, privacy, ann.ID, hiv), errs.Denied)
		must(t, s.AskClearance(ctx, by, ann.ID, hiv))
		refused(t, "an administrator gives", s.DecideClearance(ctx, too, ann.ID, hiv, true), errs.Denied)
		refused(t, "the nurse gives", s.DecideClearance(ctx, own, ann.ID, hiv, true), errs.Denied)
		claims := own
		claims.Roles = []string{"privacy"} // a caller may say what he wants
		refused(t, "a nurse who says privacy", s.DecideClearance(ctx, claims, ann.ID, hiv, true), errs.Denied)
		weak := privacy
		weak.Assurance = "aal1"
		refused(t, "one factor", s.DecideClearance(ctx, weak, ann.ID, hiv, true), errs.Denied)
		must(t, s.AskClearance(ctx, by, vera.ID, hiv))
		refused(t, "the privacy officer decides on himself", s.DecideClearance(ctx, privacy, vera.ID, hiv, true), errs.Denied)
		must(t, s.SetRoles(ctx, too, vera.ID, []string{"nurse"}))
		refused(t, "who was the privacy officer", s.DecideClearance(ctx, privacy, ann.ID, hiv, true), errs.Denied)
		if got := cleared(t, s, bearer(t, s, login)); len(got) > 0 {
			t.Errorf("ann is cleared for %v", got)
		}
		if n := len(slices.DeleteFunc(w.entries(t, tutela.ActionClearanceGive), func(e tutela.Entry) bool { return e.Outcome != tutela.OutcomeDenied })); n != 6 {
			t.Errorf("%d of 6 refusals are in the ledger", n)
		}
	})
}

// Who gets at an account by its credentials does not get its clearances, nor what was asked for.
func TestResetCredentialsTakesClearances(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		_, by := admin(t, w, s)
		_, privacy := officer(t, w, s, by, "vera")
		ann, _ := nurse(t, w, s, by, "ann")
		must(t, s.AskClearance(ctx, by, ann.ID, []string{"HIV"}))
		must(t, s.DecideClearance(ctx, privacy, ann.ID, []string{"HIV"}, true))
		must(t, s.AskClearance(ctx, by, ann.ID, []string{"HIV", "PSY"}))
		_, err := s.ResetCredentials(ctx, by, ann.ID)
		must(t, err)
		u, err := s.UserByID(ctx, ann.ID)
		must(t, err)
		if len(u.Clearances) > 0 || u.Clearing != nil {
			t.Errorf("cleared for %v, asked for %v", u.Clearances, u.Clearing)
		}
		refused(t, "clearing an account that nobody holds", s.AskClearance(ctx, by, ann.ID, []string{"HIV"}), errs.Unprocessable)
	})
}

func TestOldRequestsForClearancesAreVoid(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		_, by := admin(t, w, s)
		_, privacy := officer(t, w, s, by, "vera")
		ann, _ := nurse(t, w, s, by, "ann")
		must(t, s.AskClearance(t.Context(), by, ann.ID, []string{"HIV"}))
		w.Advance(clearingLife - time.Second)
		u, err := s.UserByID(t.Context(), ann.ID)
		must(t, err)
		if diff := cmp.Diff([]string{"HIV"}, u.Asked(w.Now())); diff != "" {
			t.Error(diff)
		}
		w.Advance(time.Second)
		refused(t, "after its time", s.DecideClearance(t.Context(), privacy, ann.ID, []string{"HIV"}, true), errs.Conflict)
	})
}

func TestLabelsAreThoseThatThereAre(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		s.labels = []string{"HIV", "PSY"}
		_, by := admin(t, w, s)
		ann, _ := nurse(t, w, s, by, "ann")
		for _, labels := range [][]string{{"hiv"}, {"*"}, {"HIV", "HIV"}, {"unknown"}, {""}} {
			refused(t, "an odd label", s.AskClearance(t.Context(), by, ann.ID, labels), errs.Unprocessable)
		}
		must(t, s.AskClearance(t.Context(), by, ann.ID, []string{"PSY", "HIV"}))
	})
}

// A roster asks and takes; it gives nothing. One without the column says nothing.
func TestRosterGivesNoClearance(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		_, by := admin(t, w, s)
		_, privacy := officer(t, w, s, by, "vera")
		ann, _ := nurse(t, w, s, by, "ann")
		follow := func(columns []string, labels ...string) User {
			t.Helper()
			ann, new := row(2, "ann", "nurse"), row(3, "bob", "nurse")
			ann.Cleared, new.Cleared = labels, labels
			_, err := s.ImportRoster(ctx, by, Roster{Rows: []RosterRow{ann, new}, Columns: columns}, RosterOptions{Received: w.Now(), Apply: true})
			must(t, err)
			u, err := s.User(ctx, "ann")
			must(t, err)
			if b, err := s.User(ctx, "bob"); err != nil || len(b.Clearances) > 0 || b.Clearing != nil {
				t.Errorf("who joins is cleared for %v, or asked %v (%v)", b.Clearances, b.Clearing, err)
			}
			return u
		}
		without := slices.DeleteFunc(RosterColumns(), func(c string) bool { return c == ColumnCleared })
		if u := follow(RosterColumns(), "HIV", "PSY"); len(u.Clearances) > 0 || len(u.Asked(w.Now())) != 2 {
			t.Errorf("a roster made %v of it, asked %v", u.Clearances, u.Clearing)
		}
		must(t, s.DecideClearance(ctx, privacy, ann.ID, []string{"HIV", "PSY"}, true))
		if diff := cmp.Diff([]string{"HIV", "PSY"}, follow(without).Clearances); diff != "" {
			t.Errorf("a roster without the column: %s", diff)
		}
		if diff := cmp.Diff([]string{"PSY"}, follow(RosterColumns(), "PSY").Clearances); diff != "" {
			t.Errorf("a roster that takes one: %s", diff)
		}
	})
}
