package identity

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// Session is a person's login at one browser.
type Session struct {
	ID       string        `json:"id"` // no secret: tokens and the ledger name it
	User     tutela.UserID `json:"user"`
	AuthTime time.Time     `json:"authTime"` // of the newest proof by a second factor
	AMR      []string      `json:"amr"`      // RFC 8176
	ACR      string        `json:"acr"`
	Started  time.Time     `json:"started"`
	LastSeen time.Time     `json:"lastSeen"` // up to a minute old
	Agent    string        `json:"agent,omitempty"`
	Address  string        `json:"address,omitempty"`
	Provider string        `json:"provider,omitempty"` // outside, that began the login
}

// ACRTwoFactors is the level that every login reaches: two factors, or one that is both
// (NIST SP 800-63B-4, 2.2: AAL2).
const ACRTwoFactors = "aal2"

// sessionRecord is a session as its item holds it, under its id.
type sessionRecord struct {
	Session
	Secret []byte `json:"secret"` // SHA-256 of the cookie's second half
	Epoch  int64  `json:"epoch"`  // of the account when the session began
}

// touchEvery is how often it is noted that a session is used.
const touchEvery = time.Minute

// newCookie gives a session's cookie, and the hash by which it is known again.
func newCookie(session string) (cookie string, secret []byte) {
	text := randomText(32)
	sum := sha256.Sum256([]byte(text))
	return session + "." + text, sum[:]
}

func noSession() error { return errs.New(errs.Unauthenticated, "log in first") }

// SessionByCookie finds the session that a cookie's bearer has, and notes that it is used. Every
// failure says the same.
func (s *Service) SessionByCookie(ctx context.Context, cookie string) (Session, User, error) {
	type bearer struct {
		session Session
		user    User
	}
	b, err := lookedUp(ctx, func(ctx context.Context) (bearer, error) {
		it, a, err := s.sessionByCookie(ctx, cookie)
		if err == nil {
			err = s.touch(ctx, &it)
		}
		return bearer{it.Value.Session, a.public()}, err
	})
	if err != nil {
		return Session{}, User{}, err
	}
	p := s.Principal(b.session, b.user)
	if err := s.From(ctx, "", p); err != nil {
		return Session{}, User{}, noSession()
	}
	if p, err = s.Bound(ctx, p); err != nil {
		return Session{}, User{}, noSession()
	}
	b.user.Roles = p.Roles
	return b.session, b.user, nil
}

func (s *Service) sessionByCookie(ctx context.Context, cookie string) (item[sessionRecord], account, error) {
	id, text, _ := strings.Cut(cookie, ".")
	it, a, err := s.liveSession(ctx, id)
	if err != nil {
		return it, a, err
	}
	sum := sha256.Sum256([]byte(text))
	if subtle.ConstantTimeCompare(sum[:], it.Value.Secret) != 1 || s.clock().Sub(it.Value.LastSeen) >= s.idle {
		return item[sessionRecord]{}, account{}, noSession()
	}
	return it, a, nil
}

// liveSession finds a session that has not ended, whose account may act.
func (s *Service) liveSession(ctx context.Context, id string) (item[sessionRecord], account, error) {
	none := item[sessionRecord]{}
	it, found, err := loadItem[sessionRecord](ctx, s, itemSession, id)
	if err != nil {
		return none, account{}, err
	}
	if !found {
		return none, account{}, noSession()
	}
	a, err := s.accountByID(ctx, it.Value.User)
	if errs.Is(err, errs.NotFound) || err == nil && (!a.active() || a.Epoch != it.Value.Epoch) {
		return none, account{}, noSession()
	}
	return it, a, err
}

// touch notes that a session is used. Losing to another change of the session is no failure: that
// one noted it too, or ended the session.
func (s *Service) touch(ctx context.Context, it *item[sessionRecord]) error {
	now := s.clock()
	if now.Sub(it.Value.LastSeen) < touchEvery {
		return nil
	}
	it.Value.LastSeen = now
	claim, err := s.sessionClaim(ctx, *it)
	if err != nil {
		return err
	}
	err = s.commit(ctx, store.Op{Claims: []store.Claim{claim}})
	if errs.Is(err, errs.Conflict) {
		_, _, err = s.liveSession(ctx, it.Name)
	}
	return err
}

// sessionClaim writes a session; its row lives as long as the session may at most.
func (s *Service) sessionClaim(ctx context.Context, it item[sessionRecord]) (store.Claim, error) {
	return putItem(ctx, s, itemSession, it, string(it.Value.User), it.Value.Started.Add(s.absolute))
}

// Session finds a session that has not ended, by its id.
func (s *Service) Session(ctx context.Context, id string) (Session, User, error) {
	it, a, err := s.liveSession(ctx, id)
	return it.Value.Session, a.public(), err
}

// Sessions lists an account's sessions, the newest first.
func (s *Service) Sessions(ctx context.Context, user tutela.UserID) ([]Session, error) {
	a, err := s.accountByID(ctx, user)
	if err != nil {
		return nil, err
	}
	items, err := listItems[sessionRecord](ctx, s, itemSession, string(user))
	if err != nil {
		return nil, err
	}
	list := []Session{}
	for _, it := range items {
		if it.Value.User == user && it.Value.Epoch == a.Epoch && s.clock().Sub(it.Value.LastSeen) < s.idle {
			list = append(list, it.Value.Session)
		}
	}
	slices.SortFunc(list, func(a, b Session) int { return b.Started.Compare(a.Started) })
	return list, nil
}

// Principal is a session's bearer, for calls that need no token.
func (s *Service) Principal(session Session, u User) tutela.Principal {
	p := u.principal(s.ring.Tenant())
	p.Session, p.Assurance, p.Address = session.ID, session.ACR, session.Address
	p.Scopes, p.Expires = nil, session.Started.Add(s.absolute)
	return p
}

// CallerOf gives an account as a caller with the most that its tokens may carry, for those who ask what
// it may. Nobody has proved to be it.
func (s *Service) CallerOf(u User) tutela.Principal {
	p := u.principal(s.ring.Tenant())
	p.Scopes, p.Assurance = u.Scopes, ACRTwoFactors
	return p
}

// CallerByID is CallerOf an account of an id; errs.NotFound when there is none.
func (s *Service) CallerByID(ctx context.Context, id tutela.UserID) (tutela.Principal, error) {
	u, err := s.UserByID(ctx, id)
	if err != nil {
		return tutela.Principal{}, err
	}
	return s.CallerOf(u), nil
}

// Recent reports whether a session's second factor was shown within age.
func (s *Service) Recent(session Session, age time.Duration) bool {
	return s.clock().Sub(session.AuthTime) <= age
}

// EndSession ends a session with its tokens and refresh families, for its owner or an administrator.
func (s *Service) EndSession(ctx context.Context, by tutela.Principal, id string) error {
	it, found, err := loadItem[sessionRecord](ctx, s, itemSession, id)
	if err != nil {
		return err
	}
	if !found || it.Value.User != by.ID && s.mayAdminister(ctx, by) != nil {
		return errs.New(errs.NotFound, "no such session")
	}
	return s.RevokeSession(ctx, actorOfPrincipal(by), id)
}

// RevokeSession ends a session with its tokens and refresh families. It asks for no authority: the
// caller has seen to that. Ending what is not there is no error.
func (s *Service) RevokeSession(ctx context.Context, by tutela.Actor, id string) error {
	it, found, err := loadItem[sessionRecord](ctx, s, itemSession, id)
	if err != nil || !found {
		return err
	}
	families, err := s.itemsOf(ctx, id, itemFamily, itemCode)
	if err != nil {
		return err
	}
	tokens, err := s.tokensWhere(ctx, "session", s.sessionHash(id))
	if err != nil {
		return err
	}
	told, err := s.ending(ctx, it.Value.Session)
	if err != nil {
		return err
	}
	entry := s.about(tutela.ActionSessionEnd, by, it.Value.User)
	entry.Session = id
	err = s.revoke(ctx, store.Op{Deletes: []store.Rows{s.dropItem(itemSession, id), families, tokens}}, entry)
	if err == nil {
		s.tell(ctx, told)
	}
	return err
}

// EndAllSessions ends every session and token of an account, for its owner or an administrator.
func (s *Service) EndAllSessions(ctx context.Context, by tutela.Principal, user tutela.UserID) error {
	if user != by.ID {
		if err := s.mayAdminister(ctx, by); err != nil {
			return err
		}
	}
	return retried(func() error {
		a, err := s.accountByID(ctx, user)
		if err != nil {
			return err
		}
		entry := s.about(tutela.ActionSessionEnd, actorOfPrincipal(by), user)
		entry.Session, entry.Subject.Detail = by.Session, "all"
		return s.rewriteEnding(ctx, a, "", entry)
	})
}

// rewrite writes a changed account within op.
func (s *Service) rewrite(ctx context.Context, a account, op store.Op, entry tutela.Entry) error {
	claim, err := s.accountClaim(ctx, a)
	if err != nil {
		return err
	}
	op.Claims = append(op.Claims, claim)
	return s.revoke(ctx, op, entry)
}

// rewriteEnding writes a changed account, if claims hold too, and ends its sessions (but keep's)
// and tokens with that.
func (s *Service) rewriteEnding(ctx context.Context, a account, keep string, entry tutela.Entry, claims ...store.Claim) error {
	sessions, err := s.sessionsBut(ctx, a.ID, keep)
	if err != nil {
		return err
	}
	told, err := s.ending(ctx, sessions...)
	if err != nil {
		return err
	}
	ended, err := s.retire(ctx, &a, keep)
	if err != nil {
		return err
	}
	err = s.rewrite(ctx, a, store.Op{Claims: claims, Deletes: ended}, entry)
	if err == nil {
		s.tell(ctx, told)
	}
	return err
}

func actorOfPrincipal(p tutela.Principal) tutela.Actor {
	return tutela.Actor{ID: p.ID, Kind: p.Kind, Name: p.Username, Roles: p.Roles, Unit: p.Unit}
}
