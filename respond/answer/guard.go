package answer

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/pace"
)

// draft is an answer before it is given.
type draft struct {
	kind     Kind
	target   Target
	because  string // why it is milder than the policy says
	withheld bool
	strange  bool // the account did not act: what can be done is done about where it came from
}

func (d draft) hold(format string, args ...any) draft {
	d.withheld, d.because = true, fmt.Sprintf(format, args...)
	return d
}

func (d draft) milder(k Kind, because string) draft {
	d.kind, d.because, d.target.Role = k, because, ""
	return d
}

// guard makes of a draft what may be given.
func (s *Service) guard(ctx context.Context, p *Policy, d draft, seen deeds) (draft, error) {
	switch d.target.On {
	case Account:
		return s.guardAccount(ctx, p, d, seen)
	case Client:
		return s.guardClient(ctx, p, d)
	case Address:
		return s.guardAddress(ctx, p, d)
	}
	return d.hold("it is for nothing that is known"), nil
}

// guardAccount keeps victims, those who treat patients and the last administrator from being locked out.
func (s *Service) guardAccount(ctx context.Context, p *Policy, d draft, seen deeds) (draft, error) {
	u, err := s.cfg.People.UserByID(ctx, tutela.UserID(d.target.ID))
	if errs.Is(err, errs.NotFound) {
		return d.hold("there is no such account here"), nil
	}
	if err != nil {
		return d, err
	}
	switch {
	case slices.Contains(p.Never.Accounts, string(u.ID)) || slices.Contains(p.Never.Accounts, u.Username):
		return d.hold("the policy lets no machine act on the account"), nil
	case !seen.itself:
		d.strange = true
		return d.hold("the ledger does not show that the account acted: somebody else may have named it"), nil
	case d.kind == StepUp && u.Kind != tutela.ActorPerson:
		return d.hold("a service has no second factor"), nil
	case d.kind != StepUp && u.Kind == tutela.ActorPerson && slices.ContainsFunc(u.Roles, p.cares):
		return d.milder(StepUp, "the account's owner treats patients"), nil
	case d.kind == Narrow && !slices.Contains(u.Roles, d.target.Role):
		return d.hold("the account does not have the role"), nil
	case d.kind == Lock || d.kind == Narrow && d.target.Role == roleAdmin:
		return s.guardAdmin(ctx, d, u)
	}
	return d, nil
}

// cares reports whether a role is one of those who treat patients.
func (p *Policy) cares(role string) bool { return slices.Contains(p.CareRoles, role) }

const roleAdmin = "admin"

// guardAdmin lets an administrator be kept out only where another one is left.
func (s *Service) guardAdmin(ctx context.Context, d draft, u identity.User) (draft, error) {
	if !slices.Contains(u.Roles, roleAdmin) {
		return d, nil
	}
	all, err := s.cfg.People.Users(ctx)
	if err != nil {
		return d, err
	}
	inForce, err := s.inForce(ctx, s.now())
	if err != nil {
		return d, err
	}
	for _, other := range all {
		if other.ID != u.ID && slices.Contains(other.Roles, roleAdmin) && other.State() == "active" && !keptOut(inForce, other.ID) {
			return d, nil
		}
	}
	return d.milder(StepUp, "it is the last administrator"), nil
}

// keptOut reports whether answers keep an account from administering.
func keptOut(list []Answer, id tutela.UserID) bool {
	return slices.ContainsFunc(list, func(a Answer) bool {
		return a.Target.On == Account && a.Target.ID == string(id) && (a.Kind == Lock || a.Kind == Narrow && a.Target.Role == roleAdmin)
	})
}

// guardClient spares the organisation's own applications: whole wards work with them.
func (s *Service) guardClient(ctx context.Context, p *Policy, d draft) (draft, error) {
	c, err := s.cfg.People.Client(ctx, d.target.ID)
	switch {
	case errs.Is(err, errs.NotFound):
		return d.hold("the client is not registered"), nil
	case err != nil:
		return d, err
	case c.FirstParty:
		return d.hold("people of the house work with the client"), nil
	case slices.Contains(p.Never.Clients, c.ID):
		return d.hold("the policy lets no machine act on the client"), nil
	}
	return d, nil
}

// guardAddress lets nobody be blocked with others who work there.
func (s *Service) guardAddress(ctx context.Context, p *Policy, d draft) (draft, error) {
	network, err := networkOf(d.target.ID)
	if err != nil {
		return d.hold("it is no address"), nil
	}
	for _, never := range slices.Concat(p.Never.Addresses, s.cfg.Proxies) {
		if never.Overlaps(network) {
			return d.hold("no machine acts on %s: it is this machine, a proxy of its own or excepted by the policy", never), nil
		}
	}
	if d.kind != Block {
		return d, nil
	}
	logins, err := s.cfg.People.Logins(ctx)
	if err != nil {
		return d, err
	}
	for _, l := range logins {
		if pace.Network(l.Address) == d.target.ID {
			return d.milder(Throttle, "people are signed in from there"), nil
		}
	}
	return d, nil
}

// networkOf reads an address or a network.
func networkOf(text string) (netip.Prefix, error) {
	if strings.Contains(text, "/") {
		return netip.ParsePrefix(text)
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	return a.Prefix(a.BitLen())
}

// capped holds a draft back where enough was given within the hour.
func (s *Service) capped(ctx context.Context, p *Policy, d draft) (draft, error) {
	since := s.now().Add(-time.Hour)
	for _, c := range []struct {
		kind Kind
		most int
	}{{d.kind, p.cap(string(d.kind))}, {"", p.cap(capAll)}} {
		n, err := s.givenSince(ctx, c.kind, since)
		if err != nil {
			return d, err
		}
		if n >= c.most {
			return d.hold("%d answers were given within the hour: whether that is right is for people to say", n), nil
		}
	}
	return d, nil
}
