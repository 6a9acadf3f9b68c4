package identity

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// verifiable is how long a key stays published after its successor came: an id_token lives an hour
// at most, and whoever fetched the key set may keep it that long too.
const verifiable = 24 * time.Hour

// signingLife is how long a key signs before the next one does of itself.
const signingLife = 90 * 24 * time.Hour

// IDTokenAlgorithm signs id_tokens and logout tokens: the one that every relying party has to
// understand (OpenID Connect Core, 15.1; SMART App Launch 2.2, "Scopes for requesting identity data").
const IDTokenAlgorithm = jose.RS256

// signingBits is 112 bits of strength, which SP 800-57 part 1 finds enough to the end of 2030: a
// key signs for 90 days what counts for an hour.
const signingBits = 2048

// signingKey is a key that signs id_tokens, as its item holds it under its number.
type signingKey struct {
	Number    int                     `json:"number"`
	Algorithm jose.SignatureAlgorithm `json:"alg"`
	Private   []byte                  `json:"private"` // PKCS #8
	Created   time.Time               `json:"created"`
}

// SigningKey gives the key that signs today. Where there is none, or it has grown old, or is not of
// today's algorithm, the next is made.
func (s *Service) SigningKey(ctx context.Context) (jose.JSONWebKey, error) {
	list, err := s.signingKeys(ctx)
	if err != nil {
		return jose.JSONWebKey{}, err
	}
	if len(list) == 0 || list[len(list)-1].Value.outdated(s.clock()) {
		err = s.addSigningKey(ctx, list, tutela.Actor{ID: "tutela-identity", Kind: tutela.ActorSystem, Name: "tutela identity"})
		if err != nil && !errs.Is(err, errs.Conflict) { // another was first
			return jose.JSONWebKey{}, err
		}
		if list, err = s.signingKeys(ctx); err != nil {
			return jose.JSONWebKey{}, err
		}
	}
	return list[len(list)-1].Value.key()
}

func (k signingKey) outdated(now time.Time) bool {
	return k.Algorithm != IDTokenAlgorithm || now.Sub(k.Created) >= signingLife
}

// VerificationKeys gives the public keys of all signatures that may still count.
func (s *Service) VerificationKeys(ctx context.Context) ([]jose.JSONWebKey, error) {
	if _, err := s.SigningKey(ctx); err != nil {
		return nil, err
	}
	list, err := s.signingKeys(ctx)
	if err != nil {
		return nil, err
	}
	public := make([]jose.JSONWebKey, len(list))
	for i, it := range list {
		k, err := it.Value.key()
		if err != nil {
			return nil, err
		}
		public[i] = k.Public()
	}
	return public, nil
}

// RotateSigningKey has a new key sign from now on, for an administrator. The old one stays
// published until what it signed has expired.
func (s *Service) RotateSigningKey(ctx context.Context, by tutela.Principal) error {
	if err := s.MayAdminister(ctx, by); err != nil {
		return s.noteRefusal(ctx, s.aboutSigner(actorOfPrincipal(by), ""), err)
	}
	return retried(func() error {
		list, err := s.signingKeys(ctx)
		if err != nil {
			return err
		}
		return s.addSigningKey(ctx, list, actorOfPrincipal(by))
	})
}

// addSigningKey makes the next key; the newest of list, which it replaces, gets its end.
func (s *Service) addSigningKey(ctx context.Context, list []item[signingKey], by tutela.Actor) error {
	number := 1
	var op store.Op
	if len(list) > 0 {
		last := list[len(list)-1]
		number = last.Value.Number + 1
		claim, err := putItem(ctx, s, itemSigningKey, last, "", s.clock().Add(verifiable))
		if err != nil {
			return err
		}
		op.Claims = append(op.Claims, claim)
	}
	private, err := rsa.GenerateKey(rand.Reader, signingBits)
	if err != nil {
		return fmt.Errorf("make signing key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return fmt.Errorf("encode signing key: %w", err)
	}
	name := strconv.Itoa(number)
	it := item[signingKey]{Name: name, Value: signingKey{Number: number, Algorithm: IDTokenAlgorithm, Private: der, Created: s.clock()}}
	claim, err := putItem(ctx, s, itemSigningKey, it, "", time.Time{})
	if err != nil {
		return err
	}
	op.Claims = append(op.Claims, claim)
	return s.commit(ctx, op, s.aboutSigner(by, name))
}

func (s *Service) aboutSigner(by tutela.Actor, number string) tutela.Entry {
	e := s.entry(tutela.ActionSignerRotate, by, tutela.OutcomeSuccess)
	e.Subject = &tutela.Subject{Kind: "signing-key", ID: number}
	return e
}

// signingKeys lists the keys that may still count, the oldest first.
func (s *Service) signingKeys(ctx context.Context) ([]item[signingKey], error) {
	list, err := listItems[signingKey](ctx, s, itemSigningKey, "")
	slices.SortFunc(list, func(a, b item[signingKey]) int { return a.Value.Number - b.Value.Number })
	return list, err
}

// key gives the private key under its RFC 7638 thumbprint.
func (k signingKey) key() (jose.JSONWebKey, error) {
	private, err := x509.ParsePKCS8PrivateKey(k.Private)
	if err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("decode signing key: %w", err)
	}
	jwk := jose.JSONWebKey{Key: private, Algorithm: string(k.Algorithm), Use: "sig"}
	thumbprint, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("name signing key: %w", err)
	}
	jwk.KeyID = base64.RawURLEncoding.EncodeToString(thumbprint)
	return jwk, nil
}
