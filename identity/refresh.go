package identity

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// A family is all that came of one authorization: one refresh token after the other, of which only
// the newest counts, and the access tokens that they gave. An older one that comes again was
// stolen, or its successor was: the family ends (RFC 9700, 4.14.2).

const refreshPrefix = "tur_"

// Lifetimes of a family with offline access: since its last use, and since it began.
const (
	offlineIdle = 30 * 24 * time.Hour
	offlineLife = 90 * 24 * time.Hour
)

// The scopes that bring a refresh token (SMART App Launch 2.2, "Scopes for requesting a refresh token").
const (
	ScopeOffline = "offline_access" // outlives the session
	ScopeOnline  = "online_access"  // ends with it
)

// family is a family as its item holds it, under a name that only its refresh tokens hold.
type family struct {
	Authorization
	Epoch       int64     `json:"epoch"`
	ClientEpoch int64     `json:"clientEpoch"`
	Secret      []byte    `json:"secret,omitempty"` // SHA-256 of the newest refresh token's second half
	Started     time.Time `json:"started"`
	Revoked     bool      `json:"revoked,omitempty"`
}

func (f family) offline() bool { return slices.Contains(f.Scopes, ScopeOffline) }

func (f family) refreshable(c Client) bool {
	return c.Grants(GrantRefresh) && (f.offline() || slices.Contains(f.Scopes, ScopeOnline))
}

// owner is what a family ends with: the session, or for offline access the account.
func (f family) owner() string {
	if f.offline() {
		return string(f.User)
	}
	return f.Session
}

// boundTo is the session that the family's tokens die with.
func (f family) boundTo() string {
	if f.offline() {
		return ""
	}
	return f.Session
}

// Refresh gives tokens for a refresh token, which is worthless from then on. scopes, where there
// are any, narrow the access token; they never widen it (RFC 6749, 6).
func (s *Service) Refresh(ctx context.Context, text, client string, scopes []string) (Tokens, error) {
	t, err := s.refresh(ctx, text, client, scopes)
	if errs.Is(err, errs.Conflict) { // another use of the token was first: this one is the second
		t, err = s.refresh(ctx, text, client, scopes)
	}
	return t, err
}

// ClientOfRefresh tells to which client a refresh token was given, also one that was used before;
// errs.Invalid for what is none.
func (s *Service) ClientOfRefresh(ctx context.Context, text string) (string, error) {
	it, _, err := s.familyOf(ctx, text)
	return it.Value.Client, err
}

func (s *Service) refresh(ctx context.Context, text, client string, scopes []string) (Tokens, error) {
	it, current, err := s.familyOf(ctx, text)
	if err != nil {
		return Tokens{}, err
	}
	f := it.Value
	if f.Client != client {
		return Tokens{}, errInvalidGrant()
	}
	if !current {
		return Tokens{}, s.reused(ctx, it.Name)
	}
	for _, scope := range scopes {
		if !slices.Contains(f.Scopes, scope) {
			return Tokens{}, errs.New(errs.Denied, "a refresh cannot widen the scopes")
		}
	}
	c, err := s.clientSince(ctx, client, f.ClientEpoch)
	if err != nil {
		return Tokens{}, asInvalidGrant(err)
	}
	op, err := s.consentClaim(ctx, f.Authorization)
	if err != nil {
		return Tokens{}, asInvalidGrant(err)
	}
	t, entry, err := s.advance(ctx, &op, it, c, scopes...)
	if err != nil {
		return Tokens{}, asInvalidGrant(err)
	}
	return t, s.commit(ctx, op, entry)
}

// advance adds to an op the next generation of a family: an access token, and a refresh token
// where the family may have one.
func (s *Service) advance(ctx context.Context, op *store.Op, it item[family], c Client, scopes ...string) (Tokens, tutela.Entry, error) {
	f := &it.Value
	if len(scopes) == 0 {
		scopes = f.Scopes
	}
	a, t, err := s.prepareToken(ctx, IssueRequest{
		User: f.User, Client: f.Client, Session: f.boundTo(), Scopes: scopes, Patient: f.Patient, Assurance: f.ACR,
	})
	if err != nil {
		return Tokens{}, tutela.Entry{}, err
	}
	if a.Epoch != f.Epoch {
		return Tokens{}, tutela.Entry{}, errInvalidGrant()
	}
	t.Family, t.ClientEpoch = it.Name, c.Epoch
	issued, row, entry, err := s.mint(ctx, a, t)
	if err != nil {
		return Tokens{}, tutela.Entry{}, err
	}
	out := Tokens{Issued: issued, Authorization: f.Authorization}
	if f.refreshable(c) {
		secret := randomText(32)
		sum := sha256.Sum256([]byte(secret))
		f.Secret, out.Refresh = sum[:], refreshPrefix+it.Name+"."+secret
	}
	claim, err := putItem(ctx, s, itemFamily, it, f.owner(), s.familyExpires(*f))
	op.Claims, op.Inserts = append(op.Claims, claim), append(op.Inserts, row)
	return out, entry, err
}

// familyExpires is when a family ends that is not used again. An online one ends with its session
// anyway, which lives no longer than this.
func (s *Service) familyExpires(f family) time.Time {
	if !f.offline() {
		return s.clock().Add(s.absolute)
	}
	idle, end := s.clock().Add(offlineIdle), f.Started.Add(offlineLife)
	if idle.Before(end) {
		return idle
	}
	return end
}

// familyOf finds the family of a refresh token that has not ended. current is false for an older
// token of it: who knows a family's name has held one of its tokens.
func (s *Service) familyOf(ctx context.Context, text string) (it item[family], current bool, err error) {
	rest, ok := strings.CutPrefix(text, refreshPrefix)
	name, secret, halves := strings.Cut(rest, ".")
	if !ok || !halves {
		return it, false, errInvalidGrant()
	}
	it, found, err := loadItem[family](ctx, s, itemFamily, name)
	if err != nil {
		return it, false, err
	}
	if !found || it.Value.Revoked || len(it.Value.Secret) == 0 {
		return item[family]{}, false, errInvalidGrant()
	}
	sum := sha256.Sum256([]byte(secret))
	return it, subtle.ConstantTimeCompare(sum[:], it.Value.Secret) == 1, nil
}

// reused ends a family of which something came a second time, and gives the error that says so.
func (s *Service) reused(ctx context.Context, name string) error {
	err := retried(func() error {
		it, found, err := loadItem[family](ctx, s, itemFamily, name)
		if err != nil || !found || it.Value.Revoked {
			return err
		}
		entry := s.entry(tutela.ActionTokenReuse, tutela.Actor{Kind: tutela.ActorAnonymous}, tutela.OutcomeDenied)
		entry.Session, entry.Client = it.Value.Session, it.Value.Client
		entry.Subject = &tutela.Subject{Kind: "user", ID: string(it.Value.User), Detail: "all that came of the authorization has ended"}
		return s.endFamily(ctx, it, entry)
	})
	if err != nil {
		return err
	}
	return errInvalidGrant()
}

// endFamily marks a family as ended: its row stays until it expires, so that whoever is about to
// advance it loses.
func (s *Service) endFamily(ctx context.Context, it item[family], entry tutela.Entry) error {
	claim, err := s.endClaim(ctx, it)
	if err != nil {
		return err
	}
	return s.revoke(ctx, store.Op{Claims: []store.Claim{claim}}, entry)
}

func (s *Service) endClaim(ctx context.Context, it item[family]) (store.Claim, error) {
	it.Value.Revoked, it.Value.Secret = true, nil
	return putItem(ctx, s, itemFamily, it, it.Value.owner(), s.clock().Add(offlineLife))
}

// standing holds a token to what it rests on beside account and session: its family and its client.
func (s *Service) standing(ctx context.Context, t token) error {
	if t.ClientEpoch != 0 {
		if _, err := s.clientSince(ctx, t.Client, t.ClientEpoch); errors.Is(err, errClientChanged) {
			return unauthenticated()
		} else if err != nil {
			return err
		}
	}
	if t.Family == "" {
		return nil
	}
	it, found, err := loadItem[family](ctx, s, itemFamily, t.Family)
	if err == nil && (!found || it.Value.Revoked) {
		return unauthenticated()
	}
	return err
}
