package escrow

import (
	"bytes"
	"crypto/ecdh"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
)

const wrapKind = "recovery-wrap-v1"

// wrapFile is a keyring key, sealed to the recovery key of a set.
type wrapFile struct {
	Tutela     string        `json:"tutela"` // wrapKind
	Set        string        `json:"set"`
	Tenant     tutela.Tenant `json:"tenant"`
	Generation int           `json:"generation"`
	Recovery   []byte        `json:"recovery"`
	Verifier   []byte        `json:"verifier"`
	Made       time.Time     `json:"made"`
	Sealed     []byte        `json:"sealed"`
}

func (w wrapFile) place() []byte {
	return encode([]byte(wrapKind), []byte(w.Set), []byte(w.Tenant), number(w.Generation), w.Recovery, w.Verifier, number(int(w.Made.Unix())))
}

// Wrap seals the keyring key of a generation to the set's recovery key. The file is for the holders, or
// another place that is neither database nor backup; the wraps of earlier generations are to be destroyed.
func (s Set) Wrap(generation int, keyring []byte, now time.Time) ([]byte, error) {
	if len(keyring) != keys.Size {
		return nil, fmt.Errorf("wrap a keyring key of %d bytes, want %d", len(keyring), keys.Size)
	}
	to, err := ecdh.P256().NewPublicKey(s.Recovery)
	if err != nil {
		return nil, fmt.Errorf("recovery key: %w", err)
	}
	w := wrapFile{
		Tutela: wrapKind, Set: s.ID, Tenant: s.Tenant, Generation: generation, Recovery: s.Recovery, Verifier: s.Verifier, Made: now.UTC().Truncate(time.Second),
	}
	if w.Sealed, err = sealTo(to, keyring, w.place()); err != nil {
		return nil, err
	}
	return encodeFile(w)
}

// About says what a wrap claims to be of; only Open tells whether it is.
type About struct {
	Set        string
	Tenant     tutela.Tenant
	Generation int
	Made       time.Time
}

// ReadWrap reads what a wrap claims to be of.
func ReadWrap(text []byte) (About, error) {
	w, err := readWrap(text)
	return About{w.Set, w.Tenant, w.Generation, w.Made}, err
}

func readWrap(text []byte) (wrapFile, error) {
	var w wrapFile
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil || w.Tutela != wrapKind {
		return w, errs.New(errs.Invalid, "the wrap is none of a keyring, or was altered")
	}
	return w, nil
}
