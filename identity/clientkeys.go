package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// minRSABits is the least length of an RSA key that counts (SP 800-131A).
const minRSABits = 2048

// AssertionAlgorithms are those by which a client proves its key (SMART App Launch 2.2, "Client
// Authentication: Asymmetric").
func AssertionAlgorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.RS384, jose.ES384}
}

// clientKeys reads a client's key set and gives the keys that count: public, strong enough, named,
// and meant for signatures.
func clientKeys(set []byte) ([]jose.JSONWebKey, error) {
	var raw struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(set, &raw); err != nil {
		return nil, fmt.Errorf("decode key set: %w", err)
	}
	var usable []jose.JSONWebKey
	for _, text := range raw.Keys {
		var k jose.JSONWebKey
		if json.Unmarshal(text, &k) == nil && usableKey(k) { // RFC 7517, 5: skip what is not understood
			usable = append(usable, k)
		}
	}
	return usable, nil
}

// ClientKeys is clientKeys for a set that was fetched from the client's address.
func ClientKeys(set []byte) ([]jose.JSONWebKey, error) { return clientKeys(set) }

func usableKey(k jose.JSONWebKey) bool {
	if !k.IsPublic() || !k.Valid() || k.KeyID == "" || k.Use != "" && k.Use != "sig" {
		return false
	}
	switch key := k.Key.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen() >= minRSABits && (k.Algorithm == "" || k.Algorithm == string(jose.RS384))
	case *ecdsa.PublicKey:
		return key.Curve == elliptic.P384() && (k.Algorithm == "" || k.Algorithm == string(jose.ES384))
	default:
		return false
	}
}
