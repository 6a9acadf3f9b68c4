package identity

import (
	"context"
	"net/http"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
)

// From refuses a client, and the account for which it calls, at an address from which one of them
// may not call. Outside a request there is no address to refuse. The ledger has an entry for each
// account, client and address, one a minute at most.
func (s *Service) From(ctx context.Context, client string, p tutela.Principal) error {
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
