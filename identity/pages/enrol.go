package pages

import (
	"encoding/base32"
	"net/http"
	"slices"
	"strings"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
)

// invitationBody is what an invitation's page draws.
type invitationBody struct {
	Username string
	Token    string
	Outside  []outsideChoice
}

// invitationForm asks the invited for a password. Looking at it uses nothing up: programs that
// check links in mail look too.
func invitationForm(v *visit) error { return v.drawInvitation(http.StatusOK, problem{}) }

func (v *visit) drawInvitation(status int, wrong problem) error {
	invited, err := v.pages.identity.OpenInvitation(v.r.Context(), v.r.PathValue("token"))
	if err != nil {
		return invalidInvitation(err)
	}
	b := invitationBody{Username: invited.Username, Token: v.r.PathValue("token")}
	if !slices.Equal(invited.Roles, []string{"admin"}) {
		if b.Outside, err = v.choices(); err != nil {
			return err
		}
	}
	return render(v, "invitation", status, page[invitationBody]{Title: "Welcome", Token: v.token(), Problem: wrong, Body: b})
}

// invitation uses the invitation up and begins the enrolment.
func invitation(v *visit) error {
	if v.value("password") != v.value("again") {
		return v.drawInvitation(http.StatusUnprocessableEntity, problem{"again", "The two passwords differ."})
	}
	attempt, err := v.pages.identity.AcceptInvitation(v.r.Context(), v.r.PathValue("token"), v.value("password"))
	if err != nil {
		status, wrong, err := amiss("password", err)
		if err != nil {
			return invalidInvitation(err)
		}
		return v.drawInvitation(status, wrong)
	}
	setCookie(v.w, attemptCookie, attempt)
	v.redirect("/enrol")
	return nil
}

// invalidInvitation says the same of an invitation that never was, was used or is too old.
func invalidInvitation(err error) error {
	if k := errs.KindOf(err); k == errs.NotFound || k == errs.Gone || k == errs.Unauthenticated {
		return errs.Wrap(errs.Gone, err, "this invitation was used or is too old: ask an administrator for a new one")
	}
	return err
}

// enrolBody is what the choice of a second factor draws.
type enrolBody struct {
	ReturnTo string
	Passkey  passkeyForm
}

// enrolForm offers the second factors.
func enrolForm(v *visit) error { return v.drawEnrol(http.StatusOK, problem{}) }

func (v *visit) drawEnrol(status int, wrong problem) error {
	token, to := v.token(), v.returnTo()
	return render(v, "enrol", status, page[enrolBody]{Title: "Add a second factor", Token: token, Problem: wrong, Script: true, Body: enrolBody{
		ReturnTo: to,
		Passkey: passkeyForm{Action: "/enrol/passkey", Options: "/enrol/passkey/options", Kind: "create",
			Label: "Create a passkey", ReturnTo: to, Token: token, Main: true},
	}})
}

// totpBody is what the page of a new authenticator app draws.
type totpBody struct {
	QR       qrCode
	Secret   string
	Action   string
	Back     string
	ReturnTo string
}

// enrolTOTP makes a secret and shows it.
func enrolTOTP(v *visit) error {
	secret, uri, err := v.pages.identity.EnrolTOTP(v.r.Context(), v.bound)
	if err != nil {
		return err
	}
	return v.drawTOTP(http.StatusOK, secret, uri, "/enrol", problem{})
}

// drawTOTP shows a secret as QR code and text, and asks for a code that it makes.
func (v *visit) drawTOTP(status int, secret, uri, place string, wrong problem) error {
	code, err := drawQR(uri)
	if err != nil {
		return err
	}
	to := v.returnTo()
	title := "Set up an authenticator app"
	return render(v, "totp", status, page[totpBody]{Title: title, Me: v.me(), Token: v.token(), Problem: wrong, Body: totpBody{
		QR: code, Secret: groups(secret), Action: place + "/totp", Back: withReturn(place, to), ReturnTo: to,
	}})
}

// groups writes a secret in fours, as people copy it.
func groups(secret string) string {
	var b strings.Builder
	for i, r := range strings.TrimRight(secret, string(base32.StdPadding)) {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// confirmTOTP ends the enrolment with a code of the new app.
func confirmTOTP(v *visit) error {
	e, err := v.pages.identity.ConfirmTOTP(v.r.Context(), v.bound, v.value("code"))
	if err != nil {
		return v.codeAgain(v.bound, "/enrol", err)
	}
	return v.enrolled(e)
}

func enrolPasskeyOptions(v *visit) error {
	options, err := v.pages.identity.BeginPasskeyEnrolment(v.r.Context(), v.bound)
	return v.answerOptions(options, err)
}

// enrolPasskey ends the enrolment with a new passkey.
func enrolPasskey(v *visit) error {
	e, err := v.pages.identity.FinishPasskeyEnrolment(v.r.Context(), v.bound, []byte(v.value("response")))
	if err == nil {
		return v.enrolled(e)
	}
	status, wrong, err := amiss("", err)
	if err != nil {
		return err
	}
	return v.drawEnrol(status, wrong)
}

// codesBody is what the page of recovery codes draws.
type codesBody struct {
	Codes []string
	Next  string
}

// enrolled signs the new account in and shows its recovery codes, this once.
func (v *visit) enrolled(e identity.Enrolled) error {
	if err := v.start(e.Login); err != nil {
		return err
	}
	return v.drawCodes(e.RecoveryCodes, v.returnTo())
}

func (v *visit) drawCodes(codes []string, next string) error {
	return draw(v, "codes", page[codesBody]{Title: "Keep your recovery codes", Me: v.me(), Token: v.token(), Body: codesBody{codes, next}})
}
