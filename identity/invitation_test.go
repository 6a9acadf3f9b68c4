package identity

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

func TestInvitationMakesOneAccount(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		_, by := admin(t, w, s)
		inv, err := s.Invite(ctx, by, NewUser{Username: " Ann.Lee ", Roles: []string{"nurse"}})
		must(t, err)
		for range 2 {
			got, err := s.OpenInvitation(ctx, inv.Token)
			must(t, err)
			want := Invited{Username: "ann.lee", Roles: []string{"nurse"}, Expires: w.Now().Add(72 * time.Hour)}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		}
		p, _ := join(t, w, s, inv)
		if p.Username != "ann.lee" || p.Kind != tutela.ActorPerson {
			t.Errorf("account %+v", p.User)
		}
		_, err = s.AcceptInvitation(ctx, inv.Token, goodPassword)
		refused(t, "taking it up again", err, errs.NotFound)
		_, err = s.OpenInvitation(ctx, inv.Token)
		refused(t, "opening it again", err, errs.NotFound)
		_, err = s.Invite(ctx, by, NewUser{Username: "ANN.LEE", Roles: []string{"nurse"}})
		refused(t, "inviting under a taken name", err, errs.Unprocessable)
		if n := len(w.entries(t, tutela.ActionUserInvite)); n != 2 {
			t.Errorf("%d invitations in the ledger", n)
		}
	})
}

func TestInvitationIsTakenUpOnceAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		inv, err := s.FirstInvitation(t.Context(), NewUser{Username: "root", Roles: []string{"admin"}})
		must(t, err)
		all := together(64, func(int) error {
			_, err := s.AcceptInvitation(t.Context(), inv.Token, goodPassword)
			return err
		})
		if n := succeeded(all); n != 1 {
			t.Errorf("%d accepted", n)
		}
		users, err := s.Users(t.Context())
		must(t, err)
		if len(users) != 1 {
			t.Errorf("%d accounts", len(users))
		}
	})
}

// TestTwoInvitationsToOneName end with one account.
func TestTwoInvitationsToOneName(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		_, by := admin(t, w, s)
		var both [2]Invitation
		for i := range both {
			var err error
			both[i], err = s.Invite(t.Context(), by, NewUser{Username: "ann", Roles: []string{"nurse"}})
			must(t, err)
		}
		n := succeeded(together(2, func(i int) error {
			_, err := s.AcceptInvitation(t.Context(), both[i].Token, goodPassword)
			return err
		}))
		if n != 1 {
			t.Errorf("%d accepted", n)
		}
	})
}

func TestInvitationExpires(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		inv, err := s.FirstInvitation(t.Context(), NewUser{Username: "root", Roles: []string{"admin"}})
		must(t, err)
		w.Advance(72*time.Hour - time.Second)
		_, err = s.OpenInvitation(t.Context(), inv.Token)
		must(t, err)
		w.Advance(time.Second)
		before := w.hashes.Load()
		_, err = s.AcceptInvitation(t.Context(), inv.Token, goodPassword)
		refused(t, "an expired invitation", err, errs.NotFound)
		_, err = s.AcceptInvitation(t.Context(), "no token", goodPassword)
		refused(t, "no invitation", err, errs.NotFound)
		if w.hashes.Load() != before {
			t.Error("a password was hashed for it")
		}
	})
}

func TestWeakPasswordLeavesTheInvitationOpen(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		inv, err := s.FirstInvitation(t.Context(), NewUser{Username: "root", Roles: []string{"admin"}})
		must(t, err)
		_, err = s.AcceptInvitation(t.Context(), inv.Token, "password1234")
		refused(t, "a common password", err, errs.Unprocessable)
		join(t, w, s, inv)
	})
}

// TestPasswordAloneDoesNothing is an account between invitation and second factor.
func TestPasswordAloneDoesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		inv, err := s.FirstInvitation(ctx, NewUser{Username: "root", Roles: []string{"admin"}})
		must(t, err)
		attempt, err := s.AcceptInvitation(ctx, inv.Token, goodPassword)
		must(t, err)
		_, err = s.FinishTOTP(ctx, attempt, "000000")
		refused(t, "proving a factor that is not enrolled", err, errs.Unauthenticated)
		_, err = s.FinishRecovery(ctx, attempt, "")
		refused(t, "an empty recovery code", err, errs.Unauthenticated)
		_, err = s.ConfirmTOTP(ctx, attempt, "000000")
		refused(t, "a code before there is a secret", err, errs.Unauthenticated)
		u, err := s.User(ctx, "root")
		must(t, err)
		_, err = s.IssueFor(ctx, IssueRequest{User: u.ID, Client: "app"})
		refused(t, "a token", err, errs.Denied)
		_, err = s.IssueTryOut(ctx, "root", "app")
		refused(t, "a try-out's token", err, errs.Denied)
		refused(t, "administering", s.MayAdminister(ctx, tutela.Principal{
			Tenant: "clinic", ID: u.ID, Roles: u.Roles, Assurance: ACRTwoFactors}), errs.Denied)

		a, err := s.BeginLogin(ctx, LoginRequest{Username: "root", Password: goodPassword})
		must(t, err)
		if !a.Enrol || len(a.Factors) != 0 {
			t.Errorf("a login that must enrol: %+v", a)
		}
		w.Advance(72 * time.Hour)
		_, err = s.BeginLogin(ctx, LoginRequest{Username: "root", Password: goodPassword})
		refused(t, "enrolling after the invitation's time", err, errs.Denied)
	})
}

// TestAttemptOfAnEnrolledAccountEnrolsNothing: whoever has the password alone adds no factor.
func TestAttemptOfAnEnrolledAccountEnrolsNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		p, _ := admin(t, w, s)
		a, err := p.begin(ctx, s)
		must(t, err)
		_, _, err = s.EnrolTOTP(ctx, a.ID)
		refused(t, "a new secret", err, errs.Denied)
		_, err = s.BeginPasskeyEnrolment(ctx, a.ID)
		refused(t, "a new passkey", err, errs.Denied)
		_, err = s.ConfirmTOTP(ctx, a.ID, p.code(w))
		refused(t, "confirming", err, errs.Denied)
	})
}

// TestFirstFactorIsEnrolledOnce: whoever learned the password early keeps no way in.
func TestFirstFactorIsEnrolledOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		inv, err := s.FirstInvitation(ctx, NewUser{Username: "root", Roles: []string{"admin"}})
		must(t, err)
		own, err := s.AcceptInvitation(ctx, inv.Token, goodPassword)
		must(t, err)
		thief, err := s.BeginLogin(ctx, LoginRequest{Username: "root", Password: goodPassword})
		must(t, err)
		secrets := map[string]string{}
		for _, id := range []string{own, thief.ID} {
			secrets[id], _, err = s.EnrolTOTP(ctx, id)
			must(t, err)
		}
		code := func(id string) string { return totpCode(decoded(t, secrets[id]), totpStep(w.Now())) }
		_, err = s.ConfirmTOTP(ctx, own, code(own))
		must(t, err)
		_, err = s.ConfirmTOTP(ctx, thief.ID, code(thief.ID))
		refused(t, "confirming another secret", err, errs.Denied)
		_, _, err = s.EnrolTOTP(ctx, thief.ID)
		refused(t, "another secret", err, errs.Denied)
		_, err = s.BeginPasskeyEnrolment(ctx, thief.ID)
		refused(t, "a passkey", err, errs.Denied)
	})
}

func TestFirstInvitationIsForAnEmptySystem(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		_, err := s.FirstInvitation(t.Context(), NewUser{Username: "root", Roles: []string{"physician"}})
		refused(t, "a first account that does not administer", err, errs.Unprocessable)
		admin(t, w, s)
		_, err = s.FirstInvitation(t.Context(), NewUser{Username: "second", Roles: []string{"admin"}})
		refused(t, "a second first administrator", err, errs.Denied)
	})
}

func TestResetTakesEverythingThatProves(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		_, by := admin(t, w, s)
		p, login := nurse(t, w, s, by, "ann")
		access := bearer(t, s, login)
		inv, err := s.ResetCredentials(ctx, by, p.ID)
		must(t, err)
		_, _, err = s.SessionByCookie(ctx, login.Cookie)
		refused(t, "the session", err, errs.Unauthenticated)
		_, err = s.Authenticate(ctx, access)
		refused(t, "the token", err, errs.Unauthenticated)
		_, err = p.begin(ctx, s)
		refused(t, "the old password", err, errs.Unauthenticated)
		other, err := s.ResetCredentials(ctx, by, p.ID)
		must(t, err)
		again, _ := join(t, w, s, inv)
		if diff := cmp.Diff(p.ID, again.ID); diff != "" {
			t.Error(diff)
		}
		if strings.Join(again.codes, "") == strings.Join(p.codes, "") || len(again.codes) != recoveryCodes {
			t.Error("the recovery codes stayed")
		}
		_, err = s.AcceptInvitation(ctx, other.Token, goodPassword)
		refused(t, "the second invitation after the first was used", err, errs.NotFound)
	})
}

func TestOpenInvitationsAreListedAndWithdrawn(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		a, by := admin(t, w, s)
		ann, err := s.Invite(ctx, by, NewUser{Username: "ann", Roles: []string{"nurse"}})
		must(t, err)
		w.Advance(time.Minute)
		p, login := nurse(t, w, s, by, "norma") // taken up
		bob, err := s.Invite(ctx, by, NewUser{Username: "bob", Roles: []string{"auditor"}})
		must(t, err)
		twice, err := s.Invite(ctx, by, NewUser{Username: "norbert", Roles: []string{"nurse"}})
		must(t, err)
		nurse(t, w, s, by, "norbert")
		list, err := s.Invitations(ctx, by)
		must(t, err)
		want := []PendingInvitation{
			{ID: list[0].ID, By: a.ID, Invited: Invited{Username: "ann", Roles: []string{"nurse"}, Expires: ann.Expires}},
			{ID: list[1].ID, By: a.ID, Invited: Invited{Username: "bob", Roles: []string{"auditor"}, Expires: bob.Expires}},
		}
		if diff := cmp.Diff(want, list); diff != "" {
			t.Error(diff)
		}
		for _, inv := range []Invitation{ann, bob, twice} {
			for _, l := range list {
				if strings.Contains(inv.Token, l.ID) || strings.Contains(l.ID, inv.Token) {
					t.Error("the list tells of a link")
				}
			}
		}
		refused(t, "a nurse withdraws", s.WithdrawInvitation(ctx, s.Principal(login.Session, p.User), list[0].ID), errs.Denied)
		_, err = s.Invitations(ctx, s.Principal(login.Session, p.User))
		refused(t, "a nurse looks", err, errs.Denied)
		must(t, s.WithdrawInvitation(ctx, by, list[0].ID))
		_, err = s.AcceptInvitation(ctx, ann.Token, goodPassword)
		refused(t, "taking a withdrawn one up", err, errs.NotFound)
		refused(t, "withdrawing it again", s.WithdrawInvitation(ctx, by, list[0].ID), errs.NotFound)
		refused(t, "withdrawing nothing", s.WithdrawInvitation(ctx, by, ""), errs.NotFound)
		var outcomes []tutela.Outcome
		for _, e := range w.entries(t, tutela.ActionUserUninvite) {
			if e.Subject.ID != list[0].ID {
				t.Errorf("an entry is about %+v", e.Subject)
			}
			outcomes = append(outcomes, e.Outcome)
		}
		slices.Sort(outcomes)
		if diff := cmp.Diff([]tutela.Outcome{tutela.OutcomeDenied, tutela.OutcomeSuccess}, outcomes); diff != "" {
			t.Error(diff)
		}
		join(t, w, s, bob)
	})
}

// TestWithdrawnOrTakenUpButNotBoth has an administrator withdraw an invitation as its bearer takes it up.
func TestWithdrawnOrTakenUpButNotBoth(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		_, by := admin(t, w, s)
		inv, err := s.Invite(t.Context(), by, NewUser{Username: "ann", Roles: []string{"nurse"}})
		must(t, err)
		list, err := s.Invitations(t.Context(), by)
		must(t, err)
		n := succeeded(together(8, func(i int) error {
			if i%2 == 0 {
				return s.WithdrawInvitation(t.Context(), by, list[0].ID)
			}
			_, err := s.AcceptInvitation(t.Context(), inv.Token, goodPassword)
			return err
		}))
		if n != 1 {
			t.Errorf("%d of 8 happened", n)
		}
	})
}
