package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
)

// idTokenLife is how long an id_token may be presented. It is read once, at login.
const idTokenLife = time.Hour

// idClaims are the claims of an id_token (OpenID Connect Core, 2; SMART App Launch 2.2, "Scopes for
// requesting identity data").
type idClaims struct {
	Issuer   string        `json:"iss"`
	Subject  tutela.UserID `json:"sub"`
	Audience string        `json:"aud"`
	Expires  int64         `json:"exp"`
	IssuedAt int64         `json:"iat"`
	AuthTime int64         `json:"auth_time"`
	Nonce    string        `json:"nonce,omitempty"`
	ACR      string        `json:"acr,omitempty"`
	AMR      []string      `json:"amr,omitempty"`
	AtHash   string        `json:"at_hash,omitempty"`
	Session  string        `json:"sid,omitempty"`
	Username string        `json:"preferred_username,omitempty"`
	FHIRUser string        `json:"fhirUser,omitempty"`
}

// idToken signs who logged in, for the application that asked.
func (s *Server) idToken(ctx context.Context, t identity.Tokens) (string, error) {
	u, err := s.identity.UserByID(ctx, t.User)
	if err != nil {
		return "", err
	}
	now := s.cfg.Clock()
	c := idClaims{
		Issuer: s.cfg.Issuer, Subject: t.User, Audience: t.Client, Expires: now.Add(idTokenLife).Unix(), IssuedAt: now.Unix(),
		AuthTime: t.AuthTime.Unix(), Nonce: t.Nonce, ACR: t.ACR, AMR: t.AMR, AtHash: halfHash(t.Token), Session: t.Session,
	}
	if slices.Contains(t.Issued.Scopes, "profile") {
		c.Username = u.Username
	}
	if slices.Contains(t.Issued.Scopes, "fhirUser") && u.FHIRUser.ID != "" {
		c.FHIRUser = s.cfg.FHIR + "/" + u.FHIRUser.String()
	}
	return s.sign(ctx, c, "JWT")
}

// halfHash is at_hash (OpenID Connect Core, 3.1.3.6) for RS256.
func halfHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

// sign makes a JWT of a type with the key of today.
func (s *Server) sign(ctx context.Context, claims any, typ jose.ContentType) (string, error) {
	key, err := s.identity.SigningKey(ctx)
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: identity.IDTokenAlgorithm, Key: key}, (&jose.SignerOptions{}).WithType(typ))
	if err != nil {
		return "", err
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return jws.CompactSerialize()
}

// readIDToken verifies an id_token of ours, which may have expired (OpenID Connect RP-Initiated
// Logout 1.0, 2).
func (s *Server) readIDToken(ctx context.Context, text string) (idClaims, error) {
	bad := errs.New(errs.Invalid, "id_token_hint is not an id_token of this server")
	jws, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{identity.IDTokenAlgorithm})
	if err != nil || len(jws.Signatures) != 1 || jws.Signatures[0].Protected.ExtraHeaders[jose.HeaderType] != "JWT" {
		return idClaims{}, bad
	}
	keys, err := s.identity.VerificationKeys(ctx)
	if err != nil {
		return idClaims{}, err
	}
	for _, k := range keys {
		if k.KeyID != jws.Signatures[0].Protected.KeyID {
			continue
		}
		payload, err := jws.Verify(k.Key)
		var c idClaims
		if err != nil || json.Unmarshal(payload, &c) != nil || c.Issuer != s.cfg.Issuer {
			return idClaims{}, bad
		}
		return c, nil
	}
	return idClaims{}, bad
}
