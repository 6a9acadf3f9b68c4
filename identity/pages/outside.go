package pages

import (
	"log/slog"
	"net/http"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/federation"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
)

// outsideChoice is an outside provider as people choose it.
type outsideChoice struct{ ID, Name string }

// choices are the providers over which one may sign in.
func (v *visit) choices() ([]outsideChoice, error) {
	if v.pages.outside == nil {
		return nil, nil
	}
	offered, err := v.pages.outside.Offered(v.r.Context())
	var list []outsideChoice
	for _, p := range offered {
		list = append(list, outsideChoice{p.ID, p.Name})
	}
	return list, err
}

// linkedChoices are those of them that the person's account is linked to.
func (v *visit) linkedChoices() ([]outsideChoice, error) {
	rows, err := v.linkRows(v.user.ID)
	var list []outsideChoice
	for _, r := range rows {
		if r.Link != nil && !r.Off {
			list = append(list, r.outsideChoice)
		}
	}
	return list, err
}

// linkRow is a provider as an account's page shows it.
type linkRow struct {
	outsideChoice

	Off  bool           // nobody signs in over it now
	Link *identity.Link // nil: the account is not linked to it
}

// linkRows are the providers that an account is, or may be, linked to.
func (v *visit) linkRows(user tutela.UserID) ([]linkRow, error) {
	links, err := v.pages.identity.Links(v.r.Context(), user)
	if err != nil {
		return nil, err
	}
	all, err := v.pages.identity.Providers(v.r.Context())
	var rows []linkRow
	for _, p := range all {
		row := linkRow{outsideChoice: outsideChoice{p.ID, p.Name}, Off: p.Disabled}
		for i := range links {
			if links[i].Provider == p.ID {
				row.Link = &links[i]
			}
		}
		if row.Link != nil || !p.Disabled && v.pages.outside != nil {
			rows = append(rows, row)
		}
	}
	return rows, err
}

// offer completes a login's page with the providers.
func (v *visit) offer(b *loginBody) error {
	var err error
	if b.Outside, err = v.choices(); err != nil {
		return err
	}
	left := v.r.URL.Query().Get("left")
	for i := range b.Outside {
		if b.Outside[i].ID == left {
			b.Left = &b.Outside[i]
		}
	}
	return nil
}

// depart readies a login at a provider and gives the address to go to.
func (v *visit) depart(a federation.Ask) (string, error) {
	if v.pages.outside == nil {
		return "", errs.New(errs.NotFound, "no such provider")
	}
	a.Provider, a.Address = v.r.PathValue("id"), httpx.Peer(v.r)
	start, err := v.pages.outside.Begin(v.r.Context(), a)
	if err != nil {
		return "", err
	}
	setCookie(v.w, outsideCookie, start.Cookie)
	return start.URL, nil
}

// enterOutside goes to a provider to sign in. A link leads here: it changes nothing, and what comes
// back counts in this browser alone.
func enterOutside(v *visit) error {
	to, err := v.depart(federation.Ask{Return: v.returnTo()})
	if err != nil {
		return v.notEntered(v.returnTo(), err)
	}
	v.redirect(to)
	return nil
}

// invitationOutside goes to a provider to take up an invitation with a login there.
func invitationOutside(v *visit) error {
	return v.leadOut(federation.Ask{Purpose: federation.Accept, Invitation: v.r.PathValue("token")})
}

// linkOutside goes to a provider to link the account to the person there.
func linkOutside(v *visit) error {
	return v.leadOut(federation.Ask{Purpose: federation.Link, Session: v.session.ID})
}

// verifyOutside goes to a provider to prove both factors anew.
func verifyOutside(v *visit) error {
	return v.leadOut(federation.Ask{Purpose: federation.StepUp, Session: v.session.ID, Return: v.returnTo()})
}

func (v *visit) leadOut(a federation.Ask) error {
	to, err := v.depart(a)
	if err != nil {
		return err
	}
	return v.lead("On to another site", continueBody{"You sign in at your provider and come back.", "Go on", to})
}

// outsideAnswer takes a provider's answer.
func outsideAnswer(v *visit) error {
	if v.pages.outside == nil {
		return errs.New(errs.NotFound, "no such provider")
	}
	o, f, err := v.pages.outside.Finish(v.r.Context(), v.r.PathValue("id"), cookieOf(v.r, outsideCookie), v.r.URL.Query(), httpx.Peer(v.r))
	to := localReturn(f.Return)
	if err != nil {
		return v.notEntered(to, err)
	}
	setCookie(v.w, outsideCookie, "")
	from := identity.LoginRequest{Address: httpx.Peer(v.r), Agent: v.r.UserAgent()}
	switch f.Purpose {
	case federation.Link, federation.StepUp:
		return v.ownAnswer(o, f, to)
	case federation.Accept:
		entered, err := v.pages.identity.AcceptOutside(v.r.Context(), f.Invitation, o, from)
		return v.enteredOutside(entered, to, err)
	case federation.Enter:
		entered, err := v.pages.identity.EnterOutside(v.r.Context(), o, from)
		return v.enteredOutside(entered, to, err)
	default:
		return errs.New(errs.Invalid, "no such purpose")
	}
}

// ownAnswer takes an answer that the person of this session asked for, and no other.
func (v *visit) ownAnswer(o identity.Outside, f federation.Flow, to string) error {
	if err := person(v); err != nil {
		return err
	}
	if v.session.ID != f.Session {
		return errs.New(errs.Denied, "you signed in anew meanwhile: begin again")
	}
	if f.Purpose == federation.Link {
		return v.deed("linked", v.pages.identity.LinkOutside(v.r.Context(), SessionCookie(v.r), o))
	}
	l, err := v.pages.identity.StepUpOutside(v.r.Context(), SessionCookie(v.r), o)
	return v.enteredOutside(identity.Entered{Login: l}, to, err)
}

// enteredOutside gives the browser its session, or goes on to the second factor.
func (v *visit) enteredOutside(e identity.Entered, to string, err error) error {
	if err != nil {
		return v.notEntered(to, err)
	}
	if e.Attempt.ID == "" {
		if err := v.start(e.Login); err != nil {
			return err
		}
		return v.lead("Signed in", continueBody{"You are signed in.", "Go on", to})
	}
	setCookie(v.w, attemptCookie, e.Attempt.ID)
	next := "/login/factor"
	if e.Attempt.Enrol {
		next = "/enrol"
	}
	return v.lead("One more step", continueBody{"You have signed in with one factor.", "Go on to the second", withReturn(next, to)})
}

// notEntered draws the login with what went wrong: signing in here goes on whatever a provider does.
func (v *visit) notEntered(to string, err error) error {
	if errs.KindOf(err) == errs.Internal {
		return err
	}
	level := slog.LevelWarn
	if errs.Is(err, errs.Unavailable) {
		level = slog.LevelError
	}
	v.pages.log.LogAttrs(v.r.Context(), level, "login outside refused",
		slog.String("request", httpx.RequestID(v.r.Context())), slog.String("error", err.Error()))
	status := httpx.Status(err)
	if status == http.StatusUnauthorized {
		status = http.StatusForbidden // there is no challenge to answer (RFC 9110, 15.5.2)
	}
	return v.drawLogin(status, loginBody{ReturnTo: to}, problem{Text: sentence(errs.Public(err))})
}

// leaveOutside goes to where one signs out of a provider.
func leaveOutside(v *visit) error {
	if v.pages.outside == nil {
		return errs.New(errs.NotFound, "no such provider")
	}
	to, err := v.pages.outside.LogoutURL(v.r.Context(), v.r.PathValue("id"))
	if err != nil {
		return v.notEntered(home, err)
	}
	if to == "" {
		return v.notEntered(home, errs.New(errs.Unsupported, "the provider names no place to sign out: close your browser"))
	}
	v.redirect(to)
	return nil
}

// unlinkOutside takes the link to a provider off the person's account.
func unlinkOutside(v *visit) error {
	return v.deed("unlinked", v.pages.identity.UnlinkOutside(v.r.Context(), SessionCookie(v.r), v.r.PathValue("id")))
}
