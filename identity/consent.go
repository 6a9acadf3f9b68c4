package identity

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// Consent is what a person agreed that a client may have.
type Consent struct {
	User   tutela.UserID `json:"user"`
	Client string        `json:"client"`
	Scopes []string      `json:"scopes"` // none: it was taken back
	Given  time.Time     `json:"given"`
	Used   time.Time     `json:"used"` // when a client last got tokens on it
	// Epoch is the client's when the person agreed. A changed client is asked about anew: the person
	// agreed to what it was, and another may have its id by now.
	Epoch int64 `json:"epoch"`
}

func consentName(user tutela.UserID, client string) string { return string(user) + "\x00" + client }

// Covers reports whether the person agreed to all of these scopes.
func (c Consent) Covers(scopes []string) bool {
	return !slices.ContainsFunc(scopes, func(s string) bool { return !slices.Contains(c.Scopes, s) })
}

// Consent finds what a person agreed that a client may have: nothing is no error.
func (s *Service) Consent(ctx context.Context, user tutela.UserID, client string) (Consent, error) {
	it, err := s.consent(ctx, user, client)
	return it.Value, err
}

func (s *Service) consent(ctx context.Context, user tutela.UserID, client string) (item[Consent], error) {
	it, found, err := loadItem[Consent](ctx, s, itemConsent, consentName(user, client))
	if err != nil {
		return it, err
	}
	if !found {
		it = item[Consent]{Name: consentName(user, client), Value: Consent{User: user, Client: client}}
	}
	c, err := s.Client(ctx, client)
	if err != nil && !errs.Is(err, errs.NotFound) {
		return it, err
	}
	if it.Value.Epoch != c.Epoch {
		it.Value.Scopes, it.Value.Epoch = nil, c.Epoch
	}
	return it, nil
}

// Consents lists what a person agreed to, the newest first.
func (s *Service) Consents(ctx context.Context, user tutela.UserID) ([]Consent, error) {
	items, err := listItems[Consent](ctx, s, itemConsent, string(user))
	if err != nil {
		return nil, err
	}
	list := []Consent{}
	for _, it := range items {
		now, err := s.consent(ctx, user, it.Value.Client)
		if err != nil {
			return nil, err
		}
		if len(now.Value.Scopes) > 0 {
			list = append(list, now.Value)
		}
	}
	slices.SortFunc(list, func(a, b Consent) int { return b.Given.Compare(a.Given) })
	return list, nil
}

// GiveConsent keeps that the session's bearer agreed. Earlier scopes stay agreed to.
func (s *Service) GiveConsent(ctx context.Context, session, client string, scopes []string) error {
	live, who, err := s.liveSession(ctx, session)
	if err != nil {
		return err
	}
	return retried(func() error {
		it, err := s.consent(ctx, live.Value.User, client)
		if err != nil {
			return err
		}
		all := slices.Concat(it.Value.Scopes, scopes)
		slices.Sort(all)
		it.Value.Scopes, it.Value.Given = slices.Compact(all), s.clock()
		claim, err := s.putConsent(ctx, it)
		if err != nil {
			return err
		}
		entry := s.entry(tutela.ActionConsentGive, actorOf(who.User), tutela.OutcomeSuccess)
		entry.Session, entry.Assurance, entry.Address = session, live.Value.ACR, live.Value.Address
		entry.Subject = &tutela.Subject{Kind: "client", ID: client, Detail: strings.Join(scopes, " ")}
		return s.commit(ctx, store.Op{Claims: []store.Claim{claim}}, entry)
	})
}

// RevokeConsent takes back what a person agreed to, and ends all that the client has of it. The
// person does so, or an administrator.
func (s *Service) RevokeConsent(ctx context.Context, by tutela.Principal, user tutela.UserID, client string) error {
	entry := s.aboutClient(tutela.ActionConsentEnd, by, client)
	if by.ID != user {
		if err := s.MayAdminister(ctx, by); err != nil {
			return s.noteRefusal(ctx, entry, err)
		}
	}
	return retried(func() error {
		it, err := s.consent(ctx, user, client)
		if err != nil {
			return err
		}
		it.Value.Scopes = nil
		claim, err := s.putConsent(ctx, it)
		if err != nil {
			return err
		}
		op := store.Op{Claims: []store.Claim{claim}}
		families, err := s.familiesOf(ctx, user)
		if err != nil {
			return err
		}
		for _, f := range families {
			if f.Value.Client != client {
				continue
			}
			claim, err := s.endClaim(ctx, f)
			if err != nil {
				return err
			}
			op.Claims = append(op.Claims, claim)
		}
		return s.revoke(ctx, op, entry)
	})
}

// familiesOf lists a person's families, online and offline.
func (s *Service) familiesOf(ctx context.Context, user tutela.UserID) ([]item[family], error) {
	list, err := listItems[family](ctx, s, itemFamily, string(user))
	if err != nil {
		return nil, err
	}
	sessions, err := listItems[sessionRecord](ctx, s, itemSession, string(user))
	for _, session := range sessions {
		if err != nil {
			break
		}
		var online []item[family]
		online, err = listItems[family](ctx, s, itemFamily, session.Value.ID)
		list = append(list, online...)
	}
	return list, err
}

func (s *Service) putConsent(ctx context.Context, it item[Consent]) (store.Claim, error) {
	return putItem(ctx, s, itemConsent, it, string(it.Value.User), time.Time{})
}

// consentClaim begins an op that holds only while the consent that an authorization rests on does:
// taking it back and making tokens of it exclude one another.
func (s *Service) consentClaim(ctx context.Context, a Authorization) (store.Op, error) {
	if !a.Consented {
		return store.Op{}, nil
	}
	it, err := s.consent(ctx, a.User, a.Client)
	if err != nil {
		return store.Op{}, err
	}
	if !it.Value.Covers(a.Scopes) {
		return store.Op{}, errs.New(errs.Denied, "the person took back what was agreed")
	}
	it.Value.Used = s.clock()
	claim, err := s.putConsent(ctx, it)
	return store.Op{Claims: []store.Claim{claim}}, err
}
