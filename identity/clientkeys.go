package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// minRSABits is the least length of an RSA key that counts (SP 800-131A).
const minRSABits = 2048

// AssertionAlgorithms are those by which a client proves its key: the two of SMART App Launch 2.2 ("Client
// Authentication: Asymmetric"), and that of pipelines, whose keys sign attestations.
func AssertionAlgorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.RS384, jose.ES384, jose.ES256}
}

// ClientKeys reads a client's key set and gives the keys that count: public, strong enough, named, meant for
// signatures, and of the two kinds that SMART asks of clients.
func ClientKeys(set []byte) ([]jose.JSONWebKey, error) {
	keys, err := PipelineKeys(set)
	return slices.DeleteFunc(keys, func(k jose.JSONWebKey) bool { return Signs(k, string(jose.ES256)) }), err
}

// PipelineKeys is ClientKeys for a pipeline, whose key signs attestations too and may be one over P-256.
func PipelineKeys(set []byte) ([]jose.JSONWebKey, error) {
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

func usableKey(k jose.JSONWebKey) bool {
	if !k.IsPublic() || !k.Valid() || k.KeyID == "" || k.Use != "" && k.Use != "sig" {
		return false
	}
	switch key := k.Key.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen() >= minRSABits && (k.Algorithm == "" || k.Algorithm == string(jose.RS384))
	case *ecdsa.PublicKey:
		alg := curveAlgorithm(key.Curve)
		return alg != "" && (k.Algorithm == "" || k.Algorithm == string(alg))
	default:
		return false
	}
}

// curveAlgorithm is the one algorithm that a key over a curve signs assertions by (RFC 7518, 3.4).
func curveAlgorithm(c elliptic.Curve) jose.SignatureAlgorithm {
	switch c {
	case elliptic.P384():
		return jose.ES384
	case elliptic.P256():
		return jose.ES256
	}
	return ""
}

// Signs reports whether a key is one that signs by an algorithm: libraries look at neither its curve nor
// what it says it is for.
func Signs(k jose.JSONWebKey, algorithm string) bool {
	switch key := k.Key.(type) {
	case *rsa.PublicKey:
		return algorithm == string(jose.RS384)
	case *ecdsa.PublicKey:
		return algorithm == string(curveAlgorithm(key.Curve))
	}
	return false
}
