package identity

import (
	"context"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// link says that the owner of an account is a person whom an outside provider knows, by its sub
// alone: an email address can be given to another person, and proves nothing here.
type link struct {
	Provider string    `json:"provider"`
	Name     string    `json:"name"`  // of the item that leads from the sub to the account
	Label    string    `json:"label"` // what the provider called the person when it was made
	Created  time.Time `json:"created"`
}

// Link is an account's tie to a provider, as its owner is shown it.
type Link struct {
	Provider string
	Label    string
	Created  time.Time
}

// outside gives the account's link to a provider.
func (a account) outside(provider string) (link, bool) {
	i := slices.IndexFunc(a.Outside, func(l link) bool { return l.Provider == provider })
	if i < 0 {
		return link{}, false
	}
	return a.Outside[i], true
}

// linkName is the name under which a person of a provider is filed.
func linkName(provider, subject string) string { return hashName(provider + "\x00" + subject) }

// Links lists an account's ties to outside providers.
func (s *Service) Links(ctx context.Context, user tutela.UserID) ([]Link, error) {
	a, err := s.accountByID(ctx, user)
	if err != nil {
		return nil, err
	}
	list := make([]Link, len(a.Outside))
	for i, l := range a.Outside {
		list[i] = Link{Provider: l.Provider, Label: l.Label, Created: l.Created}
	}
	return list, nil
}

// linked finds the account of a provider's person. An item whose account has dropped the link leads
// nowhere.
func (s *Service) linked(ctx context.Context, provider, subject string) (account, item[tutela.UserID], bool, error) {
	name := linkName(provider, subject)
	it, found, err := loadItem[tutela.UserID](ctx, s, itemLink, name)
	if err != nil || !found {
		return account{}, item[tutela.UserID]{Name: name}, false, err
	}
	a, err := s.accountByID(ctx, it.Value)
	if errs.Is(err, errs.NotFound) {
		return account{}, it, false, nil
	}
	l, has := a.outside(provider)
	return a, it, err == nil && has && l.Name == name, err
}

// tie adds to an account the link to a provider's person, and gives the claim that files it.
func (s *Service) tie(ctx context.Context, a *account, o Outside) (store.Claim, error) {
	_, it, taken, err := s.linked(ctx, o.Provider.ID, o.Subject)
	if err != nil {
		return store.Claim{}, err
	}
	if taken {
		return store.Claim{}, errs.New(errs.Unprocessable, "this person of %s has an account here", o.Provider.Name)
	}
	it.Value = a.ID
	a.Outside = append(slices.Clip(a.Outside), link{Provider: o.Provider.ID, Name: it.Name, Label: o.label(), Created: s.clock()})
	return putItem(ctx, s, itemLink, it, string(a.ID), time.Time{})
}

// LinkOutside ties the account of a recent session to the person who has just signed in outside. An
// administrator's stays apart: who governs the provider would govern here.
func (s *Service) LinkOutside(ctx context.Context, cookie string, o Outside) error {
	if err := s.stands(ctx, o); err != nil {
		return err
	}
	return retried(func() error {
		it, a, err := s.recentSession(ctx, cookie)
		if err != nil {
			return err
		}
		entry := s.ownChange(it, a, o.Provider.ID)
		entry.Action = tutela.ActionUserLink
		if onlyAdmin(a.Roles) {
			return s.noteRefusal(ctx, entry, errs.New(errs.Denied, "an administrator signs in here, and nowhere else"))
		}
		if _, has := a.outside(o.Provider.ID); has {
			return errs.New(errs.Unprocessable, "your account is linked to %s already: unlink it first", o.Provider.Name)
		}
		filed, err := s.tie(ctx, &a, o)
		if err != nil {
			return err
		}
		own, err := s.sessionClaim(ctx, it)
		if err != nil {
			return err
		}
		return s.rewrite(ctx, a, store.Op{Claims: []store.Claim{own, filed}}, entry)
	})
}

// UnlinkOutside takes the link to a provider off the account of a recent session, if another way in
// is left. Other sessions and every token end.
func (s *Service) UnlinkOutside(ctx context.Context, cookie, provider string) error {
	return retried(func() error {
		it, a, err := s.recentSession(ctx, cookie)
		if err != nil {
			return err
		}
		if err := a.untie(provider); err != nil {
			return err
		}
		if !a.mayLogIn() || a.hasPassword() && !a.enrolled() {
			return errs.New(errs.Unprocessable, "the last way into your account stays")
		}
		entry := s.ownChange(it, a, provider)
		entry.Action = tutela.ActionUserUnlink
		it.Value.Epoch = a.Epoch + 1 // as rewriteEnding makes it: this session stays
		own, err := s.sessionClaim(ctx, it)
		if err != nil {
			return err
		}
		return s.rewriteEnding(ctx, a, it.Name, entry, own)
	})
}

// Unlink takes the link to a provider off another's account for an administrator; its sessions and
// tokens end.
func (s *Service) Unlink(ctx context.Context, by tutela.Principal, id tutela.UserID, provider string) error {
	entry := s.asked(tutela.ActionUserUnlink, by)
	entry.Subject.Detail = provider
	return s.administer(ctx, by, id, entry, func(a *account) ([]store.Claim, error) { return nil, a.untie(provider) })
}

func (a *account) untie(provider string) error {
	left := slices.DeleteFunc(slices.Clone(a.Outside), func(l link) bool { return l.Provider == provider })
	if len(left) == len(a.Outside) {
		return errs.New(errs.NotFound, "no such link")
	}
	a.Outside = left
	if a.Maker == provider {
		a.Maker = ""
	}
	return nil
}
