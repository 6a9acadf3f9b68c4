package console

import (
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/identity/pages"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
)

// visit is one request by one person.
type visit struct {
	console *Console
	w       http.ResponseWriter
	r       *http.Request
	by      tutela.Principal
	token   string
	now     time.Time

	wrong  problem // what was wrong with the deed that led here
	status int     // that a page is answered with; 0 is 200
}

// Staff reports whether the console is for somebody: for everybody but patients and those who act for them.
func Staff(by tutela.Principal) bool {
	return by.Kind == tutela.ActorPerson && slices.ContainsFunc(by.Roles, func(r string) bool {
		return r != string(access.RolePatient) && r != string(access.RoleProxy)
	})
}

// page makes the handler of a page.
func (c *Console) page(f func(*visit) error) http.Handler {
	return c.cfg.Pages.Person(func(p *pages.Visit) error {
		v := &visit{console: c, w: p.W, r: p.R, by: p.By, token: p.Token, now: c.cfg.Clock()}
		err := error(nil)
		if !Staff(v.by) {
			err = notHere()
		}
		if err == nil {
			err = f(v)
		}
		if err != nil {
			return v.fail(err)
		}
		return nil
	})
}

// deed makes the handler of a form. It does, and gives the address of the page that says so; what a person can
// mend is shown on the page that the form came from.
func (c *Console) deed(do func(*visit) (string, error), form func(*visit) error) http.Handler {
	return c.page(func(v *visit) error {
		next, err := do(v)
		if err == nil {
			http.Redirect(v.w, v.r, next, http.StatusSeeOther)
			return nil
		}
		if !mendable(err) {
			return err
		}
		v.status, v.wrong = httpx.Status(err), problem{Text: sentence(errs.Public(err))}
		return form(v)
	})
}

// mendable tells the errors that filling a form in otherwise may mend.
func mendable(err error) bool {
	return slices.Contains([]errs.Kind{errs.Invalid, errs.Conflict, errs.Unprocessable, errs.Precondition, errs.TooMany}, errs.KindOf(err))
}

// may reports whether policy lets the person make a call. It decides nothing.
func (v *visit) may(operation string) bool {
	return v.console.api.Permits(v.r.Context(), v.by, operation)
}

func (v *visit) value(name string) string { return v.r.PostFormValue(name) }

func (v *visit) query(name string) string { return v.r.URL.Query().Get(name) }

// id is an id in the address, safe to be put into another one.
func (v *visit) id(name string) string { return url.PathEscape(v.r.PathValue(name)) }

func notHere() error { return errs.New(errs.NotFound, "there is no such page") }

// fail answers an error with a page. What was refused looks as if it was not there; the ledger knows better.
func (v *visit) fail(err error) error {
	switch errs.KindOf(err) {
	case errs.Denied, errs.NotFound, errs.Gone:
		err = notHere()
	case errs.Unauthenticated: // the API wants the second factor anew
		back := home
		if v.r.Method == http.MethodGet {
			back = v.r.URL.RequestURI()
		}
		http.Redirect(v.w, v.r, pages.Verify(back), http.StatusSeeOther)
		return nil
	default:
		v.log(err)
	}
	v.status, v.wrong = httpx.Status(err), problem{}
	return draw(v, "error", page[string]{Title: errorTitle(v.status), Body: sentence(errs.Public(err))})
}

// log writes what is ours to mend.
func (v *visit) log(err error) {
	if httpx.Status(err) >= http.StatusInternalServerError {
		v.console.cfg.Log.LogAttrs(v.r.Context(), slog.LevelError, "console page failed",
			slog.String("request", httpx.RequestID(v.r.Context())), slog.String("error", err.Error()))
	}
}
