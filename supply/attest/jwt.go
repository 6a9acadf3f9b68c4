package attest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// JWK is the public key as others take it for a client's (RFC 7517), named by its ID.
func (v *Verifier) JWK() jose.JSONWebKey {
	return jose.JSONWebKey{Key: v.key, KeyID: v.id, Algorithm: string(jose.ES256), Use: "sig"}
}

// assertionLife is how long an assertion may be used, in which it is used once.
const assertionLife = 2 * time.Minute

// Assertion proves to a token endpoint that the caller is a client whose key this is (RFC 7523, 3). What is signed
// has two dots and no space, and an envelope's text has spaces and no such form: neither is taken for the other.
func (s *Signer) Assertion(client, audience string, now time.Time) (string, error) {
	by, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: s.key, KeyID: s.public.id}}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", fmt.Errorf("sign an assertion: %w", err)
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails: it ends the process instead
	claims, err := json.Marshal(map[string]any{
		"iss": client, "sub": client, "aud": audience, "iat": now.Unix(), "exp": now.Add(assertionLife).Unix(), "jti": hex.EncodeToString(id[:]),
	})
	if err != nil {
		return "", fmt.Errorf("encode an assertion: %w", err)
	}
	signed, err := by.Sign(claims)
	if err != nil {
		return "", fmt.Errorf("sign an assertion: %w", err)
	}
	return signed.CompactSerialize()
}

// VerifierOf takes a public key that others gave as a client's; false where it signs no statements.
func VerifierOf(k jose.JSONWebKey) (*Verifier, bool) {
	key, ok := k.Key.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, false
	}
	v, err := verifier(key)
	return v, err == nil
}
