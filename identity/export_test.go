package identity

import "crypto/sha256"

// HashOf is how a token is filed.
func HashOf(token string) [32]byte { return sha256.Sum256([]byte(token)) }

// Proves reports whether a password is a verifier's.
func (v Verifier) Proves(password string) (bool, error) {
	h, err := v.derive(password)
	return string(h) == string(v.Hash), err
}
