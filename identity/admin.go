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

// Administration of accounts. An administrator acts only while his own account allows it: each
// change claims his row too, so that two who disable one another end with one administrator. Nobody
// changes what his own account may do.

// levels are the assurances at which an administrator may act: two factors at least.
func levels() []string { return []string{ACRTwoFactors, "aal3"} }

// MayAdminister holds a caller, and his account as it is now, to administration's terms: for pages
// that show other people's accounts.
func (s *Service) MayAdminister(ctx context.Context, p tutela.Principal) error {
	return s.mayAdminister(ctx, p)
}

func (s *Service) mayAdminister(ctx context.Context, p tutela.Principal) error {
	_, err := s.administrator(ctx, p)
	return err
}

// administrator gives the account of a caller who may administer others.
func (s *Service) administrator(ctx context.Context, p tutela.Principal) (account, error) {
	denied := errs.New(errs.Denied, "only an administrator may do this")
	if !onlyAdmin(p.Roles) || p.Tenant != s.ring.Tenant() || !slices.Contains(levels(), p.Assurance) {
		return account{}, denied
	}
	a, err := s.accountByID(ctx, p.ID)
	if errs.Is(err, errs.NotFound) || err == nil && (!a.active() || !onlyAdmin(a.Roles)) {
		return account{}, denied
	}
	return a, err
}

func onlyAdmin(roles []string) bool { return slices.Equal(roles, []string{roleAdmin}) }

// Disable ends an account's every session and token, and lets nobody log in to it.
func (s *Service) Disable(ctx context.Context, by tutela.Principal, id tutela.UserID) error {
	return s.administer(ctx, by, id, s.asked(tutela.ActionUserDisable, by), func(a *account) ([]store.Claim, error) {
		a.Disabled, a.Held = true, true
		return nil, nil
	})
}

// Enable lets a disabled account log in again.
func (s *Service) Enable(ctx context.Context, by tutela.Principal, id tutela.UserID) error {
	return s.administer(ctx, by, id, s.asked(tutela.ActionUserEnable, by), func(a *account) ([]store.Claim, error) {
		if a.over(s.clock()) {
			a.Ends = time.Time{}
		}
		a.Disabled, a.Held = false, false
		return nil, nil
	})
}

// SetRoles gives an account other roles; its sessions and tokens, which carry the old ones, end.
func (s *Service) SetRoles(ctx context.Context, by tutela.Principal, id tutela.UserID, roles []string) error {
	entry := s.asked(tutela.ActionUserRoles, by)
	entry.Subject.Detail = strings.Join(roles, " ")
	return s.administer(ctx, by, id, entry, func(a *account) ([]store.Claim, error) {
		a.Roles, a.Maker = slices.Clone(roles), "" // from now on no claim changes them
		return nil, s.CheckRoles(roles)
	})
}

// ResetCredentials takes an account's password, factors and links away and invites its owner anew.
func (s *Service) ResetCredentials(ctx context.Context, by tutela.Principal, id tutela.UserID) (Invitation, error) {
	inv, record := s.newInvitation(by.ID)
	record.User = id
	err := s.administer(ctx, by, id, s.asked(tutela.ActionUserReset, by), func(a *account) ([]store.Claim, error) {
		if a.Kind != tutela.ActorPerson {
			return nil, errs.New(errs.Unprocessable, "a service has no password to reset")
		}
		a.strip()
		record.New.Username = a.Username
		claim, err := s.invitationClaim(ctx, inv, record)
		return []store.Claim{claim}, err
	})
	if err != nil {
		return Invitation{}, err
	}
	return inv, nil
}

// InviteOwner invites the person for whom a directory or a roster made an account, which has no
// credentials yet. Of several invitations the first that is taken up counts.
func (s *Service) InviteOwner(ctx context.Context, by tutela.Principal, id tutela.UserID) (Invitation, error) {
	inv, record := s.newInvitation(by.ID)
	record.User = id
	err := s.administer(ctx, by, id, s.asked(tutela.ActionUserInvite, by), func(a *account) ([]store.Claim, error) {
		if !a.public().Waiting {
			return nil, errs.New(errs.Unprocessable, "the account is disabled, or has credentials: reset them to invite its owner again")
		}
		record.New.Username = a.Username
		claim, err := s.invitationClaim(ctx, inv, record)
		return []store.Claim{claim}, err
	})
	if err != nil {
		return Invitation{}, err
	}
	return inv, nil
}

// asked is the entry of what a caller asks of identity; administer says of whom.
func (s *Service) asked(action tutela.Action, by tutela.Principal) tutela.Entry {
	e := s.about(action, actorOfPrincipal(by), "")
	e.Session, e.Client, e.Address, e.Assurance = by.Session, by.Client, by.Address, by.Assurance
	return e
}

// administer changes another's account and ends its sessions and tokens. change may add claims to
// the op. What is refused leaves its entry too.
func (s *Service) administer(ctx context.Context, by tutela.Principal, id tutela.UserID, entry tutela.Entry, change func(*account) ([]store.Claim, error)) error {
	entry.Subject.ID = string(id)
	received := s.clock()
	err := retried(func() error {
		admin, err := s.administrator(ctx, by)
		if err != nil {
			return err
		}
		if id == by.ID {
			return errs.New(errs.Denied, "nobody changes what his own account may do; ask another administrator")
		}
		a, err := s.accountByID(ctx, id)
		if err != nil {
			return err
		}
		if !a.Removed.IsZero() {
			return errs.New(errs.Unprocessable, "the account was removed; invite the person anew")
		}
		claims, err := change(&a)
		if err != nil {
			return err
		}
		own, err := s.accountClaim(ctx, admin)
		if err != nil {
			return err
		}
		ending, err := s.livingOf(ctx, a, received)
		if err != nil {
			return err
		}
		if ending.Any() || entry.Action == tutela.ActionUserDisable {
			entry.Ending = &ending
		}
		return s.rewriteEnding(ctx, a, "", entry, append(claims, own)...)
	})
	if err == nil && entry.Action == tutela.ActionUserDisable {
		return s.noteEndings(ctx, entry)
	}
	return s.noteRefusal(ctx, entry, err)
}

// noteRefusal writes down what was asked and denied, and gives err on.
func (s *Service) noteRefusal(ctx context.Context, e tutela.Entry, err error) error {
	if !errs.Is(err, errs.Denied) {
		return err
	}
	e.Outcome = tutela.OutcomeDenied
	if _, failed := s.audit.Append(ctx, located(ctx, e), nil); failed != nil {
		return errs.Wrap(errs.Unavailable, failed, "the call could not be recorded")
	}
	return err
}
