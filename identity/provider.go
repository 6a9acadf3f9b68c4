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

// Provider is an outside OpenID provider as an administrator configured it. It has no secret: that
// lies in a file, or the provider knows our signing key.
type Provider struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`                 // as people know it
	Issuer     string   `json:"issuer"`               // its identity; stays what it was
	ClientID   string   `json:"clientId"`             // who we are there
	SecretFile string   `json:"secretFile,omitempty"` // name in the folder of secrets; empty: private_key_jwt
	Scopes     []string `json:"scopes,omitempty"`     // asked for beside openid

	// RolesClaim names the claim whose values Rules turn into roles, for accounts that it makes.
	RolesClaim string     `json:"rolesClaim,omitempty"`
	Rules      []RoleRule `json:"rules,omitempty"`
	// ACR and AMR are the values of these claims that count as two factors. None: ours is asked for.
	ACR []string `json:"acr,omitempty"`
	AMR []string `json:"amr,omitempty"`
	// Domains are those of verified email addresses that may sign in. None: the address is not asked for.
	Domains []string `json:"domains,omitempty"`
	// Create makes accounts for people who come for the first time. Otherwise they are invited, or
	// link an account of theirs.
	Create   bool `json:"create,omitempty"`
	Disabled bool `json:"disabled,omitempty"`

	Created time.Time `json:"created"`
	Epoch   int64     `json:"epoch"` // rises with each change: a login under way over it is over
}

// RoleRule gives a role to who has a value in the claim of roles.
type RoleRule struct {
	Value string `json:"value"`
	Role  string `json:"role"`
}

// Bounds on what is configured.
const (
	maxProviders = 20
	maxRules     = 200
	maxWord      = 200
)

// AddProvider configures a provider for an administrator.
func (s *Service) AddProvider(ctx context.Context, by tutela.Principal, p Provider) (Provider, error) {
	p.ID, p.Created, p.Epoch = strings.ToLower(hashName(randomText(16))[:12]), s.clock(), 1
	entry := s.aboutProvider(tutela.ActionProviderCreate, by, p.ID)
	err := retried(func() error {
		op, err := s.administering(ctx, by)
		if err != nil {
			return err
		}
		if err := s.checkNewProvider(ctx, p); err != nil {
			return err
		}
		claim, err := putItem(ctx, s, itemProvider, item[Provider]{Name: p.ID, Value: p}, "", time.Time{})
		if err != nil {
			return err
		}
		op.Claims = append(op.Claims, claim)
		return s.commit(ctx, op, entry)
	})
	return p, s.noteRefusal(ctx, entry, err)
}

// checkNewProvider holds one issuer to one provider: an answer's iss then names it.
func (s *Service) checkNewProvider(ctx context.Context, p Provider) error {
	if err := s.checkProvider(p); err != nil {
		return err
	}
	list, err := s.Providers(ctx)
	if err != nil {
		return err
	}
	if len(list) >= maxProviders {
		return errs.New(errs.Unprocessable, "there are %d providers: remove one first", maxProviders)
	}
	if slices.ContainsFunc(list, func(o Provider) bool { return o.Issuer == p.Issuer }) {
		return errs.New(errs.Unprocessable, "this issuer is configured already")
	}
	return nil
}

// UpdateProvider changes how a provider is used, for an administrator. Its issuer stays: accounts
// are linked to people as that issuer names them.
func (s *Service) UpdateProvider(ctx context.Context, by tutela.Principal, p Provider) error {
	return s.changeProvider(ctx, by, p.ID, tutela.ActionProviderUpdate, func(op *store.Op, it item[Provider]) error {
		if p.Issuer != it.Value.Issuer {
			return errs.New(errs.Unprocessable, "the issuer stays: configure another provider for another issuer")
		}
		p.Created, p.Epoch = it.Value.Created, it.Value.Epoch+1
		if err := s.checkProvider(p); err != nil {
			return err
		}
		it.Value = p
		claim, err := putItem(ctx, s, itemProvider, it, "", time.Time{})
		op.Claims = append(op.Claims, claim)
		return err
	})
}

// RemoveProvider forgets a provider, for an administrator: first every account's link to it, with
// the sessions and tokens of that account. When it stops midway, removing it again goes on.
func (s *Service) RemoveProvider(ctx context.Context, by tutela.Principal, id string) error {
	if err := s.mayAdminister(ctx, by); err != nil {
		return s.noteRefusal(ctx, s.aboutProvider(tutela.ActionProviderDelete, by, id), err)
	}
	all, err := s.accounts(ctx)
	if err != nil {
		return err
	}
	for _, a := range all {
		if _, linked := a.outside(id); !linked {
			continue
		}
		if err := s.Unlink(ctx, by, a.ID, id); err != nil {
			return err
		}
	}
	return s.changeProvider(ctx, by, id, tutela.ActionProviderDelete, func(op *store.Op, _ item[Provider]) error {
		op.Deletes = append(op.Deletes, s.dropItem(itemProvider, id))
		return nil
	})
}

func (s *Service) changeProvider(ctx context.Context, by tutela.Principal, id string, action tutela.Action, change func(*store.Op, item[Provider]) error) error {
	return s.providers().change(ctx, by, s.aboutProvider(action, by, id), change)
}

// Providers lists those that are configured, by name.
func (s *Service) Providers(ctx context.Context) ([]Provider, error) {
	return s.providers().all(ctx, func(p Provider) string { return p.Name + "\x00" + p.ID })
}

// Provider finds a provider by its id; errs.NotFound when there is none.
func (s *Service) Provider(ctx context.Context, id string) (Provider, error) {
	it, err := s.providers().find(ctx, id)
	return it.Value, err
}

// aboutProvider is the entry of what by did to a provider.
func (s *Service) aboutProvider(action tutela.Action, by tutela.Principal, id string) tutela.Entry {
	e := s.asked(action, by)
	e.Subject = &tutela.Subject{Kind: "provider", ID: id}
	return e
}
