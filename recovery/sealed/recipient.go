package sealed

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"log/slog"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
)

// Recipient is the public key of somebody who may open a stream.
type Recipient struct{ public *ecdh.PublicKey }

// Opener is the private half of a Recipient. It never prints.
type Opener struct{ private *ecdh.PrivateKey }

// LogValue hides the key.
func (Opener) LogValue() slog.Value { return slog.StringValue("redacted") }

// Format hides the key from every verb of fmt.
func (Opener) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("redacted")) }

const (
	idSize    = 8
	pointSize = 65 // uncompressed (SEC 1, 2.3.3)
	wrapSize  = keys.Size + keys.Overhead
)

// Generate makes an Opener, as PEM (PKCS #8).
func Generate() ([]byte, error) {
	k, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate key: %w", err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		return nil, fmt.Errorf("encode private key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), nil
}

// ParseRecipient reads a public key on P-256 in PEM, as openssl ec -pubout writes it.
func ParseRecipient(text []byte) (Recipient, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" {
		return Recipient{}, errs.New(errs.Invalid, "a recipient is a public key in PEM (BEGIN PUBLIC KEY)")
	}
	k, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return Recipient{}, errs.Wrap(errs.Invalid, err, "the recipient's public key cannot be read")
	}
	if k, ok := k.(*ecdsa.PublicKey); ok {
		if p, err := k.ECDH(); err == nil && p.Curve() == ecdh.P256() {
			return Recipient{p}, nil
		}
	}
	return Recipient{}, errs.New(errs.Invalid, "a recipient's key is one on P-256 (openssl ecparam -name prime256v1 -genkey)")
}

// ParseOpener reads a private key on P-256 in PEM (PKCS #8).
func ParseOpener(text []byte) (Opener, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return Opener{}, errs.New(errs.Invalid, "what opens a backup is a private key in PEM (BEGIN PRIVATE KEY; openssl pkcs8 -topk8 -nocrypt makes it of another form)")
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return Opener{}, errs.New(errs.Invalid, "the private key cannot be read") // the cause could tell of the key
	}
	if k, ok := k.(*ecdsa.PrivateKey); ok {
		if p, err := k.ECDH(); err == nil && p.Curve() == ecdh.P256() {
			return Opener{p}, nil
		}
	}
	return Opener{}, errs.New(errs.Invalid, "what opens a backup is a key on P-256")
}

// Recipient is the public half.
func (o Opener) Recipient() Recipient { return Recipient{o.private.PublicKey()} }

// PEM is the key as ParseRecipient reads it (PKIX).
func (r Recipient) PEM() ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(r.public)
	if err != nil {
		return nil, fmt.Errorf("encode public key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

// String names the key by the start of its hash.
func (r Recipient) String() string { return hex.EncodeToString(r.id()) }

func (r Recipient) id() []byte {
	sum := sha256.Sum256(r.public.Bytes())
	return sum[:idSize]
}

// stanza seals a file key to the recipient: id, ephemeral point, sealed key.
func (r Recipient) stanza(secret []byte) ([]byte, error) {
	ephemeral, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate ephemeral key: %w", err)
	}
	shared, err := ephemeral.ECDH(r.public)
	if err != nil {
		return nil, fmt.Errorf("agree with recipient %s: %w", r, err)
	}
	k, err := wrapKey(shared, ephemeral.PublicKey(), r.public)
	if err != nil {
		return nil, err
	}
	return k.Seal(append(r.id(), ephemeral.PublicKey().Bytes()...), secret, r.aad()), nil
}

// open gives the file key of the stanza that is for this Opener; nil where none is.
func (o Opener) open(stanzas []byte) ([]byte, error) {
	own := o.Recipient()
	for ; len(stanzas) > 0; stanzas = stanzas[idSize+pointSize+wrapSize:] {
		if !bytes.Equal(stanzas[:idSize], own.id()) {
			continue
		}
		point, err := ecdh.P256().NewPublicKey(stanzas[idSize : idSize+pointSize])
		if err != nil {
			return nil, damaged("header", "the ephemeral key is none")
		}
		shared, err := o.private.ECDH(point)
		if err != nil {
			return nil, damaged("header", "the ephemeral key agrees with none")
		}
		k, err := wrapKey(shared, point, own.public)
		if err != nil {
			return nil, err
		}
		secret, err := k.Open(nil, stanzas[idSize+pointSize:][:wrapSize], own.aad())
		if err != nil {
			return nil, damaged("header", "the file key does not open")
		}
		return secret, nil
	}
	return nil, nil
}

func (r Recipient) aad() keys.AAD { return keys.AAD{Purpose: "sealed-file-key", Subject: r.id()} }

func wrapKey(shared []byte, ephemeral, recipient *ecdh.PublicKey) (*keys.Key, error) {
	defer clear(shared)
	salt := append(ephemeral.Bytes(), recipient.Bytes()...)
	secret, err := hkdf.Key(sha256.New, shared, salt, "tutela sealed stream v1", keys.Size)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	return keys.NewKey(secret, 1)
}
