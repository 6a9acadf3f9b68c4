package oauth

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
)

// roleService is the role of services that may ask about any token, as a resource server must.
const roleService = "service"

// introspection is what a caller learns of a token (RFC 7662, 2.2; SMART App Launch 2.2, "Token
// Introspection").
type introspection struct {
	Active    bool   `json:"active"`
	Scope     string `json:"scope,omitempty"`
	Client    string `json:"client_id,omitempty"`
	Username  string `json:"username,omitempty"`
	TokenType string `json:"token_type,omitempty"`
	Expires   int64  `json:"exp,omitempty"`
	Subject   string `json:"sub,omitempty"`
	Audience  string `json:"aud,omitempty"`
	Issuer    string `json:"iss,omitempty"`
	Patient   string `json:"patient,omitempty"`
	Encounter string `json:"encounter,omitempty"`
	Banner    *bool  `json:"need_patient_banner,omitempty"`
	FHIRUser  string `json:"fhirUser,omitempty"`
}

// introspect tells a confidential client whether a token is alive. A token that the caller may not
// know of is as good as dead, so that nobody can probe for others' tokens.
func (s *Server) introspect(w http.ResponseWriter, r *http.Request) {
	p, err := formParams(w, r)
	var c identity.Client
	if err == nil {
		c, err = s.authenticate(r, p, 0)
	}
	if err == nil && !c.Confidential() {
		err = invalidClient("the client has to prove itself")
	}
	var out introspection
	if err == nil {
		out, err = s.lookAt(r.Context(), c, p["token"])
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, out)
}

func (s *Server) lookAt(ctx context.Context, c identity.Client, token string) (introspection, error) {
	i, err := s.identity.Inspect(ctx, token)
	if isNobody(err) {
		return introspection{}, nil
	}
	if err != nil {
		return introspection{}, err
	}
	any, err := s.mayInspectAll(ctx, c)
	if err != nil || i.Client != c.ID && !any {
		return introspection{}, err
	}
	out := introspection{
		Active: true, Scope: strings.Join(i.Scopes, " "), Client: i.Client, Username: i.Principal.Username, Expires: i.Expires.Unix(),
		Subject: string(i.Principal.ID), Audience: s.cfg.FHIR, Issuer: s.cfg.Issuer, Patient: string(i.Patient), Encounter: i.Encounter,
	}
	if !i.Refresh {
		out.TokenType = "Bearer"
	}
	if i.Patient != "" {
		out.Banner = &i.Banner
	}
	if slices.Contains(i.Scopes, "fhirUser") && i.Principal.FHIRUser.ID != "" {
		out.FHIRUser = s.cfg.FHIR + "/" + i.Principal.FHIRUser.String()
	}
	return out, nil
}

// mayInspectAll reports whether a client acts as a service that resource servers are.
func (s *Server) mayInspectAll(ctx context.Context, c identity.Client) (bool, error) {
	if c.Account == "" {
		return false, nil
	}
	u, err := s.identity.UserByID(ctx, c.Account)
	if errs.Is(err, errs.NotFound) {
		return false, nil
	}
	return err == nil && !u.Disabled && slices.Contains(u.Roles, roleService), err
}

// revoke ends a token for its client (RFC 7009). What is no token is no error.
func (s *Server) revoke(w http.ResponseWriter, r *http.Request) {
	p, err := formParams(w, r)
	var c identity.Client
	if err == nil {
		c, err = s.authenticate(r, p, 0)
	}
	if err == nil && p["token"] == "" {
		err = badRequest(codeInvalidRequest, "token is missing")
	}
	if err == nil {
		err = s.identity.RevokeFor(r.Context(), c.ID, p["token"])
	}
	if err != nil && !errs.Is(err, errs.NotFound) {
		s.refuse(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, struct{}{})
}

// userinfo tells an application who its person is (OpenID Connect Core, 5.3).
func (s *Server) userinfo(w http.ResponseWriter, r *http.Request) {
	p, err := s.identity.Authenticate(r.Context(), r.Header.Get("Authorization"))
	switch {
	case isNobody(err):
		s.refuseBearer(w, http.StatusUnauthorized, codeInvalidToken)
		return
	case err != nil:
		s.refuse(w, r, err)
		return
	case !slices.Contains(p.Scopes, "openid"):
		s.refuseBearer(w, http.StatusForbidden, codeInsufficientScope)
		return
	}
	out := map[string]string{"sub": string(p.ID)}
	if slices.Contains(p.Scopes, "profile") {
		out["preferred_username"] = p.Username
	}
	if slices.Contains(p.Scopes, "fhirUser") && p.FHIRUser.ID != "" {
		out["fhirUser"] = s.cfg.FHIR + "/" + p.FHIRUser.String()
	}
	writeJSON(w, http.StatusOK, out)
}

// refuseBearer answers as RFC 6750, 3 says.
func (*Server) refuseBearer(w http.ResponseWriter, status int, code string) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="tutela", error="`+code+`"`)
	writeJSON(w, status, map[string]string{"error": code})
}
