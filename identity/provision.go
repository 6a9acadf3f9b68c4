package identity

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// Provisioner is the authority of one SCIM client over people's accounts (RFC 7644), and the only way
// by which a client that is not a person changes any.
//
// It reaches accounts of people whose every role is one that the client may give, and that belong to
// no other client. What it does not reach is not there for it. It never reaches an administrator, a
// privileged account or a service, whatever the client is registered with, and gives no credentials.
type Provisioner struct {
	s      *Service
	order  order
	client Client
}

// ScopeSCIM lets a service keep people's accounts in step with the organisation's records. A client
// that has it has no other.
const ScopeSCIM = "scim"

// roleProvisioner is the role of accounts that SCIM clients act as.
const roleProvisioner = "provisioner"

// StaffScope is the most that a token of a member of staff may carry; roles narrow it.
const StaffScope = "user/*.cruds"

// GroupRole says which role the members of a SCIM client's group have.
type GroupRole struct {
	Group string `json:"group"` // its displayName
	Role  string `json:"role"`
}

// ErrTaken says that a username or external id is another account's.
var ErrTaken = errors.New("the name is taken")

func takenBefore(what string) error {
	return errs.Wrap(errs.Unprocessable, ErrTaken, "the "+what+" is taken")
}

// Provisions reports whether the client is one of SCIM.
func (c Client) Provisions() bool { return slices.Contains(c.Scopes, ScopeSCIM) }

// maxGroups bounds what a SCIM client maps.
const maxGroups = 200

// checkGroups holds what a SCIM client gives to roles that it may give.
func (s *Service) checkGroups(c Client) error {
	if len(c.Groups) > 0 && !c.Provisions() || len(c.Groups) > maxGroups {
		return errs.New(errs.Unprocessable, "a client with the scope scim maps up to %d groups, and no other client does", maxGroups)
	}
	var seen []string
	for _, g := range c.Groups {
		folded := foldUsername(g.Group)
		switch {
		case folded == "" || len(g.Group) > 128 || strings.ContainsFunc(g.Group, unprintable) || strings.TrimSpace(g.Group) != g.Group:
			return errs.New(errs.Unprocessable, "a group has a name of at most 128 characters")
		case slices.Contains(seen, folded):
			return errs.New(errs.Unprocessable, "a group is there twice")
		case slices.Contains(s.above, g.Role):
			return errs.New(errs.Unprocessable, "the role %q is privileged: only an administrator gives it", g.Role)
		}
		if err := s.CheckRoles([]string{g.Role}); err != nil {
			return err
		}
		seen = append(seen, folded)
	}
	return nil
}

// Provisioner gives the authority of a caller who is a SCIM client, for one request that came in at
// a time. Anybody else is errs.Denied.
func (s *Service) Provisioner(ctx context.Context, by tutela.Principal, received time.Time) (*Provisioner, error) {
	p := &Provisioner{s: s, order: order{by: by, received: received}}
	_, err := p.standing(ctx)
	return p, err
}

// standing reads the client afresh and gives the account that it acts as.
func (p *Provisioner) standing(ctx context.Context) (account, error) {
	by, denied := p.order.by, errs.New(errs.Denied, "only a service with the scope scim may do this")
	if by.Kind != tutela.ActorService || by.Tenant != p.s.ring.Tenant() || !slices.Equal(by.Scopes, []string{ScopeSCIM}) {
		return account{}, denied
	}
	c, err := p.s.Client(ctx, by.Client)
	if errs.Is(err, errs.NotFound) || err == nil && (!c.Provisions() || c.Account != by.ID) {
		return account{}, denied
	}
	if err != nil {
		return account{}, err
	}
	a, err := p.s.accountByID(ctx, by.ID)
	if errs.Is(err, errs.NotFound) || err == nil && (!a.active() || !slices.Equal(a.Roles, []string{roleProvisioner})) {
		return account{}, denied
	}
	p.client = c
	return a, err
}

// Groups are those that the client maps.
func (p *Provisioner) Groups() []GroupRole { return slices.Clone(p.client.Groups) }

// reach decides which accounts a SCIM client reaches.
type reach struct {
	roles  []string // that the client may give
	others []string // other clients that accounts may belong to
}

func (p *Provisioner) reach(ctx context.Context) (reach, error) {
	var r reach
	for _, g := range p.client.Groups {
		r.roles = append(r.roles, g.Role)
	}
	clients, err := p.s.Clients(ctx)
	for _, c := range clients {
		if c.Provisions() && c.ID != p.client.ID {
			r.others = append(r.others, c.ID)
		}
	}
	return r, err
}

func (r reach) holds(a account) bool {
	foreign := func(role string) bool { return !slices.Contains(r.roles, role) }
	return a.Kind == tutela.ActorPerson && !a.throwaway() && a.Removed.IsZero() && !slices.ContainsFunc(a.Roles, foreign) &&
		!slices.Contains(r.others, a.Provisioner)
}

func notThere() error { return errs.New(errs.NotFound, "no such person") }

// People lists those whom the client reaches, by username.
func (p *Provisioner) People(ctx context.Context) ([]User, error) {
	list, err := p.people(ctx)
	users := make([]User, len(list))
	for i, a := range list {
		users[i] = a.public()
	}
	return users, err
}

func (p *Provisioner) people(ctx context.Context) ([]account, error) {
	r, err := p.reach(ctx)
	if err != nil {
		return nil, err
	}
	all, err := p.s.accounts(ctx)
	all = slices.DeleteFunc(all, func(a account) bool { return !r.holds(a) })
	slices.SortFunc(all, func(a, b account) int { return strings.Compare(a.Username, b.Username) })
	return all, err
}

// Person finds one whom the client reaches; everybody else is errs.NotFound.
func (p *Provisioner) Person(ctx context.Context, id tutela.UserID) (User, error) {
	a, err := p.person(ctx, id)
	return a.public(), err
}

func (p *Provisioner) person(ctx context.Context, id tutela.UserID) (account, error) {
	r, err := p.reach(ctx)
	if err != nil {
		return account{}, err
	}
	a, err := p.s.accountByID(ctx, id)
	if errs.Is(err, errs.NotFound) || err == nil && !r.holds(a) {
		return account{}, notThere()
	}
	return a, err
}

// Add makes an account, which waits for an administrator to invite its owner.
func (p *Provisioner) Add(ctx context.Context, want Profile) (User, error) {
	a := p.s.newAccount(NewUser{Kind: tutela.ActorPerson, Scopes: []string{StaffScope}})
	err := p.carryOut(ctx, func() ([]amendment, error) {
		err := p.fit(ctx, &a, want)
		return []amendment{{after: a}}, err
	})
	if err != nil {
		return User{}, err
	}
	return p.Person(ctx, a.ID)
}

// Change makes of an account what f says, which sees it as it is.
func (p *Provisioner) Change(ctx context.Context, id tutela.UserID, f func(User) (Profile, error)) (User, error) {
	err := p.carryOut(ctx, func() ([]amendment, error) {
		before, err := p.person(ctx, id)
		if err != nil {
			return nil, err
		}
		want, err := f(before.public())
		if err != nil {
			return nil, err
		}
		after := before
		err = p.fit(ctx, &after, want)
		return []amendment{{before, after}}, err
	})
	if err != nil {
		return User{}, err
	}
	return p.Person(ctx, id)
}

// ChangeAll makes of accounts what f says of those whom the client reaches, of all or of none.
func (p *Provisioner) ChangeAll(ctx context.Context, f func([]User) (map[tutela.UserID]Profile, error)) error {
	return p.carryOut(ctx, func() ([]amendment, error) {
		all, err := p.people(ctx)
		if err != nil {
			return nil, err
		}
		users := make([]User, len(all))
		for i, a := range all {
			users[i] = a.public()
		}
		want, err := f(users)
		if err != nil {
			return nil, err
		}
		var list []amendment
		for _, before := range all {
			profile, changes := want[before.ID]
			if !changes {
				continue
			}
			after := before
			if err := p.fit(ctx, &after, profile); err != nil {
				return nil, err
			}
			list = append(list, amendment{before, after})
		}
		return list, nil
	})
}

// Remove takes an account's name and credentials away for good, if check, where there is one, has
// nothing against it. The account itself stays, since the ledger names it.
func (p *Provisioner) Remove(ctx context.Context, id tutela.UserID, check func(User) error) error {
	return p.carryOut(ctx, func() ([]amendment, error) {
		before, err := p.person(ctx, id)
		if err == nil && check != nil {
			err = check(before.public())
		}
		after := before
		after.Disabled, after.Removed = true, p.s.clock()
		after.strip()
		return []amendment{{before, after}}, err
	})
}

// carryOut amends what plan says, which reads afresh whenever something else was first. It holds
// only while the client stands: each order claims the row of the client's account.
func (p *Provisioner) carryOut(ctx context.Context, plan func() ([]amendment, error)) error {
	defer p.s.orders.enter(string(p.order.by.ID))()
	err := retried(func() error {
		self, err := p.standing(ctx)
		if err != nil {
			return err
		}
		own, err := p.s.accountClaim(ctx, self)
		if err != nil {
			return err
		}
		list, err := plan()
		if err != nil {
			return err
		}
		return p.s.amend(ctx, p.order, list, own)
	})
	return p.s.noteRefusal(ctx, p.s.asked(tutela.ActionPeopleWrite, p.order.by), err)
}

// rivals finds an account that has a name or external id already.
func (p *Provisioner) rivals(ctx context.Context, a account) error {
	other, err := p.s.accountByName(ctx, a.Username)
	if err == nil && other.ID != a.ID {
		return takenBefore("username")
	}
	if err != nil && !errs.Is(err, errs.NotFound) || a.External == "" {
		return ignore(err, errs.NotFound)
	}
	all, err := p.people(ctx)
	if slices.ContainsFunc(all, func(o account) bool { return o.ID != a.ID && o.External == a.External }) {
		return takenBefore("externalId")
	}
	return err
}

// ignore drops an error of a kind.
func ignore(err error, k errs.Kind) error {
	if errs.Is(err, k) {
		return nil
	}
	return err
}
