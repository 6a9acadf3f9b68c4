package identity

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// Authorization codes live a minute and are used once (RFC 6749, 4.1.2; RFC 9700, 2.1.1).
const (
	codeLife   = time.Minute
	codePrefix = "tuc_"
	// codeRemembered is how long a used code is known, so that its second use ends what came of
	// the first: as long as a token of it may live.
	codeRemembered = longestPersonToken + codeLife
)

// Authorization is what a person let a client have.
type Authorization struct {
	User      tutela.UserID    `json:"user"`
	Client    string           `json:"client"`
	Session   string           `json:"session"` // in which the person agreed
	Scopes    []string         `json:"scopes"`
	Patient   tutela.PatientID `json:"patient,omitempty"`   // launch context
	Encounter string           `json:"encounter,omitempty"` // launch context
	Banner    bool             `json:"banner,omitempty"`    // the application shows whose chart it is
	AuthTime  time.Time        `json:"authTime"`
	AMR       []string         `json:"amr"`
	ACR       string           `json:"acr"`
	Nonce     string           `json:"nonce,omitempty"`
	Consented bool             `json:"consented,omitempty"` // rests on a kept consent
}

// Binding is what a code is bound to beside its client: the address that it was sent to, and the
// S256 challenge of whoever asked (RFC 7636, 4.2).
type Binding struct {
	RedirectURI string `json:"redirectURI"`
	Challenge   string `json:"challenge"`
}

// Proof is what comes with a code.
type Proof struct {
	Client      string
	RedirectURI string
	Verifier    string
}

// Tokens are what a client gets for a code or a refresh token.
type Tokens struct {
	Issued
	Refresh string // empty: none
	Authorization
}

// codeRecord is a code as its item holds it, under the code's hash.
type codeRecord struct {
	Authorization
	Binding
	Epoch       int64  `json:"epoch"`            // of the account
	ClientEpoch int64  `json:"clientEpoch"`      // of the client
	Family      string `json:"family,omitempty"` // what came of it; empty: it was not used
}

// errInvalidGrant says of every code or refresh token that is not, or no more, good the same
// (RFC 6749, 5.2).
func errInvalidGrant() error {
	return errs.New(errs.Invalid, "the code or refresh token is not valid, has expired, was used before, or belongs to another client or address")
}

// IssueCode gives a code for what a person let a client have. launch, where there is one, is the
// EHR launch that this uses up.
func (s *Service) IssueCode(ctx context.Context, a Authorization, b Binding, launch string) (string, error) {
	session, who, err := s.liveSession(ctx, a.Session)
	if err != nil {
		return "", err
	}
	client, err := s.Client(ctx, a.Client)
	if err != nil {
		return "", err
	}
	if session.Value.User != a.User || who.Patient != "" && a.Patient != "" && a.Patient != who.Patient {
		return "", errs.New(errs.Denied, "the account may not agree to this")
	}
	code := codePrefix + randomText(32)
	record := codeRecord{Authorization: a, Binding: b, Epoch: who.Epoch, ClientEpoch: client.Epoch}
	claim, err := putItem(ctx, s, itemCode, item[codeRecord]{Name: hashName(code), Value: record}, a.Session, s.clock().Add(codeLife))
	if err != nil {
		return "", err
	}
	op := store.Op{Claims: []store.Claim{claim}}
	if launch != "" {
		op.Deletes = append(op.Deletes, s.dropItem(itemLaunch, hashName(launch)))
	}
	entry := s.entry(tutela.ActionAuthorize, actorOf(who.User), tutela.OutcomeSuccess)
	entry.Client, entry.Session, entry.Assurance, entry.Address = a.Client, a.Session, a.ACR, session.Value.Address
	entry.Subject = &tutela.Subject{Kind: "client", ID: a.Client}
	return code, s.commit(ctx, op, entry)
}

// RedeemCode gives tokens for a code, once. A second use ends all that came of the first
// (RFC 6749, 4.1.2): somebody has the code who should not.
func (s *Service) RedeemCode(ctx context.Context, code string, p Proof) (Tokens, error) {
	it, found, err := loadItem[codeRecord](ctx, s, itemCode, hashName(code))
	if err != nil {
		return Tokens{}, err
	}
	if !found || !it.Value.provedBy(p) {
		return Tokens{}, errInvalidGrant()
	}
	if it.Value.Family != "" {
		return Tokens{}, s.reused(ctx, it.Value.Family)
	}
	t, err := s.useCode(ctx, it)
	if errs.Is(err, errs.Conflict) { // somebody used it, or took the consent back, just now
		it, found, err = loadItem[codeRecord](ctx, s, itemCode, hashName(code))
		if err == nil && found && it.Value.Family != "" {
			err = s.reused(ctx, it.Value.Family)
		} else if err == nil {
			err = errInvalidGrant()
		}
	}
	return t, err
}

// useCode makes the family that comes of a code, its first tokens, and the code used, in one op.
func (s *Service) useCode(ctx context.Context, it item[codeRecord]) (Tokens, error) {
	c := it.Value
	client, err := s.clientSince(ctx, c.Client, c.ClientEpoch)
	if err != nil {
		return Tokens{}, asInvalidGrant(err)
	}
	op, err := s.consentClaim(ctx, c.Authorization)
	if err != nil {
		return Tokens{}, asInvalidGrant(err)
	}
	f := item[family]{Name: randomText(16), Value: family{
		Authorization: c.Authorization, Epoch: c.Epoch, ClientEpoch: c.ClientEpoch, Started: s.clock(),
	}}
	t, entry, err := s.advance(ctx, &op, f, client)
	if err != nil {
		return Tokens{}, asInvalidGrant(err)
	}
	it.Value.Family = f.Name
	claim, err := putItem(ctx, s, itemCode, it, c.Session, s.clock().Add(codeRemembered))
	if err != nil {
		return Tokens{}, err
	}
	op.Claims = append(op.Claims, claim)
	return t, s.commit(ctx, op, entry)
}

// provedBy holds the bearer of a code to what it is bound to.
func (c codeRecord) provedBy(p Proof) bool {
	return same(c.Client, p.Client) && same(c.RedirectURI, p.RedirectURI) && same(c.Challenge, ChallengeOf(p.Verifier))
}

// ChallengeOf is the S256 challenge of a verifier (RFC 7636, 4.2).
func ChallengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// same compares what may be secret in a time that tells nothing but the lengths.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// hashName is the name under which a secret's item is kept.
func hashName(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// asInvalidGrant says of a grant that no longer stands what is said of every bad one.
func asInvalidGrant(err error) error {
	if err == nil || !errors.Is(err, errClientChanged) && !dead(err) && !errs.Is(err, errs.Denied) {
		return err
	}
	return errInvalidGrant()
}

// dead tells a dead session, account or token from a failure to find out.
func dead(err error) bool { return errs.Is(err, errs.Unauthenticated) || errs.Is(err, errs.NotFound) }
