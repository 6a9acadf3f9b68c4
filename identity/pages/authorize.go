package pages

import (
	"net/http"

	"github.com/tutela-health/tutela/identity/oauth"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
)

// Authorize draws what the authorization server asks of a person. Its forms carry the sealed
// request instead of a form token: the server bound it to the session.
type Authorize struct{ pages *Pages }

var _ oauth.Pages = Authorize{}

// Authorize gives the pages of the authorization server.
func (p *Pages) Authorize() Authorize { return Authorize{p} }

// Login implements oauth.Pages.
func (Authorize) Login(w http.ResponseWriter, r *http.Request, returnTo string) {
	http.Redirect(w, r, withReturn("/login", localReturn(returnTo)), http.StatusSeeOther)
}

// consentBody is what a question for consent draws.
type consentBody struct {
	oauth.ConsentView
	Scopes []scopeRow
}

type scopeRow struct {
	oauth.ScopeView
	Words string
}

// Consent implements oauth.Pages.
func (a Authorize) Consent(w http.ResponseWriter, r *http.Request, c oauth.ConsentView) {
	b := consentBody{ConsentView: c}
	for _, s := range c.Scopes {
		b.Scopes = append(b.Scopes, scopeRow{s, scopeWords(s.Scope, s.Resource)})
	}
	answer(a.pages.ask(w, r, c.Form), "consent", http.StatusOK, page[consentBody]{Title: "Allow " + c.Client.Name + "?", Body: b})
}

// Logout implements oauth.Pages.
func (a Authorize) Logout(w http.ResponseWriter, r *http.Request, q oauth.LogoutView) {
	answer(a.pages.ask(w, r, q.Form), "logout", http.StatusOK, page[oauth.LogoutView]{Title: "Sign out?", Body: q})
}

// LoggedOut implements oauth.Pages.
func (a Authorize) LoggedOut(w http.ResponseWriter, r *http.Request) {
	setCookie(w, sessionCookie, "")
	answer(a.pages.visit(w, r), "error", http.StatusOK, page[errorBody]{Title: "Signed out", Body: errorBody{
		Text: "Your session has ended, and every application's access that rested on it.", Back: "/login", BackLabel: "Sign in again",
	}})
}

// Error implements oauth.Pages.
func (a Authorize) Error(w http.ResponseWriter, r *http.Request, e oauth.ErrorView) {
	answer(a.pages.visit(w, r), "error", e.Status, page[errorBody]{Title: "The application's request cannot be answered", Body: errorBody{
		Text: sentence(e.Text) + " Tell whoever runs the application (" + e.Code + ").", Request: httpx.RequestID(r.Context()), Back: home, BackLabel: "To your account",
	}})
}

// ask begins a page whose form the authorization server takes.
func (p *Pages) ask(w http.ResponseWriter, r *http.Request, f oauth.Form) *visit {
	v := p.visit(w, r)
	v.formTarget = f.FormTarget
	return v
}

// answer draws a page of the authorization server, or says that it failed.
func answer[T any](v *visit, name string, status int, p page[T]) {
	if err := render(v, name, status, p); err != nil {
		v.fail(errs.Wrap(errs.Internal, err, ""))
	}
}
