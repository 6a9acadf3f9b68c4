package identity

import (
	"context"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// Authenticators is what proves an account, as its owner is shown it.
type Authenticators struct {
	Password      bool
	TOTP          bool
	Passkeys      []Passkey
	RecoveryCodes int // that are left
}

// Passkey is a passkey as its owner is shown it.
type Passkey struct {
	ID      string
	Created time.Time
	Used    time.Time
	Synced  bool // may be copied between its owner's devices
}

// Authenticators lists what proves an account.
func (s *Service) Authenticators(ctx context.Context, user tutela.UserID) (Authenticators, error) {
	a, err := s.accountByID(ctx, user)
	if err != nil {
		return Authenticators{}, err
	}
	list := Authenticators{Password: a.hasPassword(), TOTP: a.TOTP != "", RecoveryCodes: len(a.Recovery)}
	for _, p := range a.Passkeys {
		list.Passkeys = append(list.Passkeys, Passkey{ID: p.id(), Created: p.Created, Used: p.Used, Synced: p.Credential.Flags.BackupEligible})
	}
	return list, nil
}

// RemovePasskey takes a passkey off the account of a recent session; one factor stays.
func (s *Service) RemovePasskey(ctx context.Context, cookie, id string) error {
	return s.changeOwn(ctx, cookie, "passkey removed", func(a *account) error {
		left := slices.DeleteFunc(slices.Clone(a.Passkeys), func(p passkey) bool { return p.id() == id })
		if len(left) == len(a.Passkeys) {
			return errs.New(errs.NotFound, "no such passkey")
		}
		a.Passkeys = left
		return keepsFactor(*a)
	})
}

// RemoveTOTP takes one-time passwords off the account of a recent session; one factor stays.
func (s *Service) RemoveTOTP(ctx context.Context, cookie string) error {
	return s.changeOwn(ctx, cookie, "totp removed", func(a *account) error {
		a.TOTP, a.Step = "", 0
		return keepsFactor(*a)
	})
}

func keepsFactor(a account) error {
	if !a.enrolled() {
		return errs.New(errs.Unprocessable, "the last second factor stays: enrol another first")
	}
	return nil
}

// NewRecoveryCodes gives the account of a recent session new codes in place of all that are left.
func (s *Service) NewRecoveryCodes(ctx context.Context, cookie string) ([]string, error) {
	var codes []string
	err := s.changeOwn(ctx, cookie, "recovery codes", func(a *account) error {
		codes, a.Recovery = newRecoveryCodes(a.ID)
		return nil
	})
	return codes, err
}

// ChangePassword gives the account of a recent session another password. Every other session and
// every token ends.
func (s *Service) ChangePassword(ctx context.Context, cookie, current, next string) error {
	_, a, err := s.recentSession(ctx, cookie)
	if err != nil {
		return err
	}
	if err := s.proveCurrent(ctx, a, current); err != nil {
		return err
	}
	if err := checkPassword(a.Username, next); err != nil {
		return err
	}
	v, err := s.hasher.make(ctx, next)
	if err != nil {
		return err
	}
	was := a.Verifier
	return retried(func() error {
		it, a, err := s.recentSession(ctx, cookie)
		if err != nil {
			return err
		}
		if !slices.Equal(a.Verifier.Hash, was.Hash) {
			return errs.New(errs.Unauthenticated, "the password was changed meanwhile")
		}
		a.Verifier = v
		it.Value.Epoch = a.Epoch + 1 // as rewriteEnding makes it: this session stays
		own, err := s.sessionClaim(ctx, it)
		if err != nil {
			return err
		}
		return s.rewriteEnding(ctx, a, it.Name, s.ownChange(it, a, "password"), own)
	})
}

// proveCurrent counts and judges the present password, as a login's is.
func (s *Service) proveCurrent(ctx context.Context, a account, current string) error {
	b := accountBrake(a.Username)
	if err := s.charge(ctx, b); err != nil {
		return err
	}
	right, err := s.hasher.matches(ctx, a.Verifier, current)
	if err != nil {
		return err
	}
	if !right {
		return s.refuse(ctx, a.ID, "", "password", errs.New(errs.Unprocessable, "the present password is wrong"))
	}
	return s.refund(ctx, b)
}

// changeOwn changes what proves the account of a recent session, while that session is unchanged.
func (s *Service) changeOwn(ctx context.Context, cookie, what string, f func(*account) error) error {
	return retried(func() error {
		it, a, err := s.recentSession(ctx, cookie)
		if err != nil {
			return err
		}
		if err := f(&a); err != nil {
			return err
		}
		own, err := s.sessionClaim(ctx, it)
		if err != nil {
			return err
		}
		return s.rewrite(ctx, a, store.Op{Claims: []store.Claim{own}}, s.ownChange(it, a, what))
	})
}

func (s *Service) ownChange(it item[sessionRecord], a account, what string) tutela.Entry {
	e := s.about(tutela.ActionUserEnrol, actorOf(a.User), a.ID)
	e.Session, e.Address, e.Assurance, e.Subject.Detail = it.Name, it.Value.Address, it.Value.ACR, what
	return e
}
