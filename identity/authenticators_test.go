package identity

import (
	"testing"
	"time"

	"github.com/tutela-health/tutela/internal/errs"
)

func TestChangingWhatProvesNeedsARecentProof(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		p, _ := admin(t, w, s)
		login := p.logIn(t, w, s)
		w.Advance(enrolWithin + time.Second)
		_, err := s.BeginEnrolment(ctx, login.Cookie)
		refused(t, "enrolling", err, errs.Denied)
		_, err = s.NewRecoveryCodes(ctx, login.Cookie)
		refused(t, "new recovery codes", err, errs.Denied)
		refused(t, "removing", s.RemoveTOTP(ctx, login.Cookie), errs.Denied)
		refused(t, "another password", s.ChangePassword(ctx, login.Cookie, goodPassword, "nine orange lanterns sing"), errs.Denied)
		a, err := s.StepUp(ctx, login.Cookie)
		must(t, err)
		_, _, err = s.EnrolTOTP(ctx, a.ID)
		refused(t, "enrolling within a step-up", err, errs.Denied)
		up, err := s.FinishTOTP(ctx, a.ID, p.code(w))
		must(t, err)
		_, err = s.BeginEnrolment(ctx, up.Cookie)
		must(t, err)
	})
}

func TestNewRecoveryCodesReplaceTheOld(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		p, _ := admin(t, w, s)
		fresh, err := s.NewRecoveryCodes(ctx, p.logIn(t, w, s).Cookie)
		must(t, err)
		a, err := p.begin(ctx, s)
		must(t, err)
		_, err = s.FinishRecovery(ctx, a.ID, p.codes[0])
		refused(t, "an old code", err, errs.Unauthenticated)
		_, err = s.FinishRecovery(ctx, a.ID, fresh[0])
		must(t, err)
	})
}

func TestNewSecretReplacesTheOld(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		p, _ := admin(t, w, s)
		attempt, err := s.BeginEnrolment(ctx, p.logIn(t, w, s).Cookie)
		must(t, err)
		secret, _, err := s.EnrolTOTP(ctx, attempt)
		must(t, err)
		_, err = s.ConfirmTOTP(ctx, attempt, p.code(w))
		refused(t, "confirming with the old secret", err, errs.Unauthenticated)
		renewed := p
		renewed.secret = decoded(t, secret)
		done, err := s.ConfirmTOTP(ctx, attempt, renewed.code(w))
		must(t, err)
		if len(done.RecoveryCodes) != 0 {
			t.Error("recovery codes that were left are replaced")
		}
		a, err := p.begin(ctx, s)
		must(t, err)
		_, err = s.FinishTOTP(ctx, a.ID, p.code(w))
		refused(t, "a code of the old secret", err, errs.Unauthenticated)
		_, err = s.FinishTOTP(ctx, a.ID, totpCode(renewed.secret, totpStep(w.Now())))
		must(t, err)
	})
}

// TestPasswordChangeEndsOtherSessions: whoever knew the old one is out.
func TestPasswordChangeEndsOtherSessions(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		_, by := admin(t, w, s)
		p, thief := nurse(t, w, s, by, "ann")
		mine := p.logIn(t, w, s)
		stolen, own := bearer(t, s, thief), bearer(t, s, mine)
		const next = "nine orange lanterns sing"
		refused(t, "a wrong present password", s.ChangePassword(ctx, mine.Cookie, "wrong wrong wrong", next), errs.Unprocessable)
		refused(t, "a weak password", s.ChangePassword(ctx, mine.Cookie, goodPassword, "aaaaaaaaaaaa"), errs.Unprocessable)
		must(t, s.ChangePassword(ctx, mine.Cookie, goodPassword, next))
		_, _, err := s.SessionByCookie(ctx, thief.Cookie)
		refused(t, "another session", err, errs.Unauthenticated)
		for _, token := range []string{stolen, own} {
			_, err = s.Authenticate(ctx, token)
			refused(t, "a token of before", err, errs.Unauthenticated)
		}
		if _, _, err = s.SessionByCookie(ctx, mine.Cookie); err != nil {
			t.Errorf("the session in which it was changed: %v", err)
		}
		_, err = p.begin(ctx, s)
		refused(t, "the old password", err, errs.Unauthenticated)
		_, err = s.BeginLogin(ctx, LoginRequest{Username: p.Username, Password: next})
		must(t, err)
	})
}
