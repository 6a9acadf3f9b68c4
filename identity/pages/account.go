package pages

import (
	"net/http"
	"net/url"

	"github.com/tutela-health/tutela/identity"
)

// accountBody is what a person's own page draws.
type accountBody struct {
	identity.Authenticators
	Sessions []sessionRow
	Apps     []appRow
	Outside  []linkRow
}

// sessionRow is a session as its owner is shown it.
type sessionRow struct {
	identity.Session
	Agent   string
	Current bool
}

// account shows a person what can use the account, and what proves it.
func account(v *visit) error { return v.drawAccount(http.StatusOK, problem{}) }

func (v *visit) drawAccount(status int, wrong problem) error {
	var b accountBody
	sessions, err := v.pages.identity.Sessions(v.r.Context(), v.user.ID)
	if err != nil {
		return err
	}
	for _, s := range sessions {
		b.Sessions = append(b.Sessions, sessionRow{s, agentWords(s.Agent), s.ID == v.session.ID})
	}
	if b.Authenticators, err = v.pages.identity.Authenticators(v.r.Context(), v.user.ID); err != nil {
		return err
	}
	if b.Apps, err = v.apps(); err != nil {
		return err
	}
	if b.Outside, err = v.linkRows(v.user.ID); err != nil {
		return err
	}
	return render(v, "account", status, page[accountBody]{Title: "Your account", Place: "account", Me: v.me(), Token: v.token(),
		Notice: notice(v.r.URL.Query().Get("done")), Problem: wrong, Body: b})
}

// deed ends a form of the account's page: back to it, with what was done, or what was wrong.
func (v *visit) deed(done string, err error) error {
	if err != nil {
		status, wrong, err := amiss("", err)
		if err != nil {
			return err
		}
		return v.drawAccount(status, wrong)
	}
	v.redirect(home + "?done=" + done)
	return nil
}

// endSession ends one of the person's sessions.
func endSession(v *visit) error {
	id := v.value("session")
	err := v.pages.identity.EndSession(v.r.Context(), v.by(), id)
	if err == nil && id == v.session.ID {
		return v.signedOut()
	}
	return v.deed("session", err)
}

// endAllSessions ends every session of the person, this one too.
func endAllSessions(v *visit) error {
	if err := v.pages.identity.EndAllSessions(v.r.Context(), v.by(), v.user.ID); err != nil {
		return err
	}
	return v.signedOut()
}

// logout ends the session of this browser.
func logout(v *visit) error {
	if err := v.pages.identity.EndSession(v.r.Context(), v.by(), v.session.ID); err != nil {
		return err
	}
	if v.session.Provider != "" {
		return v.signedOutTo("/login?left=" + url.QueryEscape(v.session.Provider))
	}
	return v.signedOut()
}

// signedOut takes the browser's cookie away, and what it may have kept of pages.
func (v *visit) signedOut() error { return v.signedOutTo("/login") }

func (v *visit) signedOutTo(place string) error {
	setCookie(v.w, sessionCookie, "")
	v.w.Header().Set("Clear-Site-Data", `"cache"`)
	v.redirect(place)
	return nil
}
