package oauth

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/tutela-health/tutela/identity"
)

const tokenPath = "/oauth2/token" //nolint:gosec // an address

// tokenAnswer is what a client gets (RFC 6749, 5.1; SMART App Launch 2.2, "Response").
type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"` // seconds
	Scope        string `json:"scope"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
	Patient      string `json:"patient,omitempty"`
	Encounter    string `json:"encounter,omitempty"`
	Banner       *bool  `json:"need_patient_banner,omitempty"`
}

// token is the token endpoint (RFC 6749, 3.2).
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	p, err := formParams(w, r)
	var c identity.Client
	if err == nil {
		c, err = s.authenticate(r, p, costOfToken)
	}
	var out tokenAnswer
	if err == nil {
		out, err = s.grant(r.Context(), p, c)
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, out)
}

// grant gives tokens by the grant that is asked for, if the client may use it.
func (s *Server) grant(ctx context.Context, p params, c identity.Client) (tokenAnswer, error) {
	grant := p["grant_type"]
	if !slices.Contains(grants(), grant) {
		return tokenAnswer{}, badRequest(codeUnsupportedGrant, "the grant is not offered")
	}
	if !c.Grants(grant) {
		return tokenAnswer{}, badRequest(codeUnauthorizedClient, "the client is not registered for this grant")
	}
	switch grant {
	case identity.GrantCode:
		return s.redeem(ctx, p, c)
	case identity.GrantRefresh:
		return s.refresh(ctx, p, c)
	default:
		return s.serve(ctx, p, c)
	}
}

func grants() []string {
	return []string{identity.GrantCode, identity.GrantRefresh, identity.GrantCredentials}
}

// redeem exchanges a code.
func (s *Server) redeem(ctx context.Context, p params, c identity.Client) (tokenAnswer, error) {
	if !isVerifier(p["code_verifier"]) {
		return tokenAnswer{}, badRequest(codeInvalidGrant, "code_verifier has 43 to 128 unreserved characters")
	}
	t, err := s.identity.RedeemCode(ctx, p["code"], identity.Proof{
		Client: c.ID, RedirectURI: p["redirect_uri"], Verifier: p["code_verifier"],
	})
	if err != nil {
		return tokenAnswer{}, err
	}
	return s.answerFor(ctx, t)
}

// isVerifier holds a verifier to RFC 7636, 4.1.
func isVerifier(text string) bool {
	return len(text) >= 43 && len(text) <= 128 && !strings.ContainsFunc(text, func(r rune) bool {
		return notBase64URL(r) && r != '.' && r != '~'
	})
}

// refresh exchanges a refresh token.
func (s *Server) refresh(ctx context.Context, p params, c identity.Client) (tokenAnswer, error) {
	t, err := s.identity.Refresh(ctx, p["refresh_token"], c.ID, splitScopes(p["scope"]))
	if err != nil {
		return tokenAnswer{}, err
	}
	t.Nonce = "" // OpenID Connect Core, 12.2
	return s.answerFor(ctx, t)
}

// serve gives a service a token for itself (SMART App Launch 2.2, "Backend Services").
func (s *Server) serve(ctx context.Context, p params, c identity.Client) (tokenAnswer, error) {
	scopes := grantedService(splitScopes(p["scope"]), c)
	if len(scopes) == 0 {
		return tokenAnswer{}, badRequest(codeInvalidScope, "ask for scopes that the client is registered for: system/ ones, or scim")
	}
	issued, err := s.identity.IssueService(ctx, c, scopes)
	if err != nil {
		return tokenAnswer{}, err
	}
	return s.answerOf(issued), nil
}

func (s *Server) answerOf(i identity.Issued) tokenAnswer {
	return tokenAnswer{
		AccessToken: i.Token, TokenType: "Bearer", Scope: strings.Join(i.Scopes, " "),
		ExpiresIn: int(i.Expires.Sub(s.cfg.Clock()).Seconds()),
	}
}

// answerFor adds to a token what an application learns of its person and context.
func (s *Server) answerFor(ctx context.Context, t identity.Tokens) (tokenAnswer, error) {
	out := s.answerOf(t.Issued)
	out.RefreshToken, out.Patient, out.Encounter = t.Refresh, string(t.Patient), t.Encounter
	if t.Patient != "" {
		out.Banner = &t.Banner
	}
	if !slices.Contains(t.Issued.Scopes, "openid") {
		return out, nil
	}
	var err error
	out.IDToken, err = s.idToken(ctx, t)
	return out, err
}
