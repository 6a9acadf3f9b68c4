package identity

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// second makes another administrator.
func second(t *testing.T, w *world, s *Service, by tutela.Principal) (person, tutela.Principal) {
	t.Helper()
	inv, err := s.Invite(t.Context(), by, NewUser{Username: "deputy", Roles: []string{"admin"}})
	must(t, err)
	p, login := join(t, w, s, inv)
	return p, s.Principal(login.Session, p.User)
}

func TestOnlyAdministratorsAdminister(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		root, by := admin(t, w, s)
		p, login := nurse(t, w, s, by, "ann")
		own := s.Principal(login.Session, p.User)
		claims := own
		claims.Roles = []string{"admin"} // a caller may say what he wants
		both, weak, elsewhere, nobody := by, by, by, by
		both.Roles = []string{"admin", "physician"}
		weak.Assurance = "aal1"
		elsewhere.Tenant = "other"
		nobody.ID = "nobody"
		for name, caller := range map[string]tutela.Principal{
			"a nurse": own, "a nurse who says admin": claims, "a second role": both, "one factor": weak,
			"another tenant": elsewhere, "an account that is not there": nobody, "the zero principal": {},
		} {
			target := root.ID
			refused(t, name+" disables", s.Disable(ctx, caller, target), errs.Denied)
			refused(t, name+" enables", s.Enable(ctx, caller, target), errs.Denied)
			refused(t, name+" gives roles", s.SetRoles(ctx, caller, p.ID, []string{"admin"}), errs.Denied)
			_, err := s.Invite(ctx, caller, NewUser{Username: "friend", Roles: []string{"admin"}})
			refused(t, name+" invites", err, errs.Denied)
			_, err = s.ResetCredentials(ctx, caller, target)
			refused(t, name+" resets", err, errs.Denied)
		}
		if n := len(w.entries(t, tutela.ActionUserDisable)); n != 7 {
			t.Errorf("%d of 7 refusals are in the ledger", n)
		}
	})
}

func TestAdministrationIsApartFromEverydayWork(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		_, by := admin(t, w, s)
		p, _ := nurse(t, w, s, by, "ann")
		mixed := []string{"admin", "physician"}
		_, err := s.Invite(ctx, by, NewUser{Username: "both", Roles: mixed})
		refused(t, "inviting one with both", err, errs.Unprocessable)
		refused(t, "giving both", s.SetRoles(ctx, by, p.ID, mixed), errs.Unprocessable)
		_, _, err = s.CreateUser(ctx, tutela.Actor{}, NewUser{Username: "both", Roles: mixed})
		refused(t, "making one with both", err, errs.Unprocessable)
		u, err := s.UserByID(ctx, p.ID)
		must(t, err)
		if diff := cmp.Diff([]string{"nurse"}, u.Roles); diff != "" {
			t.Error(diff)
		}
	})
}

func TestNobodyChangesHisOwnRights(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		root, by := admin(t, w, s)
		refused(t, "disabling oneself", s.Disable(t.Context(), by, root.ID), errs.Denied)
		refused(t, "other roles for oneself", s.SetRoles(t.Context(), by, root.ID, []string{"physician"}), errs.Denied)
	})
}

// TestAdministratorsCannotDisableOneAnother at once: one stays.
func TestAdministratorsCannotDisableOneAnother(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		root, by := admin(t, w, s)
		deputy, too := second(t, w, s, by)
		all := together(2, func(i int) error {
			if i == 0 {
				return s.Disable(t.Context(), by, deputy.ID)
			}
			return s.Disable(t.Context(), too, root.ID)
		})
		if succeeded(all) != 1 {
			t.Errorf("both at once: %v", all)
		}
	})
}

// TestAccountChangesEndEverything holds each change of an account to ending its sessions and tokens.
func TestAccountChangesEndEverything(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		_, by := admin(t, w, s)
		p, _ := nurse(t, w, s, by, "ann")
		changes := []struct {
			name   string
			change func() error
			action tutela.Action
		}{
			{"disable", func() error { return s.Disable(ctx, by, p.ID) }, tutela.ActionUserDisable},
			{"enable", func() error { return s.Enable(ctx, by, p.ID) }, tutela.ActionUserEnable},
			{"roles", func() error { return s.SetRoles(ctx, by, p.ID, []string{"physician"}) }, tutela.ActionUserRoles},
			{"end all", func() error { return s.EndAllSessions(ctx, by, p.ID) }, tutela.ActionSessionEnd},
		}
		for _, c := range changes {
			if c.name == "enable" {
				must(t, c.change())
				continue
			}
			login := p.logIn(t, w, s)
			access := bearer(t, s, login)
			_, err := s.Authenticate(ctx, access)
			must(t, err)
			must(t, c.change())
			_, err = s.Authenticate(ctx, access)
			refused(t, c.name+": the token", err, errs.Unauthenticated)
			_, _, err = s.SessionByCookie(ctx, login.Cookie)
			refused(t, c.name+": the session", err, errs.Unauthenticated)
			left, err := s.Sessions(ctx, p.ID)
			must(t, err)
			if len(left) != 0 {
				t.Errorf("%s: %d sessions are listed", c.name, len(left))
			}
			entries := w.entries(t, c.action)
			last := entries[len(entries)-1]
			if last.Subject == nil || last.Subject.Kind != "user" || last.Subject.ID != string(p.ID) || last.Actor.ID != by.ID {
				t.Errorf("%s: the entry is %+v", c.name, last)
			}
		}
	})
}

// TestWhatIsOfAnOlderEpochIsDead: a token that was issued, or a session that came back, after the
// list was made of what ends with the account.
func TestWhatIsOfAnOlderEpochIsDead(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		_, by := admin(t, w, s)
		p, login := nurse(t, w, s, by, "ann")
		a, tok, err := s.prepareToken(ctx, IssueRequest{User: p.ID, Client: "app"})
		must(t, err)
		it, _, err := loadItem[sessionRecord](ctx, s, itemSession, login.Session.ID)
		must(t, err)
		must(t, s.SetRoles(ctx, by, p.ID, []string{"physician"}))
		issued, err := s.issue(ctx, a, tok)
		must(t, err)
		_, err = s.Authenticate(ctx, "Bearer "+issued.Token)
		refused(t, "a token of before", err, errs.Unauthenticated)
		it.revision = 0
		claim, err := s.sessionClaim(ctx, it)
		must(t, err)
		must(t, s.commit(ctx, store.Op{Claims: []store.Claim{claim}}))
		_, _, err = s.SessionByCookie(ctx, login.Cookie)
		refused(t, "a session of before", err, errs.Unauthenticated)
	})
}

// TestRoleChangeAndTokenUseAtOnce: no answer that begins after the change has the old role.
func TestRoleChangeAndTokenUseAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		_, by := admin(t, w, s)
		p, login := nurse(t, w, s, by, "ann")
		access := bearer(t, s, login)
		together(9, func(i int) error {
			if i == 0 {
				err := s.SetRoles(ctx, by, p.ID, []string{"billing"})
				if err != nil {
					t.Error(err)
				}
				_, err = s.Authenticate(ctx, access)
				refused(t, "the token after the change", err, errs.Unauthenticated)
				return err
			}
			for {
				caller, err := s.Authenticate(ctx, access)
				if err != nil {
					refused(t, "the token", err, errs.Unauthenticated)
					return err
				}
				if diff := cmp.Diff([]string{"nurse"}, caller.Roles); diff != "" {
					t.Error(diff)
				}
			}
		})
		_, err := s.Authenticate(ctx, access)
		refused(t, "the token in the end", err, errs.Unauthenticated)
	})
}
