package identity

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// Inspected is what an authorization server knows of a token that is alive (RFC 7662, 2.2).
type Inspected struct {
	Principal tutela.Principal
	Scopes    []string
	Client    string
	Refresh   bool
	Patient   tutela.PatientID // launch context
	Encounter string
	Banner    bool // as the token's client was told
	Expires   time.Time
}

// Inspect looks at an access or refresh token. One that is not alive is errs.Unauthenticated.
func (s *Service) Inspect(ctx context.Context, text string) (Inspected, error) {
	if strings.HasPrefix(text, refreshPrefix) {
		return s.inspectRefresh(ctx, text)
	}
	p, err := s.Authenticate(ctx, "Bearer "+text)
	if err != nil {
		return Inspected{}, err
	}
	a, err := s.authorizationOf(ctx, text)
	if err != nil {
		return Inspected{}, err
	}
	return Inspected{Principal: p, Scopes: p.Scopes, Client: p.Client, Patient: p.Patient, Encounter: a.Encounter, Banner: a.Banner, Expires: p.Expires}, nil
}

// authorizationOf is what an access token came of; zero for one that came of none.
func (s *Service) authorizationOf(ctx context.Context, text string) (Authorization, error) {
	t, found, err := s.tokenByHash(ctx, sha256.Sum256([]byte(text)))
	if err != nil || !found || t.Family == "" {
		return Authorization{}, err
	}
	it, _, err := loadItem[family](ctx, s, itemFamily, t.Family)
	return it.Value.Authorization, err
}

// inspectRefresh does not end a family on an old token: asking about one is not using it.
func (s *Service) inspectRefresh(ctx context.Context, text string) (Inspected, error) {
	it, current, err := s.familyOf(ctx, text)
	if errs.Is(err, errs.Invalid) || err == nil && !current {
		return Inspected{}, unauthenticated()
	}
	if err != nil {
		return Inspected{}, err
	}
	f := it.Value
	a, err := s.accountByID(ctx, f.User)
	if err == nil && (!a.active() || a.Epoch != f.Epoch) {
		err = unauthenticated()
	}
	if err == nil && f.boundTo() != "" {
		_, _, err = s.liveSession(ctx, f.boundTo())
	}
	if err == nil {
		_, err = s.clientSince(ctx, f.Client, f.ClientEpoch)
	}
	if errors.Is(err, errClientChanged) || dead(err) {
		err = unauthenticated()
	}
	if err != nil {
		return Inspected{}, err
	}
	return Inspected{Principal: a.principal(s.ring.Tenant()), Scopes: f.Scopes, Client: f.Client, Refresh: true,
		Patient: f.Patient, Encounter: f.Encounter, Banner: f.Banner, Expires: s.familyExpires(f)}, nil
}

// RevokeFor ends a token for the client that it was given to; a refresh token with its whole
// family (RFC 7009, 2.1). What is not there, or not the client's, is errs.NotFound.
func (s *Service) RevokeFor(ctx context.Context, client, text string) error {
	missing := errs.New(errs.NotFound, "no such token")
	if strings.HasPrefix(text, refreshPrefix) {
		return retried(func() error {
			it, _, err := s.familyOf(ctx, text)
			if errs.Is(err, errs.Invalid) || err == nil && it.Value.Client != client {
				return missing
			}
			if err != nil {
				return err
			}
			return s.endFamily(ctx, it, s.revoked(it.Value.User, client, it.Value.Session))
		})
	}
	hash := sha256.Sum256([]byte(text))
	t, found, err := s.tokenByHash(ctx, hash)
	if err != nil {
		return err
	}
	if !found || t.Client != client {
		return missing
	}
	return s.deleteToken(ctx, hash, s.revoked(t.User, client, t.Session))
}

// revoked is the entry of a token that its client gave back.
func (s *Service) revoked(user tutela.UserID, client, session string) tutela.Entry {
	e := s.about(tutela.ActionTokenRevoke, tutela.Actor{ID: user, Kind: tutela.ActorPerson}, user)
	e.Client, e.Session = client, session
	return e
}
