package pages

import (
	"net/http"
	"slices"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
)

// loginBody is what the page of usernames and passwords draws.
type loginBody struct {
	Username string
	ReturnTo string
	Passkey  passkeyForm
	Outside  []outsideChoice
	Left     *outsideChoice // provider at which a person may still be signed in
}

func (v *visit) drawLogin(status int, b loginBody, wrong problem) error {
	token := v.token()
	if b.ReturnTo == "" {
		b.ReturnTo = v.returnTo()
	}
	if err := v.offer(&b); err != nil {
		return err
	}
	b.Passkey = passkeyForm{
		Action: "/login/passkey", Options: "/login/passkey/options", Kind: "get", Label: "Sign in with a passkey", ReturnTo: b.ReturnTo, Token: token,
	}
	return render(v, "login", status, page[loginBody]{Title: "Sign in", Token: token, Problem: wrong, Script: true, Body: b})
}

// loginForm asks for username and password, also where a session lives: whoever comes here wants
// to sign in anew.
func loginForm(v *visit) error { return v.drawLogin(http.StatusOK, loginBody{}, problem{}) }

// login begins an attempt with username and password.
func login(v *visit) error {
	attempt, err := v.pages.identity.BeginLogin(v.r.Context(), identity.LoginRequest{
		Username: v.value("username"), Password: v.value("password"), Address: httpx.Peer(v.r), Agent: v.r.UserAgent(),
	})
	if err != nil {
		status, wrong, err := amiss("username", err)
		if err != nil {
			return err
		}
		return v.drawLogin(status, loginBody{Username: v.value("username")}, wrong)
	}
	setCookie(v.w, attemptCookie, attempt.ID)
	if attempt.Enrol {
		v.redirect(withReturn("/enrol", v.returnTo()))
		return nil
	}
	v.redirect(withReturn("/login/factor", v.returnTo()))
	return nil
}

// factorBody is what a page of second factors draws. Place is where its forms go, and below it.
type factorBody struct {
	Intro          string
	Place          string
	ReturnTo       string
	TOTP, Recovery bool
	Passkey        passkeyForm
	Outside        []outsideChoice
}

func (v *visit) factorBody(factors []identity.Factor, place string) factorBody {
	b := factorBody{
		Place: place, ReturnTo: v.returnTo(),
		TOTP: slices.Contains(factors, identity.FactorTOTP), Recovery: slices.Contains(factors, identity.FactorRecovery),
	}
	if slices.Contains(factors, identity.FactorPasskey) {
		b.Passkey = passkeyForm{Action: place + "/passkey", Options: place + "/passkey/options", Kind: "get",
			Label: "Use a passkey", ReturnTo: b.ReturnTo, Token: v.token(), Main: !b.TOTP}
	}
	return b
}

// factorForm asks for a second factor.
func factorForm(v *visit) error { return v.drawFactor(http.StatusOK, problem{}) }

func (v *visit) drawFactor(status int, wrong problem) error {
	attempt, err := v.pages.identity.AttemptByID(v.r.Context(), v.bound)
	if err != nil {
		return err
	}
	b := v.factorBody(attempt.Factors, "/login/factor")
	b.Intro = "Your password was right. Prove a second factor to go on."
	if attempt.Outside {
		b.Intro = "You have signed in with one factor. Prove a second one here to go on."
	}
	return render(v, "factor", status, page[factorBody]{Title: "Second factor", Token: v.token(), Problem: wrong, Script: true, Body: b})
}

// factorTOTP ends a login with a code of an authenticator app.
func factorTOTP(v *visit) error {
	l, err := v.pages.identity.FinishTOTP(v.r.Context(), v.bound, v.value("code"))
	return v.entered(l, "code", err)
}

// factorRecovery ends a login with a recovery code.
func factorRecovery(v *visit) error {
	l, err := v.pages.identity.FinishRecovery(v.r.Context(), v.bound, v.value("code"))
	return v.entered(l, "recovery", err)
}

// factorPasskeyOptions gives the challenge for a passkey as second factor.
func factorPasskeyOptions(v *visit) error {
	options, err := v.pages.identity.BeginPasskey(v.r.Context(), v.bound)
	return v.answerOptions(options, err)
}

// factorPasskey ends a login with a passkey.
func factorPasskey(v *visit) error {
	l, err := v.pages.identity.FinishPasskey(v.r.Context(), v.bound, []byte(v.value("response")))
	return v.entered(l, "", err)
}

// passkeyLoginOptions begins a login with nothing but a passkey: it proves possession and, by PIN
// or finger, knowledge or body.
func passkeyLoginOptions(v *visit) error {
	attempt, options, err := v.pages.identity.BeginPasskeyLogin(v.r.Context(), httpx.Peer(v.r))
	if err == nil {
		setCookie(v.w, attemptCookie, attempt)
	}
	return v.answerOptions(options, err)
}

// passkeyLogin ends a login with nothing but a passkey.
func passkeyLogin(v *visit) error {
	l, err := v.pages.identity.FinishPasskey(v.r.Context(), cookieOf(v.r, attemptCookie), []byte(v.value("response")))
	if err != nil {
		status, wrong, err := amiss("", err)
		if err != nil {
			return err
		}
		return v.drawLogin(status, loginBody{}, wrong)
	}
	return v.enter(l)
}

// entered ends a login, or draws the factors again. When the attempt itself is over, drawing it
// again leads to a new login.
func (v *visit) entered(l identity.Login, field string, err error) error {
	if err == nil {
		return v.enter(l)
	}
	status, wrong, err := amiss(field, err)
	if err != nil {
		return err
	}
	err = v.drawFactor(status, wrong)
	if errs.Is(err, errs.Unauthenticated) {
		v.bound = ""
		return v.drawLogin(status, loginBody{}, problem{Text: wrong.Text})
	}
	return err
}

// continueBody is what leads on from a login, or to one.
type continueBody struct{ Text, Label, Next string }

// enter gives the browser its session and goes where the person wanted to go.
func (v *visit) enter(l identity.Login) error {
	if err := v.start(l); err != nil {
		return err
	}
	to := v.returnTo()
	if !leadsAway(to) {
		v.redirect(to)
		return nil
	}
	return v.lead("Signed in", continueBody{"You are signed in.", "Go on to the application", to})
}

// lead has the browser go on of its own accord: to where a form's answer or a redirect from another
// site would not take it, or not with its cookies.
func (v *visit) lead(title string, b continueBody) error {
	v.w.Header().Set("Refresh", "0; url="+b.Next)
	return draw(v, "continue", page[continueBody]{Title: title, Token: v.token(), Body: b})
}

// start gives the browser its session: always a new cookie, never one that it brought. Another
// person's session that it had till now ends: whoever sits there now could go back to it.
func (v *visit) start(l identity.Login) error {
	setCookie(v.w, attemptCookie, "")
	setCookie(v.w, sessionCookie, l.Cookie)
	v.bound = l.Cookie
	before, user, err := v.pages.identity.SessionByCookie(v.r.Context(), SessionCookie(v.r))
	if errs.Is(err, errs.Unauthenticated) || err == nil && before.User == l.Session.User {
		return nil
	}
	if err != nil {
		return err
	}
	return v.pages.identity.EndSession(v.r.Context(), v.pages.identity.Principal(before, user), before.ID)
}

// answerOptions answers passkey.js with what the browser's credential call takes.
func (v *visit) answerOptions(options []byte, err error) error {
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "application/json")
	_, _ = v.w.Write(options) // the peer may be gone
	return nil
}
