package escrow

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys/shamir"
)

const shareKind = "recovery-share-v1"

// shareFile is a holder's file. Share is there, or Sealed.
type shareFile struct {
	Tutela    string        `json:"tutela"` // shareKind
	Set       string        `json:"set"`
	Tenant    tutela.Tenant `json:"tenant"`
	Holder    string        `json:"holder"`
	Point     int           `json:"point"`
	Threshold int           `json:"threshold"`
	Holders   int           `json:"holders"`
	Recovery  []byte        `json:"recovery"`
	Verifier  []byte        `json:"verifier"`
	Made      time.Time     `json:"made"`
	Share     []byte        `json:"share,omitempty"`
	Sealed    []byte        `json:"sealed,omitempty"` // to the holder's key
	Signature []byte        `json:"signature"`
}

// place is what a sealed share is bound to.
func (f shareFile) place() []byte {
	return encode([]byte(shareKind), []byte(f.Set), []byte(f.Tenant), []byte(f.Holder), number(f.Point), number(f.Threshold), number(f.Holders),
		f.Recovery, f.Verifier, number(int(f.Made.Unix())))
}

// digest is what is signed.
func (f shareFile) digest() []byte {
	sum := sha256.Sum256(encode(f.place(), f.Share, f.Sealed))
	return sum[:]
}

// readShare reads a share of the set that a wrap is of.
func readShare(text []byte, w wrapFile) (shareFile, error) {
	var f shareFile
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil || f.Tutela != shareKind {
		return f, errs.New(errs.Invalid, "it is no share of a recovery key, or was altered")
	}
	if f.Set != w.Set || !bytes.Equal(f.Recovery, w.Recovery) {
		return f, errs.New(errs.Invalid, "the share of %q is of another split than the wrap", f.Holder)
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), w.Verifier)
	if err != nil {
		return f, errs.New(errs.Invalid, "the wrap was altered: its verifier is no key")
	}
	if f.Point < 1 || f.Point > shamir.Most || !bytes.Equal(f.Verifier, w.Verifier) || !ecdsa.VerifyASN1(key, f.digest(), f.Signature) {
		return f, errs.New(errs.Invalid, "the share of %q was altered", f.Holder)
	}
	return f, nil
}

// open gives what is in a share; private are the holders' keys that are there.
func (f shareFile) open(private []*ecdh.PrivateKey) (shamir.Share, error) {
	if len(f.Sealed) == 0 {
		return shamir.Share{Point: byte(f.Point), Values: f.Share}, nil
	}
	for _, key := range private {
		values, err := openWith(key, f.Sealed, f.place())
		if err == nil {
			return shamir.Share{Point: byte(f.Point), Values: values}, nil
		}
	}
	return shamir.Share{}, errs.New(errs.Precondition, "the share of %s is sealed to a key of the holder's, which was not given", f.Holder)
}

// join gives the private recovery key of enough shares.
func join(texts [][]byte, w wrapFile, private []*ecdh.PrivateKey) (*ecdh.PrivateKey, error) {
	files, err := readShares(texts, w)
	if err != nil {
		return nil, err
	}
	var shares []shamir.Share
	for _, f := range files {
		one, err := f.open(private)
		if err != nil {
			return nil, err
		}
		shares = append(shares, one)
	}
	return combine(shares, w)
}

// readShares reads as many shares of different holders as are needed, and names each that is not as it was made.
func readShares(texts [][]byte, w wrapFile) ([]shareFile, error) {
	var files []shareFile
	var wrong []string
	needed := 2
	holders := map[string]bool{}
	for i, text := range texts {
		f, err := readShare(text, w)
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("share %d: %s", i+1, errs.Public(err)))
			continue
		}
		if needed = f.Threshold; !holders[f.Holder] { // the same file twice is one share
			holders[f.Holder] = true
			files = append(files, f)
		}
	}
	switch {
	case len(wrong) > 1 && len(files) == 0:
		return nil, errs.New(errs.Invalid, "no share fits the wrap: it was altered, or is of another split (%s)", strings.Join(wrong, "; "))
	case len(wrong) > 0:
		return nil, errs.New(errs.Invalid, "%s", strings.Join(wrong, "; "))
	case len(files) < needed:
		return nil, errs.New(errs.Precondition, "%d shares of different holders are needed, and %d were given", needed, len(files))
	}
	return files, nil
}

func combine(shares []shamir.Share, w wrapFile) (*ecdh.PrivateKey, error) {
	secret, err := shamir.Combine(shares)
	if err != nil {
		return nil, fmt.Errorf("combine shares: %w", err)
	}
	defer clear(secret)
	key, err := ecdh.P256().NewPrivateKey(secret)
	if err != nil || !bytes.Equal(key.PublicKey().Bytes(), w.Recovery) {
		return nil, errs.New(errs.Invalid, "the shares do not give the recovery key of the wrap")
	}
	return key, nil
}
