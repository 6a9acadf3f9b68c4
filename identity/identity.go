package identity

import (
	"context"
	"fmt"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/store"
)

// Config says what a Service works with.
type Config struct {
	DB    *store.DB
	Ring  *keys.Ring
	Audit *audit.Log
	Clock clock.Clock
	// Fresh reports whether what other nodes revoked has been heard of lately; when it is false
	// the token cache is not used. Nil means always.
	Fresh func() bool
}

// Service keeps accounts and tokens of one tenant. Safe for concurrent use.
type Service struct {
	db    *store.DB
	ring  *keys.Ring
	audit *audit.Log
	clock clock.Clock
	fresh func() bool
	names *keys.MAC // hashes usernames and user ids for the rows' keys
	cache tokenCache
}

// Open readies a Service over a migrated database.
func Open(ctx context.Context, c Config) (*Service, error) {
	secret, err := c.Ring.Secret(ctx, "identity")
	if err != nil {
		return nil, fmt.Errorf("open identity key: %w", err)
	}
	s := &Service{db: c.DB, ring: c.Ring, audit: c.Audit, clock: c.Clock, fresh: c.Fresh, names: keys.NewMAC(secret)}
	if s.fresh == nil {
		s.fresh = func() bool { return true }
	}
	return s, nil
}

// Invalidate forgets proven tokens: another node changed a token or an account.
func (s *Service) Invalidate() { s.cache.drop() }

func (s *Service) entry(action tutela.Action, actor tutela.Actor, outcome tutela.Outcome) tutela.Entry {
	return tutela.Entry{Action: action, Actor: actor, Outcome: outcome}
}
