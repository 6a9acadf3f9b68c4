package federation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
)

// algorithms are those of id_tokens that are taken: asymmetric and approved ones. Neither none nor
// HS256, whose key would be a secret that we share (RFC 8725, 3.1 and 3.2).
func algorithms() []string {
	return []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512}
}

// Bounds on the claims of an id_token.
const (
	skew      = time.Minute      // between the provider's clock and ours
	freshness = 10 * time.Minute // an id_token is read as it is made
	maxSub    = 255              // OpenID Connect Core 1.0, 2
	maxValues = 500              // of a claim
)

// idToken is what we read of an id_token beside what go-oidc has checked.
type idToken struct {
	AZP      string `json:"azp"`
	ACR      string `json:"acr"`
	AMR      words  `json:"amr"`
	AuthTime int64  `json:"auth_time"`
	Email    string `json:"email"`
	Verified any    `json:"email_verified"`
	Username string `json:"preferred_username"`
}

// words is a list of texts, or one.
type words []string

// UnmarshalJSON reads either.
func (w *words) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*w = words{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(w))
}

// believe verifies an id_token (OpenID Connect Core 1.0, 3.1.3.7) and gives what it says.
func (s *Service) believe(ctx context.Context, p identity.Provider, got *published, f Flow, raw string) (identity.Outside, error) {
	doubt := func(err error) error {
		return errs.Wrap(errs.Unauthenticated, fmt.Errorf("provider %s: %w", p.ID, err), "what "+p.Name+" says about you cannot be believed; tell your administrator")
	}
	token, err := got.provider.Verifier(&oidc.Config{ClientID: p.ClientID, SupportedSigningAlgs: algorithms(), Now: s.cfg.Clock}).Verify(ctx, raw)
	if err != nil {
		return identity.Outside{}, doubt(err)
	}
	var c idToken
	var all map[string]any
	if err := errors.Join(token.Claims(&c), token.Claims(&all)); err != nil {
		return identity.Outside{}, doubt(err)
	}
	if err := s.judge(token, c, p, f); err != nil {
		return identity.Outside{}, doubt(err)
	}
	o := identity.Outside{
		Provider: p, Subject: token.Subject, Email: c.Email, Verified: c.Verified == true || c.Verified == "true", Username: c.Username,
		Roles: valuesOf(all, p.RolesClaim), ACR: c.ACR, AMR: c.AMR, Asked: f.Asked,
	}
	if c.AuthTime != 0 {
		o.AuthTime = time.Unix(c.AuthTime, 0)
	}
	return o, nil
}

// judge checks what binds an id_token to us alone and to this login.
func (s *Service) judge(t *oidc.IDToken, c idToken, p identity.Provider, f Flow) error {
	now := s.cfg.Clock()
	switch {
	case t.Issuer != p.Issuer:
		return errors.New("iss is another's")
	case !slices.Equal(t.Audience, []string{p.ClientID}):
		return errors.New("aud is not us alone")
	case c.AZP != "" && c.AZP != p.ClientID:
		return errors.New("azp is another's")
	case !same(f.Nonce, t.Nonce):
		return errors.New("nonce is not of this login")
	case t.Subject == "" || len(t.Subject) > maxSub:
		return errors.New("sub is missing or too long")
	case t.IssuedAt.Before(now.Add(-freshness)) || t.IssuedAt.After(now.Add(skew)):
		return errors.New("iat is not now")
	}
	return s.judgeAge(c, f, now)
}

// judgeAge holds a login outside to the age that was asked for, where it is said.
func (s *Service) judgeAge(c idToken, f Flow, now time.Time) error {
	if c.AuthTime == 0 {
		return nil // identity takes it for as old as may be
	}
	at := time.Unix(c.AuthTime, 0)
	oldest := now.Add(-s.cfg.Identity.MaxAge())
	if f.Purpose == Link || f.Purpose == StepUp {
		oldest = f.Asked
	}
	if at.After(now.Add(skew)) || at.Before(oldest.Add(-skew)) {
		return errors.New("auth_time is not what was asked for")
	}
	return nil
}

// valuesOf gives the texts of a claim, which may lie within others: realm_access.roles. A name that
// is there as it is written comes first, since URIs have dots.
func valuesOf(claims map[string]any, name string) []string {
	if name == "" {
		return nil
	}
	if v, ok := claims[name]; ok {
		return texts(v)
	}
	head, rest, _ := strings.Cut(name, ".")
	within, _ := claims[head].(map[string]any)
	return valuesOf(within, rest)
}

func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var list []string
		for _, e := range v[:min(len(v), maxValues)] {
			if t, ok := e.(string); ok {
				list = append(list, t)
			}
		}
		return list
	}
	return nil
}
