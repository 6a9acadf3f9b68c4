package pages

import (
	"net/http"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
)

// verifyForm asks for a second factor once more.
func verifyForm(v *visit) error { return v.drawVerify(http.StatusOK, problem{}) }

func (v *visit) drawVerify(status int, wrong problem) error {
	attempt, err := v.pages.identity.AttemptByID(v.r.Context(), cookieOf(v.r, attemptCookie))
	if status == http.StatusOK || errs.Is(err, errs.Unauthenticated) {
		attempt, err = v.pages.identity.StepUp(v.r.Context(), SessionCookie(v.r))
	}
	if err != nil {
		return err
	}
	setCookie(v.w, attemptCookie, attempt.ID)
	b := v.factorBody(attempt.Factors, "/account/verify")
	if b.Outside, err = v.linkedChoices(); err != nil {
		return err
	}
	b.Intro = "This page changes who can do what. Prove your second factor again to go on."
	return render(v, "factor", status, page[factorBody]{Title: "Is it you?", Place: "account", Me: v.me(), Token: v.token(), Problem: wrong, Script: true, Body: b})
}

func verifyTOTP(v *visit) error {
	l, err := v.pages.identity.FinishTOTP(v.r.Context(), cookieOf(v.r, attemptCookie), v.value("code"))
	return v.verified(l, "code", err)
}

func verifyRecovery(v *visit) error {
	l, err := v.pages.identity.FinishRecovery(v.r.Context(), cookieOf(v.r, attemptCookie), v.value("code"))
	return v.verified(l, "recovery", err)
}

func verifyPasskeyOptions(v *visit) error {
	options, err := v.pages.identity.BeginPasskey(v.r.Context(), cookieOf(v.r, attemptCookie))
	return v.answerOptions(options, err)
}

func verifyPasskey(v *visit) error {
	l, err := v.pages.identity.FinishPasskey(v.r.Context(), cookieOf(v.r, attemptCookie), []byte(v.value("response")))
	return v.verified(l, "", err)
}

// verified gives the session its new cookie and goes on to the sensitive page.
func (v *visit) verified(l identity.Login, field string, err error) error {
	if err == nil {
		return v.enter(l)
	}
	status, wrong, err := amiss(field, err)
	if err != nil {
		return err
	}
	return v.drawVerify(status, wrong)
}
