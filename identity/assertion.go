package identity

import (
	"context"
	"errors"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// UseAssertion notes that a client proved itself by an assertion, once: a second time is
// errs.Unauthenticated while the assertion could still count (RFC 7523, 3, item 7).
func (s *Service) UseAssertion(ctx context.Context, c Client, id string, expires time.Time) error {
	name := c.ID + "\x00" + id
	claim, err := putItem(ctx, s, itemReplay, item[bool]{Name: name, Value: true}, "", expires)
	if err == nil {
		entry := s.entry(tutela.ActionClientProve, tutela.Actor{ID: c.Account, Kind: tutela.ActorService, Name: c.ID}, tutela.OutcomeSuccess)
		entry.Client = c.ID
		err = s.commit(ctx, store.Op{Claims: []store.Claim{claim}}, entry)
	}
	if errs.Is(err, errs.Conflict) {
		return errs.Wrap(errs.Unauthenticated, errors.New("assertion replayed"), "the assertion was used before")
	}
	return err
}

// IssueService gives a service an access token for itself. The caller has proved the client and
// narrowed the scopes.
func (s *Service) IssueService(ctx context.Context, c Client, scopes []string) (Issued, error) {
	a, t, err := s.prepareToken(ctx, IssueRequest{User: c.Account, Client: c.ID, Scopes: scopes, Assurance: assuranceOfKeys})
	if err != nil {
		return Issued{}, err
	}
	t.ClientEpoch = c.Epoch
	return s.issue(ctx, a, t)
}

// assuranceOfKeys says in the ledger that a service proved a key, which is no level of people's.
const assuranceOfKeys = "private_key_jwt"
