package identity

import (
	"context"
	"slices"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// Administration of accounts. An administrator acts only while his own account allows it: each
// change claims his row too, so that two who disable one another end with one administrator. Nobody
// changes what his own account may do.

// levels are the assurances at which an administrator may act: two factors, or a try-out.
func levels() []string { return []string{ACRTwoFactors, "aal3", "tryout"} }

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
	return s.administer(ctx, by, id, tutela.ActionUserDisable, "", func(a *account) error {
		a.Disabled = true
		return nil
	})
}

// Enable lets a disabled account log in again.
func (s *Service) Enable(ctx context.Context, by tutela.Principal, id tutela.UserID) error {
	return s.administer(ctx, by, id, tutela.ActionUserEnable, "", func(a *account) error {
		a.Disabled = false
		return nil
	})
}

// SetRoles gives an account other roles; its sessions and tokens, which carry the old ones, end.
func (s *Service) SetRoles(ctx context.Context, by tutela.Principal, id tutela.UserID, roles []string) error {
	return s.administer(ctx, by, id, tutela.ActionUserRoles, strings.Join(roles, " "), func(a *account) error {
		a.Roles = slices.Clone(roles)
		return s.checkRoles(roles)
	})
}

// ResetCredentials takes an account's password and factors away and invites its owner anew.
func (s *Service) ResetCredentials(ctx context.Context, by tutela.Principal, id tutela.UserID) (Invitation, error) {
	inv, record := s.newInvitation(by.ID)
	record.User = id
	err := s.administer(ctx, by, id, tutela.ActionUserReset, "", func(a *account) error {
		if a.Kind != tutela.ActorPerson {
			return errs.New(errs.Unprocessable, "a service has no password to reset")
		}
		a.Verifier, a.TOTP, a.Recovery, a.Passkeys = Verifier{}, "", nil, nil
		record.New.Username = a.Username
		return nil
	}, func(ctx context.Context) ([]store.Claim, error) { return s.invitationClaims(ctx, inv, record) })
	return inv, err
}

// administer changes an account and ends its sessions and tokens, with an entry either way. more
// gives further claims of the op.
func (s *Service) administer(ctx context.Context, by tutela.Principal, id tutela.UserID, action tutela.Action, detail string,
	change func(*account) error, more ...func(context.Context) ([]store.Claim, error)) error {
	entry := s.about(action, actorOfPrincipal(by), id)
	entry.Session, entry.Client, entry.Address, entry.Assurance, entry.Subject.Detail = by.Session, by.Client, by.Address, by.Assurance, detail
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
		if err := change(&a); err != nil {
			return err
		}
		claims, err := s.adminClaims(ctx, admin, more)
		if err != nil {
			return err
		}
		return s.rewriteEnding(ctx, a, "", entry, claims...)
	})
	return s.noteRefusal(ctx, entry, err)
}

// adminClaims hold that the administrator's account is still what was read, and whatever more says.
func (s *Service) adminClaims(ctx context.Context, admin account, more []func(context.Context) ([]store.Claim, error)) ([]store.Claim, error) {
	own, err := s.accountClaim(ctx, admin)
	claims := []store.Claim{own}
	for _, f := range more {
		if err != nil {
			return nil, err
		}
		var list []store.Claim
		list, err = f(ctx)
		claims = append(claims, list...)
	}
	return claims, err
}

// noteRefusal writes down what was asked and denied, and gives err on.
func (s *Service) noteRefusal(ctx context.Context, e tutela.Entry, err error) error {
	if !errs.Is(err, errs.Denied) {
		return err
	}
	e.Outcome = tutela.OutcomeDenied
	if _, failed := s.audit.Append(ctx, e, nil); failed != nil {
		return errs.Wrap(errs.Unavailable, failed, "the call could not be recorded")
	}
	return err
}
