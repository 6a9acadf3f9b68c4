package pages

import (
	"net/http"

	"github.com/tutela-health/tutela/identity"
)

// passwordForm asks for the present and a new password.
func passwordForm(v *visit) error { return v.drawPassword(http.StatusOK, problem{}) }

func (v *visit) drawPassword(status int, wrong problem) error {
	return render(v, "password", status, page[struct{}]{Title: "Change password", Place: "account", Me: v.me(), Token: v.token(), Problem: wrong})
}

// changePassword changes it, which ends every other session.
func changePassword(v *visit) error {
	if v.value("password") != v.value("again") {
		return v.drawPassword(http.StatusUnprocessableEntity, problem{"again", "The two passwords differ."})
	}
	err := v.pages.identity.ChangePassword(v.r.Context(), SessionCookie(v.r), v.value("current"), v.value("password"))
	if err == nil {
		return v.deed("password", nil)
	}
	status, wrong, err := amiss("password", err)
	if err != nil {
		return err
	}
	return v.drawPassword(status, wrong)
}

// enrolment begins the enrolment of a further factor in this browser.
func (v *visit) enrolment() (attempt string, err error) {
	attempt, err = v.pages.identity.BeginEnrolment(v.r.Context(), SessionCookie(v.r))
	if err == nil {
		setCookie(v.w, attemptCookie, attempt)
	}
	return attempt, err
}

// newTOTP makes a secret and shows it.
func newTOTP(v *visit) error {
	attempt, err := v.enrolment()
	if err != nil {
		return err
	}
	secret, uri, err := v.pages.identity.EnrolTOTP(v.r.Context(), attempt)
	if err != nil {
		return err
	}
	return v.drawTOTP(http.StatusOK, secret, uri, home, problem{})
}

// setTOTP puts the new app in place of the old.
func setTOTP(v *visit) error {
	attempt := cookieOf(v.r, attemptCookie)
	e, err := v.pages.identity.ConfirmTOTP(v.r.Context(), attempt, v.value("code"))
	if err != nil {
		return v.codeAgain(attempt, home, err)
	}
	return v.added(e, "totp")
}

// codeAgain asks once more for a code of the secret that is being set up.
func (v *visit) codeAgain(attempt, place string, err error) error {
	status, wrong, err := amiss("code", err)
	if err != nil {
		return err
	}
	secret, uri, err := v.pages.identity.TOTPUnderEnrolment(v.r.Context(), attempt)
	if err != nil {
		return err
	}
	return v.drawTOTP(status, secret, uri, place, wrong)
}

// added ends the enrolment of a further factor: the session's cookie is a new one.
func (v *visit) added(e identity.Enrolled, done string) error {
	if err := v.start(e.Login); err != nil {
		return err
	}
	if len(e.RecoveryCodes) > 0 {
		return v.drawCodes(e.RecoveryCodes, home)
	}
	return v.deed(done, nil)
}

// newPasskeyBody is what the page of a further passkey draws.
type newPasskeyBody struct{ Passkey passkeyForm }

// newPasskeyForm offers to make a passkey.
func newPasskeyForm(v *visit) error { return v.drawNewPasskey(http.StatusOK, problem{}) }

func (v *visit) drawNewPasskey(status int, wrong problem) error {
	token := v.token()
	return render(v, "newpasskey", status, page[newPasskeyBody]{Title: "Add a passkey", Place: "account", Me: v.me(), Token: token, Problem: wrong, Script: true,
		Body: newPasskeyBody{passkeyForm{Action: "/account/passkeys", Options: "/account/passkeys/options", Kind: "create", Label: "Create a passkey", Token: token, Main: true}}})
}

func newPasskeyOptions(v *visit) error {
	attempt, err := v.enrolment()
	if err != nil {
		return err
	}
	options, err := v.pages.identity.BeginPasskeyEnrolment(v.r.Context(), attempt)
	return v.answerOptions(options, err)
}

// addPasskey keeps the new passkey.
func addPasskey(v *visit) error {
	e, err := v.pages.identity.FinishPasskeyEnrolment(v.r.Context(), cookieOf(v.r, attemptCookie), []byte(v.value("response")))
	if err == nil {
		return v.added(e, "passkey")
	}
	status, wrong, err := amiss("", err)
	if err != nil {
		return err
	}
	return v.drawNewPasskey(status, wrong)
}

func removePasskey(v *visit) error {
	return v.deed("removed", v.pages.identity.RemovePasskey(v.r.Context(), SessionCookie(v.r), v.value("passkey")))
}

func removeTOTP(v *visit) error {
	return v.deed("untotp", v.pages.identity.RemoveTOTP(v.r.Context(), SessionCookie(v.r)))
}

// confirmBody is what a page draws that asks whether to go on.
type confirmBody struct {
	Text, Action, Label, Back string
}

// recoveryForm asks whether to make the codes of before worthless.
func recoveryForm(v *visit) error {
	return draw(v, "confirm", page[confirmBody]{Title: "New recovery codes", Place: "account", Me: v.me(), Token: v.token(), Body: confirmBody{
		Text: "Ten new codes take the place of those that you have: the old ones no longer work.", Action: "/account/recovery", Label: "Make new codes", Back: home,
	}})
}

// newRecoveryCodes makes them and shows them, this once.
func newRecoveryCodes(v *visit) error {
	codes, err := v.pages.identity.NewRecoveryCodes(v.r.Context(), SessionCookie(v.r))
	if err != nil {
		return err
	}
	return v.drawCodes(codes, home)
}
