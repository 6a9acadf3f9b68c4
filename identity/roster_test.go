package identity

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// row is a line of a roster.
func row(line int, username string, roles ...string) RosterRow {
	return RosterRow{Line: line, Username: username, Roles: roles, Active: true}
}

func rosterOf(rows ...RosterRow) Roster { return Roster{Rows: rows, Columns: RosterColumns()} }

// house is a system with an administrator and nurses.
func house(t *testing.T, w *world, s *Service, nurses ...string) tutela.Principal {
	t.Helper()
	_, by := admin(t, w, s)
	for _, name := range nurses {
		n := NewUser{Username: name, Kind: tutela.ActorPerson, Roles: []string{"nurse"}, Scopes: []string{StaffScope}}
		_, _, err := s.CreateUser(t.Context(), tutela.Actor{ID: "test", Kind: tutela.ActorSystem}, n)
		must(t, err)
	}
	return by
}

// names gives whom a report's lines name.
func names(lines []RosterLine) string {
	var list []string
	for _, l := range lines {
		list = append(list, fmt.Sprintf("%d:%s", l.Line, l.Username))
	}
	return strings.Join(list, " ")
}

func (r RosterReport) summary() string {
	return fmt.Sprintf("join %s; change %s; leave %s; %d stay; %d wrong; guard %v",
		names(r.Joiners), names(r.Changes), names(r.Leavers), r.Unchanged, len(r.Problems), r.Guard != "")
}

// state gives a username's state and roles.
func state(t *testing.T, s *Service, username string) string {
	t.Helper()
	u, err := s.User(t.Context(), username)
	if errs.Is(err, errs.NotFound) {
		return "none"
	}
	must(t, err)
	return strings.TrimSpace(u.State() + " " + strings.Join(u.Roles, " "))
}

func TestRosterSaysThenDoes(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		by := house(t, w, s, "ann", "bob", "cleo", "dora", "emil", "finn")
		token := bearerOf(t, s, "bob")
		married := row(2, "ann.ray", "nurse")
		married.External, married.Name = "E-1", "Ann Ray"
		left := row(4, "bob", "nurse")
		left.Active = false
		gone := row(9, "never-here")
		gone.Active = false
		r := rosterOf(row(3, "cleo", "physician", "nurse"), left, row(5, "Dora", "nurse"), row(6, "emil", "nurse"), row(7, "finn", "nurse"),
			row(8, "grace", "nurse"), gone, row(2, "ann", "nurse"))
		report, err := s.ImportRoster(ctx, by, r, RosterOptions{Received: w.Now(), Leavers: true})
		must(t, err)
		want := "join 8:grace; change 3:cleo; leave 4:bob; 5 stay; 0 wrong; guard false"
		if diff := cmp.Diff(want, report.summary()); diff != "" || report.Applied {
			t.Error(diff)
		}
		if got := state(t, s, "grace") + state(t, s, "bob") + state(t, s, "cleo"); got != "noneactive nurseactive nurse" {
			t.Errorf("saying it did it: %s", got)
		}
		report, err = s.ImportRoster(ctx, by, r, RosterOptions{Received: w.Now(), Leavers: true, Apply: true})
		must(t, err)
		if diff := cmp.Diff(want, report.summary()); diff != "" || !report.Applied {
			t.Error(diff)
		}
		got := []string{state(t, s, "grace"), state(t, s, "bob"), state(t, s, "cleo"), state(t, s, "dora"), state(t, s, "never-here")}
		if diff := cmp.Diff([]string{"to be invited nurse", "disabled nurse", "active nurse physician", "active nurse", "none"}, got); diff != "" {
			t.Error(diff)
		}
		_, err = s.Authenticate(ctx, token)
		refused(t, "the leaver's token", err, errs.Unauthenticated)
		ended := w.entries(t, tutela.ActionAccessEnd)
		if len(ended) != 1 || ended[0].Ending.Tokens != 1 || !ended[0].Ending.Ordered.Equal(w.Now()) || ended[0].Actor.ID != by.ID {
			t.Errorf("the ledger says %+v", ended)
		}
		report, err = s.ImportRoster(ctx, by, r, RosterOptions{Leavers: true, Apply: true})
		must(t, err)
		if diff := cmp.Diff("join ; change ; leave ; 8 stay; 0 wrong; guard false", report.summary()); diff != "" {
			t.Errorf("the same again: %s", diff)
		}
		// An external id is learned by the username, and then finds the account by itself.
		learn := row(2, "ann", "nurse")
		learn.External = "E-1"
		for _, step := range []RosterRow{learn, married} {
			_, err = s.ImportRoster(ctx, by, rosterOf(step), RosterOptions{Apply: true})
			must(t, err)
		}
		if got := state(t, s, "ann") + state(t, s, "ann.ray"); got != "noneactive nurse" {
			t.Errorf("after the wedding: %s", got)
		}
	})
}

// bearerOf gives a person a token that no session holds.
func bearerOf(t *testing.T, s *Service, username string) string {
	t.Helper()
	u, err := s.User(t.Context(), username)
	must(t, err)
	i, err := s.IssueFor(t.Context(), IssueRequest{User: u.ID, Client: "app", Scopes: u.Scopes, Assurance: ACRTwoFactors})
	must(t, err)
	return "Bearer " + i.Token
}

// One wrong line, and nothing is done; each wrong line is named.
func TestRosterIsFollowedWhollyOrNotAtAll(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		by := house(t, w, s, "ann", "bob")
		_, err := s.ImportRoster(ctx, by, rosterOf(RosterRow{Line: 2, Username: "ann", External: "E-1", Roles: []string{"nurse"}, Active: true}), RosterOptions{Apply: true})
		must(t, err)
		must(t, s.Disable(ctx, by, idOf(t, s, "bob")))
		_, _, err = s.CreateUser(ctx, tutela.Actor{ID: "test"}, NewUser{Username: "pat", Kind: tutela.ActorPerson, Roles: []string{"patient"}, Patient: "p-1"})
		must(t, err)
		both, again := row(14, "bob", "nurse"), row(16, "karl", "nurse")
		both.External, again.External = "E-1", "E-9"
		long := row(13, "ivan", "nurse")
		long.Name = strings.Repeat("x", 300)
		first := row(15, "jane", "nurse")
		first.External = "E-9"
		r := rosterOf(row(2, "grace", "nurse"), row(3, "eve", "admin"), row(4, "eve2", "service"), row(5, "eve3", "patient"),
			row(6, "root", "nurse"), row(7, "pat", "nurse"), row(8, "with space", "nurse"), row(9, "Grace", "nurse"), row(10, "hugo"),
			row(11, "ann", "nurse", "nurse"), row(12, "bob", "nurse"), long, both, first, again)
		r.Problems = []RosterProblem{{Line: 17, Text: "cannot be read"}}
		report, err := s.ImportRoster(ctx, by, r, RosterOptions{Leavers: true})
		must(t, err)
		var wrong []int
		for _, p := range report.Problems {
			wrong = append(wrong, p.Line)
		}
		if diff := cmp.Diff([]int{3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 17}, wrong); diff != "" {
			t.Errorf("%s: %+v", diff, report.Problems)
		}
		if len(report.Leavers) > 0 {
			t.Errorf("who stands in a wrong line leaves: %s", names(report.Leavers))
		}
		_, err = s.ImportRoster(ctx, by, r, RosterOptions{Apply: true, Force: true})
		refused(t, "following it", err, errs.Unprocessable)
		if text := errs.Public(err); !strings.Contains(text, "line 3: ") || !strings.Contains(text, "and 9 more") {
			t.Errorf("the refusal says %q", text)
		}
		if got := state(t, s, "grace"); got != "none" {
			t.Errorf("half of it was done: grace is %s", got)
		}
	})
}

func idOf(t *testing.T, s *Service, username string) tutela.UserID {
	t.Helper()
	u, err := s.User(t.Context(), username)
	must(t, err)
	return u.ID
}

// Half a file does not empty the house; administrators and patients are never missing from it.
func TestRosterDoesNotEmptyTheHouse(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		staff := []string{"a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9", "a10"}
		by := house(t, w, s, staff...)
		_, _, err := s.CreateUser(ctx, tutela.Actor{ID: "test"}, NewUser{Username: "pat", Kind: tutela.ActorPerson, Roles: []string{"patient"}})
		must(t, err)
		keep := func(n int) Roster {
			var rows []RosterRow
			for i, name := range staff[:n] {
				rows = append(rows, row(i+2, name, "nurse"))
			}
			return rosterOf(rows...)
		}
		for n, guarded := range map[int]bool{10: false, 9: false, 8: false, 7: true, 1: true, 0: true} {
			report, err := s.ImportRoster(ctx, by, keep(n), RosterOptions{Leavers: true})
			must(t, err)
			if (report.Guard != "") != guarded || len(report.Leavers) != 10-n {
				t.Errorf("%d stay: guard %q, %s leave", n, report.Guard, names(report.Leavers))
			}
			if !guarded {
				continue
			}
			_, err = s.ImportRoster(ctx, by, keep(n), RosterOptions{Leavers: true, Apply: true})
			refused(t, "without force", err, errs.Unprocessable)
		}
		_, err = s.ImportRoster(ctx, by, keep(1), RosterOptions{Leavers: true, Apply: true, Force: true})
		must(t, err)
		if got := []string{state(t, s, "a1"), state(t, s, "a2"), state(t, s, "root"), state(t, s, "pat")}; !slices.Equal(got, []string{"active nurse", "disabled nurse", "active admin", "active patient"}) {
			t.Errorf("with force: %v", got)
		}
		only := rosterOf(RosterRow{Line: 2, Username: "a1", Active: false})
		report, err := s.ImportRoster(ctx, by, only, RosterOptions{})
		must(t, err)
		if report.Guard == "" {
			t.Error("the last one leaves unguarded")
		}
	})
}

// What a file has no column for stays as it is.
func TestMissingColumnsSayNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		by := house(t, w, s, "ann")
		full := row(2, "ann", "nurse", "physician")
		full.Name, full.Email, full.External, full.Ends = "Ann Lee", "ann@clinic.test", "E-1", w.Now().Add(time.Hour)
		_, err := s.ImportRoster(ctx, by, rosterOf(full), RosterOptions{Apply: true})
		must(t, err)
		before, err := s.User(ctx, "ann")
		must(t, err)
		report, err := s.ImportRoster(ctx, by, Roster{Rows: []RosterRow{row(2, "ann")}, Columns: []string{ColumnUsername}}, RosterOptions{Apply: true})
		must(t, err)
		after, err := s.User(ctx, "ann")
		must(t, err)
		if diff := cmp.Diff(before, after); diff != "" || report.Unchanged != 1 {
			t.Errorf("%s: %s", diff, report.summary())
		}
	})
}

// From the end date on nothing of an account works, on a node that has heard of nothing too; the
// ledger says so once, and only another end date or an administrator lets the person in again.
func TestEndDateEndsAccessByItself(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		by := house(t, w, s)
		ann, login := nurse(t, w, s, by, "ann")
		last := row(2, "ann", "nurse")
		last.Ends = w.Now().Add(10 * time.Minute)
		_, err := s.ImportRoster(ctx, by, rosterOf(last), RosterOptions{Apply: true})
		must(t, err)
		access := bearer(t, s, login)
		_, err = s.Authenticate(ctx, access)
		must(t, err)
		must(t, s.endLapsed(ctx))
		w.Advance(10 * time.Minute)
		_, err = s.Authenticate(ctx, access)
		refused(t, "a token from the cache", err, errs.Unauthenticated)
		s.Invalidate()
		_, err = s.Authenticate(ctx, access)
		refused(t, "a token", err, errs.Unauthenticated)
		_, _, err = s.SessionByCookie(ctx, login.Cookie)
		refused(t, "the session", err, errs.Unauthenticated)
		_, err = ann.begin(ctx, s)
		refused(t, "a login", err, errs.Unauthenticated)
		for range 2 {
			must(t, s.endLapsed(ctx))
		}
		said := w.entries(t, tutela.ActionUserDisable)
		if len(said) != 1 || !said[0].Ending.Ordered.Equal(last.Ends) || said[0].Actor.Kind != tutela.ActorSystem || said[0].Ending.Sessions != 1 {
			t.Errorf("the ledger says %+v", said)
		}
		report, err := s.ImportRoster(ctx, by, rosterOf(last), RosterOptions{Apply: true})
		must(t, err)
		if report.Unchanged != 1 {
			t.Errorf("the same roster again: %s", report.summary())
		}
		last.Ends = w.Now().Add(24 * time.Hour)
		_, err = s.ImportRoster(ctx, by, rosterOf(last), RosterOptions{Apply: true})
		must(t, err)
		if got := state(t, s, "ann"); got != "active nurse" {
			t.Errorf("after a new end date: %s", got)
		}
		_, err = s.Authenticate(ctx, access)
		refused(t, "the old token", err, errs.Unauthenticated)
	})
}

func TestOnlyAdministratorsImportRosters(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		by := house(t, w, s)
		p, login := nurse(t, w, s, by, "ann")
		weak := by
		weak.Assurance = "aal1"
		for name, caller := range map[string]tutela.Principal{"a nurse": s.Principal(login.Session, p.User), "one factor": weak, "nobody": {}} {
			for _, apply := range []bool{false, true} {
				_, err := s.ImportRoster(ctx, caller, rosterOf(row(2, "eve", "nurse")), RosterOptions{Apply: apply})
				refused(t, name, err, errs.Denied)
			}
			_, err := s.InviteOwner(ctx, caller, p.ID)
			refused(t, name+" invites", err, errs.Denied)
		}
		if n := len(w.entries(t, tutela.ActionUserImport)); n != 6 {
			t.Errorf("%d of 6 refusals are in the ledger", n)
		}
		_, err := s.InviteOwner(ctx, by, p.ID)
		refused(t, "inviting who has credentials", err, errs.Unprocessable)
	})
}

// An administrator's own order to disable says what it ended too.
func TestDisablingSaysWhatItEnded(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		by := house(t, w, s)
		p, login := nurse(t, w, s, by, "ann")
		bearer(t, s, login)
		must(t, s.Disable(t.Context(), by, p.ID))
		for _, action := range []tutela.Action{tutela.ActionUserDisable, tutela.ActionAccessEnd} {
			list := w.entries(t, action)
			if len(list) != 1 || list[0].Ending == nil || list[0].Ending.Sessions != 1 || list[0].Ending.Tokens != 1 {
				t.Errorf("%s: %+v", action, list)
			}
		}
	})
}
