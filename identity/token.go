package identity

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// Lifetimes of access tokens: one hour for people, the most that a person's token should live;
// a try-out service has no way to renew one yet and gets a day.
const (
	personTokenLife  = time.Hour
	serviceTokenLife = 24 * time.Hour
)

// tokenPrefix lets scanners find a leaked token.
const tokenPrefix = "tut_"

// token is what the store keeps of an access token, sealed, under the token's hash.
type token struct {
	User      tutela.UserID `json:"user"`
	Client    string        `json:"client"`
	Session   string        `json:"session,omitempty"`
	Scopes    []string      `json:"scopes"`
	Assurance string        `json:"aal,omitempty"`
	Expires   time.Time     `json:"expires"`
}

// Issued is an access token in the only moment in which it is known.
type Issued struct {
	Token   string
	Scopes  []string
	Expires time.Time
}

// Issue gives an account an access token for a client. Assurance says how the account was proved.
func (s *Service) Issue(ctx context.Context, username, client, assurance string) (Issued, error) {
	u, err := s.userByName(ctx, username)
	if err != nil {
		return Issued{}, err
	}
	life := personTokenLife
	if u.Kind == tutela.ActorService {
		life = serviceTokenLife
	}
	text := tokenPrefix + randomText(32)
	t := token{User: u.ID, Client: client, Session: randomText(12), Scopes: u.Scopes, Assurance: assurance, Expires: s.clock().Add(life)}
	entry := s.entry(tutela.ActionTokenIssue, actorOf(u), tutela.OutcomeSuccess)
	entry.Client, entry.Session, entry.Assurance = client, t.Session, assurance
	if err := s.insertToken(ctx, sha256.Sum256([]byte(text)), t, entry); err != nil {
		return Issued{}, err
	}
	return Issued{Token: text, Scopes: t.Scopes, Expires: t.Expires}, nil
}

// Authenticate proves the caller by the value of an Authorization header (RFC 6750). Every
// failure is errs.Unauthenticated and says the same.
func (s *Service) Authenticate(ctx context.Context, authorization string) (tutela.Principal, error) {
	scheme, text, ok := strings.Cut(authorization, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || !strings.HasPrefix(text, tokenPrefix) {
		return tutela.Principal{}, unauthenticated()
	}
	hash := sha256.Sum256([]byte(text))
	p, ok, epoch := s.cache.get(hash)
	if ok && s.fresh() {
		return s.alive(p)
	}
	t, found, err := s.tokenByHash(ctx, hash)
	if err != nil {
		return tutela.Principal{}, err
	}
	if !found {
		return tutela.Principal{}, unauthenticated()
	}
	u, err := s.userByID(ctx, t.User)
	if errs.Is(err, errs.NotFound) {
		return tutela.Principal{}, unauthenticated()
	}
	if err != nil {
		return tutela.Principal{}, err
	}
	p = u.principal(s.ring.Tenant())
	p.Scopes, p.Client, p.Session, p.Assurance, p.Expires = t.Scopes, t.Client, t.Session, t.Assurance, t.Expires
	s.cache.put(hash, p, epoch)
	return s.alive(p)
}

// Revoke ends a token everywhere. Revoking what is not there is no error (RFC 7009, 2.2).
func (s *Service) Revoke(ctx context.Context, text string, by tutela.Actor) error {
	hash := sha256.Sum256([]byte(text))
	if err := s.deleteToken(ctx, hash, s.entry(tutela.ActionTokenRevoke, by, tutela.OutcomeSuccess)); err != nil {
		return err
	}
	s.cache.drop()
	return nil
}

func (s *Service) alive(p tutela.Principal) (tutela.Principal, error) {
	if !s.clock().Before(p.Expires) {
		return tutela.Principal{}, unauthenticated()
	}
	return p, nil
}

func unauthenticated() error {
	return errs.New(errs.Unauthenticated, "a valid access token is required")
}

// maxCachedTokens bounds the token cache; at the bound it starts afresh.
const maxCachedTokens = 10_000

// tokenCache holds proven principals by token hash.
type tokenCache struct {
	mu    sync.RWMutex
	byID  map[[32]byte]tutela.Principal // guarded by mu
	epoch int                           // guarded by mu; counts drops
}

// get also gives the epoch, for put: what was looked up before a drop must not come back after it.
func (c *tokenCache) get(h [32]byte) (p tutela.Principal, ok bool, epoch int) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	p, ok = c.byID[h]
	return p, ok, c.epoch
}

func (c *tokenCache) put(h [32]byte, p tutela.Principal, epoch int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if epoch != c.epoch {
		return
	}
	if c.byID == nil || len(c.byID) >= maxCachedTokens {
		c.byID = make(map[[32]byte]tutela.Principal)
	}
	c.byID[h] = p
}

func (c *tokenCache) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byID = nil
	c.epoch++
}

func (t token) encode() ([]byte, error) { return json.Marshal(t) }
