package identity

import (
	"context"
	"slices"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// governor is a provider as the ledger names it where its claims make or change an account.
func governor(p Provider) tutela.Actor {
	return tutela.Actor{ID: tutela.UserID("provider:" + p.ID), Kind: tutela.ActorSystem, Name: p.Name}
}

// welcome makes an account for a person who comes for the first time, as far as the claims give
// roles. It takes over no account that is there, whatever the address says.
func (s *Service) welcome(ctx context.Context, o Outside) (account, error) {
	p := o.Provider
	if !p.Create {
		return account{}, s.refuseOutside(ctx, p.ID, "", errs.New(errs.Denied, "you have no account here that is linked to %s: ask an administrator for an invitation, or sign in and link yours", p.Name))
	}
	roles := s.rolesBy(p, o.Roles)
	if len(roles) == 0 {
		return account{}, s.refuseOutside(ctx, p.ID, "", errs.New(errs.Denied, "%s gives you no role here: ask an administrator", p.Name))
	}
	name, err := s.newcomerName(ctx, o)
	if err != nil {
		return account{}, s.refuseOutside(ctx, p.ID, "", err)
	}
	a := s.newAccount(NewUser{Username: name, Kind: tutela.ActorPerson, Roles: roles, Scopes: []string{"user/*.cruds"}})
	a.Maker, a.EnrolBy = p.ID, s.clock().Add(invitationLife)
	return a, s.settle(ctx, o, &a, s.about(tutela.ActionUserCreate, governor(p), a.ID))
}

// newcomerName is a username that is free: what the provider calls the person, or a verified address.
func (s *Service) newcomerName(ctx context.Context, o Outside) (string, error) {
	names := []string{o.Username}
	if o.Verified {
		names = append(names, o.Email)
	}
	i := slices.IndexFunc(names, func(n string) bool { return checkUsername(foldUsername(n)) == nil })
	if i < 0 {
		return "", errs.New(errs.Denied, "%s gives you no name that can be a username here: ask an administrator for an invitation", o.Provider.Name)
	}
	name := foldUsername(names[i])
	switch _, err := s.accountByName(ctx, name); {
	case errs.Is(err, errs.NotFound):
		return name, nil
	case err != nil:
		return "", err
	}
	return "", errs.New(errs.Denied, "there is an account of your name: sign in to it and link it to %s, or ask an administrator", o.Provider.Name)
}

// follow gives an account that a provider made the roles that it says now. With other roles its
// sessions and tokens end; with none it may do nothing.
func (s *Service) follow(ctx context.Context, o Outside, a account) (account, error) {
	roles := s.rolesBy(o.Provider, o.Roles)
	if !slices.Equal(roles, a.Roles) {
		entry := s.about(tutela.ActionUserRoles, governor(o.Provider), a.ID)
		entry.Subject.Detail = strings.Join(roles, " ")
		a.Roles = roles
		if err := s.rewriteEnding(ctx, a, "", entry); err != nil {
			return a, err
		}
		var err error
		if a, err = s.accountByID(ctx, a.ID); err != nil { // as it was written: a new revision and epoch
			return a, err
		}
	}
	if len(roles) == 0 {
		return a, s.refuseOutside(ctx, o.Provider.ID, a.ID, errs.New(errs.Denied, "%s gives you no role here any more: ask an administrator", o.Provider.Name))
	}
	return a, nil
}
