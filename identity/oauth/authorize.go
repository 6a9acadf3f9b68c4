package oauth

import (
	"net/http"
	"slices"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
)

const authorizePath = "/oauth2/authorize"

// authorize is the authorization endpoint (RFC 6749, 3.1; OpenID Connect Core, 3.1.2).
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	p, err := queryOf(r)
	if err != nil {
		s.showError(w, r, err)
		return
	}
	if sealed, ok := p["resume"]; ok {
		s.resume(w, r, sealed)
		return
	}
	q, c, err := s.readRequest(r.Context(), p)
	switch {
	case q == nil:
		s.showError(w, r, err)
	case err != nil:
		s.sendBack(w, r, q, err)
	default:
		s.proceed(w, r, q, c)
	}
}

// authorizePost takes a request by form and turns it into one by address, which arrives with the
// browser's cookies whoever sent the form.
func (s *Server) authorizePost(w http.ResponseWriter, r *http.Request) {
	values, err := form(w, r)
	if err != nil {
		s.showError(w, r, err)
		return
	}
	values.Del("resume")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", authorizePath+"?"+values.Encode())
	w.WriteHeader(http.StatusSeeOther)
}

// resume goes on after a login.
func (s *Server) resume(w http.ResponseWriter, r *http.Request, sealed string) {
	q, err := s.reopen(r.Context(), sealLogin, sealed)
	if err != nil {
		s.showError(w, r, err)
		return
	}
	c, err := s.identity.Client(r.Context(), q.Client)
	if err == nil && !c.AllowsRedirect(q.RedirectURI) { // it changed meanwhile
		err = badRequest(codeInvalidRequest, "the address to return to is not one that the application registered")
	}
	if err != nil {
		s.showError(w, r, err)
		return
	}
	s.proceed(w, r, q, c)
}

// proceed takes a request as far as it goes without asking the person, and asks what is needed next.
func (s *Server) proceed(w http.ResponseWriter, r *http.Request, q *request, c identity.Client) {
	v, known, err := s.visitor(r)
	if err != nil {
		s.sendBack(w, r, q, err)
		return
	}
	if !known || q.stale(v.session) {
		s.askLogin(w, r, q)
		return
	}
	a, missing, err := s.settle(r, q, c, v)
	switch {
	case err != nil:
		s.sendBack(w, r, q, err)
	case missing:
		s.askPatient(w, r, q, c, v)
	case s.mustAsk(r, q, c, &a):
		s.askConsent(w, r, q, c, v, a)
	default:
		s.sendCode(w, r, q, a)
	}
}

// settle says what the person would let the application have. missing is true while a patient
// has to be picked for it.
func (s *Server) settle(r *http.Request, q *request, c identity.Client, v visitor) (a identity.Authorization, missing bool, err error) {
	scopes := granted(q.Scopes, c, v.user)
	if len(scopes) == 0 {
		return a, false, badRequest(codeInvalidScope, "none of the scopes is known, registered for the application and within what the account may")
	}
	a = identity.Authorization{
		User: v.user.ID, Client: c.ID, Session: v.session.ID, Scopes: scopes, Nonce: q.Nonce,
		AuthTime: v.session.AuthTime, AMR: v.session.AMR, ACR: v.session.ACR,
	}
	if q.Launch != "" && slices.Contains(scopes, "launch") {
		if err := s.launched(r, q, &a); err != nil {
			return a, false, err
		}
	}
	if !needsPatient(scopes) {
		return a, false, nil
	}
	return a, !settlePatient(&a, q, v.user), nil
}

// launched takes over what the EHR had open.
func (s *Server) launched(r *http.Request, q *request, a *identity.Authorization) error {
	l, err := s.identity.Launch(r.Context(), q.Launch, a.User, a.Client)
	if errs.Is(err, errs.NotFound) {
		return badRequest(codeInvalidRequest, "the launch is not known, has expired or was used")
	}
	a.Patient, a.Encounter, a.Banner = l.Patient, l.Encounter, l.Banner
	return err
}

// settlePatient finds whose chart it is about: of a patient's account the own and no other, else
// that of the launch, else the one that was picked.
func settlePatient(a *identity.Authorization, q *request, u identity.User) bool {
	switch {
	case u.Patient != "":
		a.Patient = u.Patient
	case a.Patient == "":
		a.Patient = q.Patient
	}
	return a.Patient != ""
}

// mustAsk reports whether the person has to agree, and notes on what the authorization rests.
func (s *Server) mustAsk(r *http.Request, q *request, c identity.Client, a *identity.Authorization) bool {
	if q.prompts("consent") {
		return true
	}
	if c.FirstParty {
		return false
	}
	kept, err := s.identity.Consent(r.Context(), a.User, a.Client)
	a.Consented = err == nil && kept.Covers(a.Scopes)
	return !a.Consented
}

func (s *Server) askLogin(w http.ResponseWriter, r *http.Request, q *request) {
	if q.prompts("none") {
		s.sendBack(w, r, q, badRequest(codeLoginRequired, "the person has to log in"))
		return
	}
	sealed, err := s.seal(r.Context(), sealLogin, q)
	if err != nil {
		s.sendBack(w, r, q, err)
		return
	}
	s.cfg.Pages.Login(w, r, authorizePath+"?resume="+sealed)
}

func (s *Server) askPatient(w http.ResponseWriter, r *http.Request, q *request, c identity.Client, v visitor) {
	if q.prompts("none") {
		s.sendBack(w, r, q, badRequest(codeInteractionRequired, "the person has to choose a patient"))
		return
	}
	q.Session = v.session.ID
	f, err := s.formOf(r, sealPatient, authorizePath+"/patient", q)
	if err != nil {
		s.sendBack(w, r, q, err)
		return
	}
	s.cfg.Pages.PickPatient(w, r, PickView{Form: f, Client: clientView(c, q), User: v.user.ID})
}

func (s *Server) askConsent(w http.ResponseWriter, r *http.Request, q *request, c identity.Client, v visitor, a identity.Authorization) {
	if q.prompts("none") {
		s.sendBack(w, r, q, badRequest(codeConsentRequired, "the person has to agree"))
		return
	}
	q.Session, q.Granted, q.Patient = v.session.ID, a.Scopes, a.Patient
	f, err := s.formOf(r, sealConsent, authorizePath+"/decision", q)
	if err != nil {
		s.sendBack(w, r, q, err)
		return
	}
	s.cfg.Pages.Consent(w, r, ConsentView{
		Form: f, Client: clientView(c, q), User: v.user.Username, Patient: a.Patient, Scopes: scopeViews(a.Scopes),
	})
}

func (s *Server) formOf(r *http.Request, purpose, action string, q *request) (Form, error) {
	sealed, err := s.seal(r.Context(), purpose, q)
	return Form{Action: action, Request: sealed, FormTarget: formTarget(q.RedirectURI)}, err
}

func scopeViews(scopes []string) []ScopeView {
	list := make([]ScopeView, len(scopes))
	for i, text := range scopes {
		list[i] = ScopeView{Scope: text, Required: text == "openid"}
		if s, ok := tutela.ParseScope(text); ok {
			list[i].Resource = &s
		}
	}
	return list
}

func clientView(c identity.Client, q *request) ClientView {
	origin := formTarget(q.RedirectURI)
	_, host, found := strings.Cut(origin, "://")
	if !found {
		host = strings.TrimSuffix(origin, ":")
	}
	return ClientView{ID: c.ID, Name: c.Name, Host: host}
}
