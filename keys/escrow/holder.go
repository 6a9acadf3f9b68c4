package escrow

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"

	"github.com/tutela-health/tutela/internal/errs"
)

// Holder is somebody who keeps a share.
type Holder struct {
	Name string `json:"name"`
	// Key is the public key (P-256 point) that the share is sealed to; empty: the file itself is the
	// share, and whoever reads it has it.
	Key []byte `json:"key,omitempty"`
}

// Fingerprint is how people compare a holder's key; empty where there is none.
func (h Holder) Fingerprint() string {
	if len(h.Key) == 0 {
		return ""
	}
	sum := sha256.Sum256(h.Key)
	return hex.EncodeToString(sum[:10])
}

// NewHolderKey makes a holder's key pair as PEM: PKCS #8 and SubjectPublicKeyInfo, as openssl makes
// them for prime256v1.
func NewHolderKey() (private, public []byte, err error) {
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	defer clear(secret)
	open, err := x509.MarshalPKIXPublicKey(key.PublicKey())
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: open}), nil
}

// HolderPublic reads a holder's public key: the point that Holder.Key takes.
func HolderPublic(text []byte) ([]byte, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errs.New(errs.Invalid, "not a public key in PEM")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if key, ok := parsed.(*ecdsa.PublicKey); err == nil && ok {
		if point, err := key.ECDH(); err == nil && point.Curve() == ecdh.P256() {
			return point.Bytes(), nil
		}
	}
	return nil, errs.New(errs.Invalid, "not a public key on P-256: make one by tutela keys recovery holder")
}

// HolderPrivate reads a holder's private key.
func HolderPrivate(text []byte) (*ecdh.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errs.New(errs.Invalid, "not a private key in PEM")
	}
	defer clear(block.Bytes)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if key, ok := parsed.(*ecdsa.PrivateKey); err == nil && ok {
		if secret, err := key.ECDH(); err == nil && secret.Curve() == ecdh.P256() {
			return secret, nil
		}
	}
	return nil, errs.New(errs.Invalid, "not a private key on P-256 in PKCS #8")
}
