package pages

import (
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
)

// visit is one request by one browser, with what it proved.
type visit struct {
	pages *Pages
	w     http.ResponseWriter
	r     *http.Request

	session identity.Session // zero before a login
	user    identity.User    // zero before a login
	bound   string           // what the page's forms are bound to beside the browser

	formTarget string // where the page's forms lead beside here
}

// prove says who visits, and what the forms of the page are bound to; an error ends the visit.
type prove func(*visit) error

// anybody lets everyone in.
func anybody(*visit) error { return nil }

// trying lets those in who have begun a login or an enrolment.
func trying(v *visit) error {
	v.bound = cookieOf(v.r, attemptCookie)
	_, err := v.pages.identity.AttemptByID(v.r.Context(), v.bound)
	return err
}

// person lets those in who are signed in.
func person(v *visit) error {
	cookie := SessionCookie(v.r)
	if cookie == "" {
		return errs.New(errs.Unauthenticated, "sign in first")
	}
	var err error
	v.session, v.user, err = v.pages.identity.SessionByCookie(v.r.Context(), cookie)
	v.bound = cookie
	return err
}

// administrator lets administrators in.
func administrator(v *visit) error {
	if err := person(v); err != nil {
		return err
	}
	if !isAdmin(v.user) {
		return errs.New(errs.Denied, "only an administrator may see this page")
	}
	return nil
}

func isAdmin(u identity.User) bool { return slices.Equal(u.Roles, []string{"admin"}) }

// handle makes a handler of a page: who visits is proved, a form is checked, then f answers.
func (p *Pages) handle(who prove, f func(*visit) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := p.visit(w, r)
		if err := v.run(who, f); err != nil {
			v.fail(err)
		}
	})
}

// handleJSON is handle for what passkey.js asks: errors are problems (RFC 9457).
func (p *Pages) handleJSON(who prove, f func(*visit) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := p.visit(w, r)
		if err := v.run(who, f); err != nil {
			v.failJSON(err)
		}
	})
}

// visit begins an answer, hardened whatever becomes of it.
func (p *Pages) visit(w http.ResponseWriter, r *http.Request) *visit {
	harden(w, "")
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	return &visit{pages: p, w: w, r: r}
}

// maxForm bounds a form: the largest holds a JWK set.
const maxForm = 256 << 10

// run lets nothing but reading happen for a request that another origin sent (Sec-Fetch-Site,
// else Origin), or whose form was not drawn for this browser.
func (v *visit) run(who prove, f func(*visit) error) error {
	if err := v.pages.origin.Check(v.r); err != nil {
		return errs.Wrap(errs.Denied, err, "this form was sent from another site")
	}
	if err := who(v); err != nil {
		return err
	}
	if v.r.Method == http.MethodPost {
		if err := checkForm(v.r, v.bound); err != nil {
			return err
		}
	}
	return f(v)
}

// ageLimits are how old the proof of a second factor may be for a sensitive page and for its
// forms, which allow for the time of filling them in. Identity holds its own limit besides.
type ageLimits struct{ page, form time.Duration }

// guarded is handle for sensitive pages (SP 800-63B-4, 2.2.3). Where the proof is too old it is
// asked for, and then comes back to a page; back names it, "" is the page itself.
func (p *Pages) guarded(who prove, limits ageLimits, back string, f func(*visit) error) http.Handler {
	return p.handle(who, func(v *visit) error {
		limit, to := limits.page, back
		if v.r.Method == http.MethodPost {
			limit = limits.form
		}
		if to == "" {
			to = v.r.URL.RequestURI()
		}
		if !v.pages.identity.Recent(v.session, limit) {
			v.redirect(withReturn("/account/verify", to))
			return nil
		}
		return f(v)
	})
}

// token gives the token of the page's forms.
func (v *visit) token() string { return formToken(visitOf(v.w, v.r), v.bound) }

// me gives who reads the page, nil before a login.
func (v *visit) me() *viewer {
	if v.user.ID == "" {
		return nil
	}
	return &viewer{Username: v.user.Username, Admin: isAdmin(v.user), Offers: v.offers()}
}

// by is the account that acts, as identity decides on it and the ledger names it.
func (v *visit) by() tutela.Principal {
	p := v.pages.identity.Principal(v.session, v.user)
	p.Address = httpx.Peer(v.r)
	return p
}

func (v *visit) value(name string) string { return v.r.PostFormValue(name) }

// returnTo is where the visit goes in the end, one of our places.
func (v *visit) returnTo() string { return localReturn(v.r.FormValue("return")) }

func (v *visit) redirect(to string) { http.Redirect(v.w, v.r, to, http.StatusSeeOther) }

func withReturn(path, to string) string {
	if to == home {
		return path
	}
	return path + "?" + url.Values{"return": {to}}.Encode()
}

// fail answers an error with a page. Who is not signed in is led to where one signs in.
func (v *visit) fail(err error) {
	if errs.Is(err, errs.Unauthenticated) {
		to := home
		if v.r.Method == http.MethodGet {
			to = localReturn(v.r.URL.RequestURI())
		}
		v.redirect(withReturn("/login", to))
		return
	}
	v.log(err)
	status := httpx.Status(err)
	v.formTarget = ""
	failed := render(v, "error", status, page[errorBody]{Title: errorTitle(status), Me: v.me(), Token: v.token(), Body: errorBody{
		Text: sentence(errs.Public(err)), Request: httpx.RequestID(v.r.Context()), Back: home, BackLabel: "To your account",
	}})
	if failed != nil {
		v.log(failed)
		v.w.WriteHeader(http.StatusInternalServerError)
	}
}

func (v *visit) failJSON(err error) {
	v.log(err)
	v.w.Header().Set("Content-Type", "application/problem+json")
	v.w.WriteHeader(httpx.Status(err))
	writeJSON(v.w, map[string]string{"detail": sentence(errs.Public(err))})
}

// log writes what is ours to mend.
func (v *visit) log(err error) {
	if httpx.Status(err) >= http.StatusInternalServerError {
		v.pages.log.LogAttrs(v.r.Context(), slog.LevelError, "page failed",
			slog.String("request", httpx.RequestID(v.r.Context())), slog.String("error", err.Error()))
	}
}
