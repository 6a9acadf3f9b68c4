package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// Bounds on an assertion (SMART App Launch 2.2, "Client Authentication: Asymmetric").
const (
	assertionLife = 5 * time.Minute // how far ahead exp may lie
	assertionSkew = 30 * time.Second
	maxAssertion  = 16 << 10
	maxJTI        = 255
)

// claims of an assertion (RFC 7523, 3).
type assertionClaims struct {
	Issuer    string       `json:"iss"`
	Subject   string       `json:"sub"`
	Audience  audience     `json:"aud"`
	Expires   *json.Number `json:"exp"`
	IssuedAt  *json.Number `json:"iat"`
	NotBefore *json.Number `json:"nbf"`
	ID        string       `json:"jti"`
}

// audience is a string or a list of them (RFC 7519, 4.1.3).
type audience []string

// UnmarshalJSON implements json.Unmarshaler.
func (a *audience) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(a))
}

// byAssertion proves a client by a JWT that its key signed. Whatever is wrong with it, the client
// is not proved.
func (s *Server) byAssertion(ctx context.Context, p params) (identity.Client, error) {
	if p["client_assertion_type"] != assertionType {
		return identity.Client{}, badRequest(codeInvalidRequest, "client_assertion_type is "+assertionType)
	}
	c, err := s.asserted(ctx, p["client_assertion"])
	switch {
	case err == nil && p["client_id"] != "" && p["client_id"] != c.ID:
		return identity.Client{}, invalidClient("client_id is not the client of the assertion")
	case errors.Is(err, errAssertion), errs.Is(err, errs.NotFound), errs.Is(err, errs.Unauthenticated):
		return identity.Client{}, invalidClient("the assertion does not prove the client: it is signed by a registered key with RS384 or ES384 (a pipeline's with ES256 too), " +
			"has a kid, iss and sub the client's id, aud the token endpoint or the issuer, exp at most 5 minutes ahead and a jti of its own")
	}
	return c, err
}

// errAssertion says that an assertion proves nothing.
var errAssertion = errors.New("assertion is not valid")

func (s *Server) asserted(ctx context.Context, text string) (identity.Client, error) {
	if len(text) > maxAssertion {
		return identity.Client{}, errAssertion
	}
	// The list is closed: alg none, and HMAC under a public key taken for a secret, do not parse.
	jws, err := jose.ParseSignedCompact(text, identity.AssertionAlgorithms())
	if err != nil || len(jws.Signatures) != 1 {
		return identity.Client{}, errAssertion
	}
	var claimed assertionClaims
	if json.Unmarshal(jws.UnsafePayloadWithoutVerification(), &claimed) != nil {
		return identity.Client{}, errAssertion
	}
	c, err := s.identity.Client(ctx, claimed.Issuer) // whose key it must be; nothing else is believed yet
	if err != nil {
		return c, err
	}
	header := jws.Signatures[0].Protected
	if !c.UsesKeys() || !addressedRight(header, c) {
		return c, errAssertion
	}
	payload, err := s.verify(ctx, c, jws, header)
	if err != nil {
		return c, err
	}
	expires, err := s.checkClaims(payload, c)
	if err != nil {
		return c, err
	}
	return c, s.identity.UseAssertion(ctx, c, claimed.ID, expires.Add(assertionSkew))
}

// addressedRight reports whether a header leads nowhere but to the registered keys. A jku is
// compared and never followed; an embedded key or chain is never looked at.
func addressedRight(h jose.Header, c identity.Client) bool {
	for name, value := range h.ExtraHeaders {
		switch name {
		case jose.HeaderType:
			if value != "JWT" {
				return false
			}
		case "jku":
			if value != c.JWKSURL || c.JWKSURL == "" {
				return false
			}
		default:
			return false
		}
	}
	return h.KeyID != "" && h.JSONWebKey == nil
}

// verify finds the registered key that signed, looking once more where the client publishes its
// keys when the name is new.
func (s *Server) verify(ctx context.Context, c identity.Client, jws *jose.JSONWebSignature, h jose.Header) ([]byte, error) {
	for _, afresh := range []bool{false, true} {
		keys, err := s.clientKeys(ctx, c, afresh)
		if err != nil {
			return nil, err
		}
		for _, k := range keys {
			if k.KeyID != h.KeyID {
				continue
			}
			if payload, err := jws.Verify(k.Key); err == nil && identity.Signs(k, h.Algorithm) {
				return payload, nil
			}
			return nil, errAssertion
		}
		if c.JWKSURL == "" {
			break
		}
	}
	return nil, errAssertion
}

func (s *Server) clientKeys(ctx context.Context, c identity.Client, afresh bool) ([]jose.JSONWebKey, error) {
	if c.JWKSURL == "" {
		return c.Keys()
	}
	return s.keys.get(ctx, c.JWKSURL, afresh)
}

// checkClaims holds the signed claims to what they must say, and gives when they end. The audience
// is the token endpoint (SMART App Launch 2.2) or the issuer, to which today's clients address
// themselves (draft-ietf-oauth-rfc7523bis): neither is a name that another server can have.
func (s *Server) checkClaims(payload []byte, c identity.Client) (time.Time, error) {
	var claims assertionClaims
	if err := json.Unmarshal(payload, &claims); err != nil {
		return time.Time{}, errAssertion
	}
	now := s.cfg.Clock()
	expires, ok := moment(claims.Expires)
	switch {
	case !ok || !now.Before(expires) || expires.After(now.Add(assertionLife)):
	case claims.Issuer != c.ID || claims.Subject != c.ID:
	case !slices.Contains(claims.Audience, s.cfg.Issuer+tokenPath) && !slices.Contains(claims.Audience, s.cfg.Issuer):
	case claims.ID == "" || len(claims.ID) > maxJTI:
	case !past(claims.IssuedAt, now) || !past(claims.NotBefore, now):
	default:
		return expires, nil
	}
	return time.Time{}, errAssertion
}

// past reports whether a time, where one is given, does not lie ahead.
func past(n *json.Number, now time.Time) bool {
	if n == nil {
		return true
	}
	t, ok := moment(n)
	return ok && !t.After(now.Add(assertionSkew))
}

// moment reads a NumericDate (RFC 7519, 2).
func moment(n *json.Number) (time.Time, bool) {
	if n == nil {
		return time.Time{}, false
	}
	seconds, err := n.Float64()
	if err != nil || seconds < 0 || seconds > 1<<40 {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(seconds * 1000)), true
}
