package attest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
)

// Signer holds a private key. It shows nobody that key.
type Signer struct {
	key    *ecdsa.PrivateKey
	public *Verifier
}

// Verifier holds a public key.
type Verifier struct {
	key *ecdsa.PublicKey
	id  string
}

// ID is the SHA-256 of the key as SubjectPublicKeyInfo (RFC 5280), in hex: what stands as keyid.
func (v *Verifier) ID() string { return v.id }

// Public is the key that others verify with.
func (s *Signer) Public() *Verifier { return s.public }

var errKey = errors.New("not an ECDSA key over P-256 in PEM (PKCS#8, or PKIX for the public key)")

// NewSigner makes a key.
func NewSigner() (*Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return signer(key)
}

// ReadSigner reads a private key in PEM, as PKCS#8 (RFC 5958).
func ReadSigner(text []byte) (*Signer, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, errKey
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errKey // the parser's words may show of the key
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errKey
	}
	return signer(key)
}

func signer(key *ecdsa.PrivateKey) (*Signer, error) {
	public, err := verifier(&key.PublicKey)
	return &Signer{key, public}, err
}

// ReadVerifier reads a public key in PEM (PKIX).
func ReadVerifier(text []byte) (*Verifier, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" {
		return nil, errKey
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, errKey
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errKey
	}
	return verifier(key)
}

func verifier(key *ecdsa.PublicKey) (*Verifier, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, fmt.Errorf("name a key: %w", err)
	}
	sum := sha256.Sum256(der)
	return &Verifier{key, hex.EncodeToString(sum[:])}, nil
}

// PEM gives the private key as PKCS#8, for the one who made it to keep.
func (s *Signer) PEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(s.key)
	if err != nil {
		return nil, fmt.Errorf("encode a key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// PEM gives the public key.
func (v *Verifier) PEM() ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(v.key)
	if err != nil {
		return nil, fmt.Errorf("encode a key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}
