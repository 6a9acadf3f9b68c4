package identity

import (
	"context"
	"net/http"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
)

// entering refuses a login from an address from which the account may not call: the same check that each
// use of the session gets. Who proved everything elsewhere hears what a wrong code says.
func (s *Service) entering(ctx context.Context, a account) error {
	err := s.From(ctx, "", a.principal(s.ring.Tenant()))
	if errs.Is(err, errs.Unauthenticated) {
		return wrongCode()
	}
	return err
}

// From refuses a client, and the account for which it calls, at an address from which one of them
// may not call, and while an answer to a finding keeps one of them out. Outside a request there is no address to refuse. The ledger has an entry for each
// account, client and address, one a minute at most.
func (s *Service) From(ctx context.Context, client string, p tutela.Principal) error {
	if s.heldOf(ctx, client, p).Barred {
		return s.refuseHeld(ctx, client, p, unauthenticated())
	}
	if s.admit == nil || httpx.RequestID(ctx) == "" {
		return nil
	}
	address := httpx.PeerOf(ctx)
	if s.admit(client, p.Roles, address) {
		return nil
	}
	if _, first := s.strayed.Spend(string(p.ID)+" "+client+" "+address, 1); first {
		if _, err := s.audit.Append(ctx, tutela.Entry{
			Action: tutela.ActionNetwork, Outcome: tutela.OutcomeDenied, Status: http.StatusUnauthorized, Address: address, Client: client,
			Session: p.Session, Request: httpx.RequestID(ctx),
			Actor: tutela.Actor{ID: p.ID, Kind: p.Kind, Name: p.Username, Roles: p.Roles, Unit: p.Unit},
		}, nil); err != nil {
			return errs.Wrap(errs.Unavailable, err, "the request could not be recorded")
		}
	}
	return unauthenticated()
}
