package attest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// PayloadType is the media type of an in-toto statement within an envelope (in-toto attestation v1, "Envelope").
const PayloadType = "application/vnd.in-toto+json"

// Limits on what is read.
const (
	MaxEnvelope   = 64 << 20 // bytes of one envelope
	maxSignatures = 16
)

// Envelope is a DSSE envelope (secure-systems-lab/dsse, version 1.0.2).
type Envelope struct {
	PayloadType string      `json:"payloadType"`
	Payload     string      `json:"payload"` // base64
	Signatures  []Signature `json:"signatures"`
}

// Signature is one over the payload and its type.
type Signature struct {
	KeyID string `json:"keyid,omitempty"` // a hint, and not signed
	Sig   string `json:"sig"`             // base64
}

// ErrSignature says that no key that is trusted signed an envelope.
var ErrSignature = errors.New("no trusted key signed it")

// pae is what is signed: the pre-authentication encoding of DSSE's protocol.
func pae(kind string, payload []byte) []byte {
	return append(fmt.Appendf(nil, "DSSEv1 %d %s %d ", len(kind), kind, len(payload)), payload...)
}

// Sign puts a statement into an envelope.
func (s *Signer) Sign(st Statement) (Envelope, error) {
	payload, err := json.Marshal(st)
	if err != nil {
		return Envelope{}, fmt.Errorf("encode the statement: %w", err)
	}
	sum := sha256.Sum256(pae(PayloadType, payload))
	sig, err := ecdsa.SignASN1(rand.Reader, s.key, sum[:])
	if err != nil {
		return Envelope{}, fmt.Errorf("sign the statement: %w", err)
	}
	return Envelope{
		PayloadType: PayloadType, Payload: base64.StdEncoding.EncodeToString(payload),
		Signatures: []Signature{{KeyID: s.public.id, Sig: base64.StdEncoding.EncodeToString(sig)}},
	}, nil
}

// Parse reads one envelope. It says nothing of who signed it.
func Parse(text []byte) (Envelope, error) {
	var e Envelope
	if len(text) > MaxEnvelope {
		return e, fmt.Errorf("an envelope has at most %d MiB", MaxEnvelope>>20)
	}
	if err := json.Unmarshal(text, &e); err != nil || e.Payload == "" {
		return Envelope{}, errors.New("not a DSSE envelope")
	}
	if len(e.Signatures) > maxSignatures {
		return Envelope{}, fmt.Errorf("an envelope has at most %d signatures", maxSignatures)
	}
	return e, nil
}

// ParseLines reads envelopes, one a line (in-toto attestation v1, "Bundle").
func ParseLines(text []byte) ([]Envelope, error) {
	var list []Envelope
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		e, err := Parse(line)
		if err != nil {
			return nil, err
		}
		if list = append(list, e); len(list) > 1000 {
			return nil, errors.New("a bundle has at most 1000 envelopes")
		}
	}
	if len(list) == 0 {
		return nil, errors.New("no envelope is there")
	}
	return list, nil
}

// Verify gives the statement of an envelope that one of the keys signed, and that key; otherwise an
// error that is ErrSignature, or says what is wrong with what was signed.
func (e Envelope) Verify(keys ...*Verifier) (Statement, *Verifier, error) {
	payload, err := decode(e.Payload)
	if err != nil {
		return Statement{}, nil, fmt.Errorf("%w: its payload is not base64", ErrSignature)
	}
	signer := e.signer(payload, keys)
	if signer == nil {
		return Statement{}, nil, ErrSignature
	}
	if e.PayloadType != PayloadType {
		return Statement{}, nil, errors.New("what was signed is no in-toto statement")
	}
	st, err := parseStatement(payload)
	return st, signer, err
}

// signer is the key that signed; nil where none did. Key ids are hints that nobody vouches for: every key is tried.
func (e Envelope) signer(payload []byte, keys []*Verifier) *Verifier {
	sum := sha256.Sum256(pae(e.PayloadType, payload))
	for _, s := range e.Signatures[:min(len(e.Signatures), maxSignatures)] {
		sig, err := decode(s.Sig)
		if err != nil {
			continue
		}
		for _, k := range keys {
			if ecdsa.VerifyASN1(k.key, sum[:], sig) {
				return k
			}
		}
	}
	return nil
}

// decode takes both alphabets, as DSSE asks.
func decode(text string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		b, err = base64.URLEncoding.DecodeString(text)
	}
	if err != nil {
		return nil, fmt.Errorf("decode base64: %w", err)
	}
	return b, nil
}

// Signed gives what signatures are over, but for its type: it is the same however the envelope is written.
func (e Envelope) Signed() ([]byte, error) { return decode(e.Payload) }
