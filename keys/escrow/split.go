package escrow

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"regexp"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys/shamir"
)

// Set is what is public of one split.
type Set struct {
	ID        string        `json:"id"` // 128 random bits
	Tenant    tutela.Tenant `json:"tenant"`
	Threshold int           `json:"threshold"` // shares that are needed
	Holders   []Holder      `json:"holders"`
	Recovery  []byte        `json:"recovery"` // public key that wraps are sealed to
	Verifier  []byte        `json:"verifier"` // public key of the shares' signatures; its private half was used once and forgotten
	Made      time.Time     `json:"made"`
}

// MostHolders keeps a set within what people can be asked for together.
const MostHolders = 20

func holderName() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$`) }

// Split makes a recovery key, splits it among holders so that threshold of them are needed, and
// forgets it. It gives a share file for each holder, in their order.
func Split(tenant tutela.Tenant, holders []Holder, threshold int, now time.Time) (Set, [][]byte, error) {
	if err := checkHolders(holders, threshold); err != nil {
		return Set{}, nil, err
	}
	recovery, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return Set{}, nil, fmt.Errorf("make recovery key: %w", err)
	}
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Set{}, nil, fmt.Errorf("make signing key: %w", err)
	}
	verifier, err := signer.PublicKey.Bytes()
	if err != nil {
		return Set{}, nil, fmt.Errorf("encode signing key: %w", err)
	}
	set := Set{
		ID: rand.Text(), Tenant: tenant, Threshold: threshold, Holders: holders,
		Recovery: recovery.PublicKey().Bytes(), Verifier: verifier, Made: now.UTC().Truncate(time.Second),
	}
	secret := recovery.Bytes()
	defer clear(secret)
	shares, err := shamir.Split(secret, threshold, len(holders))
	if err != nil {
		return Set{}, nil, err
	}
	files := make([][]byte, len(shares))
	for i, one := range shares {
		if files[i], err = set.share(holders[i], one, signer); err != nil {
			return Set{}, nil, err
		}
		clear(one.Values)
	}
	return set, files, nil
}

func checkHolders(holders []Holder, threshold int) error {
	if threshold < 2 || threshold > len(holders) || len(holders) > MostHolders {
		return errs.New(errs.Invalid, "%d holders of whom %d are needed: at least two are, and there are at most %d holders", len(holders), threshold, MostHolders)
	}
	seen := map[string]bool{}
	for _, h := range holders {
		if !holderName().MatchString(h.Name) || seen[h.Name] {
			return errs.New(errs.Invalid, "a holder's name is up to 40 letters, digits, dots and dashes, and nobody holds two shares")
		}
		seen[h.Name] = true
		if len(h.Key) == 0 {
			continue
		}
		if _, err := ecdh.P256().NewPublicKey(h.Key); err != nil || seen[string(h.Key)] {
			return errs.New(errs.Invalid, "the key of %s is no point of P-256, or another holder's too", h.Name)
		}
		seen[string(h.Key)] = true
	}
	return nil
}

// share makes a holder's file.
func (s Set) share(h Holder, one shamir.Share, signer *ecdsa.PrivateKey) ([]byte, error) {
	f := shareFile{
		Tutela: shareKind, Set: s.ID, Tenant: s.Tenant, Holder: h.Name, Point: int(one.Point), Threshold: s.Threshold, Holders: len(s.Holders),
		Recovery: s.Recovery, Verifier: s.Verifier, Made: s.Made, Share: one.Values,
	}
	if len(h.Key) > 0 {
		to, err := ecdh.P256().NewPublicKey(h.Key)
		if err != nil {
			return nil, fmt.Errorf("key of %s: %w", h.Name, err)
		}
		if f.Sealed, err = sealTo(to, one.Values, f.place()); err != nil {
			return nil, err
		}
		f.Share = nil
	}
	var err error
	if f.Signature, err = ecdsa.SignASN1(rand.Reader, signer, f.digest()); err != nil {
		return nil, fmt.Errorf("sign share: %w", err)
	}
	return encodeFile(f)
}

func encodeFile(v any) ([]byte, error) {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return append(text, '\n'), nil
}
