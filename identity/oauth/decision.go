package oauth

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
)

// answered opens the request of a page's form and finds who answers. Only the session that the
// page was drawn for may: no other site, and no other login, has a request sealed for it.
func (s *Server) answered(w http.ResponseWriter, r *http.Request, purpose string) (q *request, f url.Values, v visitor, err error) {
	foreign := &oauthError{Status: http.StatusForbidden, Code: codeAccessDenied, Text: "this form is not valid any more: start again in the application"}
	if !s.sameOrigin(r) {
		return nil, nil, v, foreign
	}
	if f, err = form(w, r); err != nil {
		return nil, nil, v, err
	}
	if q, err = s.reopen(r.Context(), purpose, f.Get("request")); err != nil {
		return nil, nil, v, err
	}
	v, known, err := s.visitor(r)
	if err == nil && (!known || v.session.ID != q.Session) {
		err = foreign
	}
	return q, f, v, err
}

// decide takes the answer of a consent page.
func (s *Server) decide(w http.ResponseWriter, r *http.Request) {
	q, f, v, err := s.answered(w, r, sealConsent)
	if err != nil {
		s.showError(w, r, err)
		return
	}
	agreed := agreedScopes(q.Granted, f["scope"])
	if f.Get("decision") != "allow" || len(agreed) == 0 {
		s.declined(w, r, q, v)
		return
	}
	if err := s.agree(w, r, q, v, agreed); err != nil {
		s.sendBack(w, r, q, err)
	}
}

// agree keeps what the person agreed to and sends the code.
func (s *Server) agree(w http.ResponseWriter, r *http.Request, q *request, v visitor, agreed []string) error {
	c, err := s.identity.Client(r.Context(), q.Client)
	if err != nil {
		return err
	}
	// The registration may have shrunk while the page was open.
	asked := *q
	asked.Scopes = agreed
	if !slices.Contains(agreed, "launch") {
		asked.Launch = ""
	}
	a, missing, err := s.settle(r, &asked, c, v)
	if err != nil {
		return err
	}
	if missing {
		return badRequest(codeInvalidRequest, "no patient was chosen")
	}
	if err := s.identity.GiveConsent(r.Context(), v.session.ID, q.Client, a.Scopes); err != nil {
		return err
	}
	a.Consented = true
	s.sendCode(w, r, q, a)
	return nil
}

// agreedScopes are those of a question that stayed ticked. What cannot be unticked stays.
func agreedScopes(put, ticked []string) []string {
	var list []string
	for _, text := range put {
		if slices.Contains(ticked, text) || text == "openid" {
			list = append(list, text)
		}
	}
	if len(list) == 1 && list[0] == "openid" && !slices.Contains(ticked, "openid") && len(put) > 1 {
		return nil // everything that could be unticked was
	}
	return list
}

// declined sends the person's no back, and writes it down.
func (s *Server) declined(w http.ResponseWriter, r *http.Request, q *request, v visitor) {
	err := s.denied(r, tutela.Entry{
		Action: tutela.ActionAuthorize, Actor: actorOf(v.user), Session: v.session.ID, Client: q.Client,
		Assurance: v.session.ACR, Subject: &tutela.Subject{Kind: "client", ID: q.Client},
	})
	if err == nil {
		err = badRequest(codeAccessDenied, "the person declined")
	}
	s.sendBack(w, r, q, err)
}

// pick takes the answer of a patient picker and goes on.
func (s *Server) pick(w http.ResponseWriter, r *http.Request) {
	q, f, v, err := s.answered(w, r, sealPatient)
	if err != nil {
		s.showError(w, r, err)
		return
	}
	if f.Get("decision") == "deny" {
		s.declined(w, r, q, v)
		return
	}
	c, err := s.identity.Client(r.Context(), q.Client)
	if err == nil && !isID(f.Get("patient")) {
		err = errs.New(errs.Invalid, "choose a patient")
	}
	if err != nil {
		s.showError(w, r, err)
		return
	}
	q.Patient = tutela.PatientID(f.Get("patient"))
	s.proceed(w, r, q, c)
}

// isID tells what a FHIR id is written like (FHIR R4, datatypes.html#id).
func isID(text string) bool {
	return len(text) >= 1 && len(text) <= 64 && !slices.ContainsFunc([]byte(text), func(c byte) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '.'
	})
}

// sendCode answers a request with a code.
func (s *Server) sendCode(w http.ResponseWriter, r *http.Request, q *request, a identity.Authorization) {
	launch := ""
	if slices.Contains(a.Scopes, "launch") {
		launch = q.Launch
	}
	code, err := s.identity.IssueCode(r.Context(), a, identity.Binding{RedirectURI: q.RedirectURI, Challenge: q.Challenge}, launch)
	if err != nil {
		s.sendBack(w, r, q, err)
		return
	}
	s.answer(w, q, url.Values{"code": {code}})
}
