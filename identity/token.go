package identity

import (
	"context"
	"crypto/sha256"
	"strings"
	"sync"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// tokenPrefix lets scanners find a leaked token.
const tokenPrefix = "tut_"

// token is what the store keeps of an access token, sealed, under the token's hash.
type token struct {
	User      tutela.UserID    `json:"user"`
	Client    string           `json:"client"`
	Session   string           `json:"session,omitempty"`
	Bound     bool             `json:"bound,omitempty"` // dies with its session
	Scopes    []string         `json:"scopes"`
	Patient   tutela.PatientID `json:"patient,omitempty"` // launch context
	Assurance string           `json:"aal,omitempty"`
	Expires   time.Time        `json:"expires"`
	Epoch     int64            `json:"epoch,omitempty"` // of the account when the token was made
	// What came of an authorization ends with its family, and what a registered client has with
	// that client.
	Family      string `json:"family,omitempty"`
	ClientEpoch int64  `json:"clientEpoch,omitempty"` // 0: the client is not registered
}

// Issued is an access token in the only moment in which it is known.
type Issued struct {
	Token   string
	Scopes  []string
	Expires time.Time
}

// IssueRequest says what an access token is to be. The caller has decided that it may be.
type IssueRequest struct {
	User      tutela.UserID
	Client    string
	Session   string // the token dies with it; empty for services and offline access
	Scopes    []string
	Patient   tutela.PatientID // launch context
	Assurance string
	Life      time.Duration // at most, and by default, an hour for people and five minutes for services
}

// Lifetimes of tokens that clients get.
const (
	longestPersonToken  = time.Hour
	longestServiceToken = 5 * time.Minute
)

// tryOutLife is how long a try-out's service may go without renewing its token; see
// docs/decisions/0006.
const tryOutLife = 24 * time.Hour

// assuranceOfTryOut says in the ledger that nothing was proved but the reading of dev.json.
const assuranceOfTryOut = "tryout"

// IssueTryOut gives a service of a try-out an access token that lives a day. There is none for
// people: they sign in.
func (s *Service) IssueTryOut(ctx context.Context, username, client string) (Issued, error) {
	a, err := s.accountByName(ctx, username)
	if err != nil {
		return Issued{}, err
	}
	if !a.active() || a.Kind != tutela.ActorService {
		return Issued{}, errs.New(errs.Denied, "the account is no service that may act: people sign in")
	}
	return s.issue(ctx, a, token{
		User: a.ID, Client: client, Scopes: a.Scopes, Assurance: assuranceOfTryOut, Expires: s.clock().Add(tryOutLife), Epoch: a.Epoch,
	})
}

// IssueFor gives a client an access token for an account.
func (s *Service) IssueFor(ctx context.Context, r IssueRequest) (Issued, error) {
	a, t, err := s.prepareToken(ctx, r)
	if err != nil {
		return Issued{}, err
	}
	return s.issue(ctx, a, t)
}

// prepareToken holds a request to what its account and session allow.
func (s *Service) prepareToken(ctx context.Context, r IssueRequest) (account, token, error) {
	a, err := s.accountByID(ctx, r.User)
	if err != nil {
		return a, token{}, err
	}
	if !a.active() {
		return a, token{}, errs.New(errs.Denied, "the account may not act")
	}
	longest := longestPersonToken
	if a.Kind == tutela.ActorService {
		longest = longestServiceToken
	}
	if r.Life <= 0 || r.Life > longest {
		r.Life = longest
	}
	t := token{
		User: a.ID, Client: r.Client, Session: r.Session, Bound: r.Session != "", Scopes: r.Scopes, Patient: r.Patient,
		Assurance: r.Assurance, Expires: s.clock().Add(r.Life), Epoch: a.Epoch,
	}
	if !t.Bound {
		return a, t, nil
	}
	it, _, err := s.liveSession(ctx, r.Session)
	if err == nil && it.Value.User != a.ID {
		err = errs.New(errs.Denied, "the session is another account's")
	}
	if ends := it.Value.Started.Add(s.absolute); t.Expires.After(ends) {
		t.Expires = ends
	}
	return a, t, err
}

// issue makes a token durable.
func (s *Service) issue(ctx context.Context, a account, t token) (Issued, error) {
	issued, row, entry, err := s.mint(ctx, a, t)
	if err != nil {
		return Issued{}, err
	}
	return issued, s.commit(ctx, store.Op{Inserts: []store.Rows{row}}, entry)
}

// mint gives a token with the row and the entry that make it count, for an op that does more.
func (s *Service) mint(ctx context.Context, a account, t token) (Issued, store.Rows, tutela.Entry, error) {
	text := tokenPrefix + randomText(32)
	row, err := s.tokenRow(ctx, sha256.Sum256([]byte(text)), t)
	entry := s.entry(tutela.ActionTokenIssue, actorOf(a.User), tutela.OutcomeSuccess)
	entry.Client, entry.Session, entry.Assurance = t.Client, t.Session, t.Assurance
	return Issued{Token: text, Scopes: t.Scopes, Expires: t.Expires}, row, entry, err
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
		return s.admitted(ctx, p)
	}
	p, err := lookedUp(ctx, func(ctx context.Context) (tutela.Principal, error) { return s.holderOf(ctx, hash) })
	if err != nil {
		return tutela.Principal{}, err
	}
	s.cache.put(hash, p, epoch)
	return s.admitted(ctx, p)
}

// proveWithin bounds how long it may take to look up who is calling. A database that does not answer
// must not keep callers waiting for as long as its connections last.
const proveWithin = 3 * time.Second

// lookedUp carries out a look-up of who is calling, and says that it is not known now when that
// takes too long.
func lookedUp[T any](ctx context.Context, f func(context.Context) (T, error)) (T, error) {
	within, cancel := context.WithTimeout(ctx, proveWithin)
	defer cancel()
	v, err := f(within)
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		err = errs.Wrap(errs.Unavailable, err, "who is calling could not be looked up in time; try again")
	}
	return v, err
}

// holderOf reads who has a token, and whether account and session still stand behind it.
func (s *Service) holderOf(ctx context.Context, hash [32]byte) (tutela.Principal, error) {
	t, found, err := s.tokenByHash(ctx, hash)
	if err != nil {
		return tutela.Principal{}, err
	}
	if !found {
		return tutela.Principal{}, unauthenticated()
	}
	a, err := s.accountByID(ctx, t.User)
	if errs.Is(err, errs.NotFound) || err == nil && (!a.active() || a.Epoch != t.Epoch) {
		return tutela.Principal{}, unauthenticated()
	}
	if err == nil && t.Bound {
		_, _, err = s.liveSession(ctx, t.Session)
	}
	if err == nil {
		err = s.standing(ctx, t)
	}
	if err != nil {
		if errs.Is(err, errs.Unauthenticated) {
			err = unauthenticated()
		}
		return tutela.Principal{}, err
	}
	p := a.principal(s.ring.Tenant())
	p.Scopes, p.Client, p.Session, p.Assurance, p.Expires = t.Scopes, t.Client, t.Session, t.Assurance, t.Expires
	if !a.Ends.IsZero() && a.Ends.Before(p.Expires) {
		p.Expires = a.Ends // also from a cache that does not look at the account
	}
	if t.Patient != "" && a.Patient == "" { // a patient's own account has no other context
		p.Patient = t.Patient
	}
	return p, nil
}

// Revoke ends a token everywhere. Revoking what is not there is no error (RFC 7009, 2.2).
func (s *Service) Revoke(ctx context.Context, text string, by tutela.Actor) error {
	return s.deleteToken(ctx, sha256.Sum256([]byte(text)), s.entry(tutela.ActionTokenRevoke, by, tutela.OutcomeSuccess))
}

// EndTokens ends every access token that a client has for an account. It asks for no authority: the
// caller has seen to that.
func (s *Service) EndTokens(ctx context.Context, by tutela.Actor, user tutela.UserID, client string) error {
	rows, err := s.clientTokens(ctx, user, client)
	if err != nil {
		return err
	}
	entry := s.about(tutela.ActionTokenRevoke, by, user)
	entry.Client, entry.Subject.Detail = client, "all of the client"
	return s.revoke(ctx, store.Op{Deletes: []store.Rows{rows}}, entry)
}

// admitted gives a caller who may call from where the request comes from. A token elsewhere is
// worth as much as none, and says no more to who stole it.
func (s *Service) admitted(ctx context.Context, p tutela.Principal) (tutela.Principal, error) {
	if err := s.From(ctx, p.Client, p); err != nil {
		return tutela.Principal{}, err
	}
	p, err := s.Bound(ctx, p)
	if err != nil {
		return tutela.Principal{}, err
	}
	return s.alive(p)
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
