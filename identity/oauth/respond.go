package oauth

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
)

// answer sends the browser back to the application. Every answer names the issuer, so that an
// application of several servers cannot be told one's code for another's (RFC 9207).
func (s *Server) answer(w http.ResponseWriter, q *request, values url.Values) {
	if q.State != "" {
		values.Set("state", q.State)
	}
	values.Set("iss", s.cfg.Issuer)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", withQuery(q.RedirectURI, values))
	w.WriteHeader(http.StatusSeeOther)
}

// sendBack answers a request with an error (RFC 6749, 4.1.2.1).
func (s *Server) sendBack(w http.ResponseWriter, r *http.Request, q *request, err error) {
	e := protocol(err, codeInvalidRequest)
	switch errs.KindOf(err) { //nolint:exhaustive // what is the person's matter has words of its own here
	case errs.Denied:
		e.Code = codeAccessDenied
	case errs.Unauthenticated:
		e.Code = codeLoginRequired
	}
	s.logFailure(r, e, err)
	s.answer(w, q, url.Values{"error": {e.Code}, "error_description": {e.Text}})
}

// showError tells the person of an error that must not be sent to an address nobody vouches for.
func (s *Server) showError(w http.ResponseWriter, r *http.Request, err error) {
	e := protocol(err, codeInvalidRequest)
	s.logFailure(r, e, err)
	s.cfg.Pages.Error(w, r, ErrorView{Status: e.Status, Code: e.Code, Text: e.Text})
}

// withQuery adds parameters to an address that may have some.
func withQuery(address string, values url.Values) string {
	separator := "?"
	if strings.Contains(address, "?") {
		separator = "&"
	}
	return address + separator + values.Encode()
}

// formTarget is what form-action must allow for an answer to reach an address: its origin, or its
// scheme where that is an application's own.
func formTarget(uri string) string {
	if origin := identity.OriginOf(uri); origin != "" {
		return origin
	}
	scheme, _, _ := strings.Cut(uri, ":")
	return scheme + ":"
}
