package oauth

import (
	"net/http"
	"net/url"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
)

// authenticate proves the client of a request to an endpoint that machines call, by exactly one
// method (RFC 6749, 2.3): a key, a secret in the header or in the form, or, for a public client,
// its name alone, or the refresh token that it was given. Failures are counted by address, and an address with too many is not listened to;
// cost is what the request takes of its budget besides.
func (s *Server) authenticate(r *http.Request, p params, cost float64) (identity.Client, error) {
	if err := s.paced(r, cost); err != nil {
		return identity.Client{}, err
	}
	c, err := s.prove(r, p)
	if err == nil && s.identity.From(r.Context(), c.ID, tutela.Principal{}) != nil {
		err = invalidClient("the client could not be authenticated")
	}
	if err == nil {
		return c, nil
	}
	if e := protocol(err, codeInvalidRequest); e.Code == codeInvalidClient {
		s.failures.Count(tutela.Entry{
			Address: httpx.Peer(r), Action: tutela.ActionClientProve, Outcome: tutela.OutcomeDenied, Status: e.Status,
		})
	}
	return identity.Client{}, err
}

func (s *Server) prove(r *http.Request, p params) (identity.Client, error) {
	_, asserted := p["client_assertion"]
	_, posted := p["client_secret"]
	basic := r.Header.Get("Authorization") != ""
	switch {
	case asserted && posted, asserted && basic, posted && basic:
		return identity.Client{}, badRequest(codeInvalidRequest, "a client proves itself in one way")
	case asserted:
		return s.byAssertion(r.Context(), p)
	case basic:
		return s.byHeader(r, p)
	case posted:
		return s.bySecret(r, p["client_id"], p["client_secret"])
	case p["client_id"] == "" && p["grant_type"] == identity.GrantRefresh:
		return s.byRefresh(r, p["refresh_token"])
	default:
		return s.byName(r, p["client_id"])
	}
}

// byRefresh finds the public client that a refresh token was given to: SMART App Launch 2.2 asks it
// for no more ("Refresh access token").
func (s *Server) byRefresh(r *http.Request, token string) (identity.Client, error) {
	id, err := s.identity.ClientOfRefresh(r.Context(), token)
	if errs.Is(err, errs.Invalid) {
		return identity.Client{}, invalidClient("the client has to prove or name itself")
	}
	if err != nil {
		return identity.Client{}, err
	}
	return s.byName(r, id)
}

// byHeader reads the header's two halves as form-encoded (RFC 6749, 2.3.1).
func (s *Server) byHeader(r *http.Request, p params) (identity.Client, error) {
	user, password, ok := r.BasicAuth()
	id, err := url.QueryUnescape(user)
	secret, err2 := url.QueryUnescape(password)
	if !ok || err != nil || err2 != nil {
		return identity.Client{}, invalidClient("the Authorization header cannot be read")
	}
	if named := p["client_id"]; named != "" && named != id {
		return identity.Client{}, badRequest(codeInvalidRequest, "client_id is not the client of the Authorization header")
	}
	return s.bySecret(r, id, secret)
}

func (s *Server) bySecret(r *http.Request, id, secret string) (identity.Client, error) {
	c, err := s.identity.ClientBySecret(r.Context(), id, secret)
	if errs.Is(err, errs.Unauthenticated) {
		return c, invalidClient("the client is not known by this id and secret")
	}
	return c, err
}

// byName accepts a public client, which PKCE and its redirect address protect instead.
func (s *Server) byName(r *http.Request, id string) (identity.Client, error) {
	c, err := s.identity.Client(r.Context(), id)
	if errs.Is(err, errs.NotFound) || err == nil && !c.Public {
		return identity.Client{}, invalidClient("the client has to prove itself")
	}
	return c, err
}
