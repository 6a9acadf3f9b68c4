package identity

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/pace"
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
	// Name is what authenticators show beside an account; empty means "Tutela".
	Name string
	// RPID is the host name that passkeys are bound to, and Origins the web origins that may use
	// them (WebAuthn, 4). Without RPID there are no passkeys.
	RPID    string
	Origins []string
	// Roles are those that there are; nil accepts any name. A role that access does not know may nothing.
	Roles []string
	// Labels are the sensitivity labels that accounts are cleared for; nil accepts any name.
	Labels []string
	// Privileged are roles that no SCIM client gives, takes or touches the holders of, beside the
	// administrator's and those of services.
	Privileged []string
	// Admit reports whether a client, for an account of some roles, may call from an address; a client
	// that proves itself has no roles yet. Nil admits everybody from everywhere.
	Admit func(client string, roles []string, address string) bool
	// Idle ends a session that nobody uses, Absolute every session (NIST SP 800-63B-4, 2.2.3:
	// an hour and a day at most). Zero means 15 minutes and 12 hours.
	Idle, Absolute time.Duration
}

// Service keeps accounts, sessions and tokens of one tenant. Safe for concurrent use.
type Service struct {
	db       *store.DB
	ring     *keys.Ring
	audit    *audit.Log
	clock    clock.Clock
	fresh    func() bool
	name     string
	roles    []string
	labels   []string
	above    []string // roles out of the reach of SCIM and outside providers
	idle     time.Duration
	absolute time.Duration
	passkeys *webauthn.WebAuthn // nil: none
	names    *keys.MAC          // hashes usernames and user ids for the rows' keys
	hasher   *hasher
	cache    tokenCache
	brakes   queues                                                   // of those who change a throttle
	attempts queues                                                   // of those who finish an attempt
	begins   *pace.Limiter                                            // of those who begin a login by nothing but a passkey
	orders   queues                                                   // of SCIM clients and administrators who change many
	admit    func(client string, roles []string, address string) bool // nil: from everywhere
	strayed  *pace.Limiter                                            // of what is written about who was not admitted
	ended    func(context.Context, Ended)                             // nil: nobody is told

	hold func(ctx context.Context, p tutela.Principal, client, address string) Hold // nil: nobody is held
}

// Open readies a Service over a migrated database.
func Open(ctx context.Context, c Config) (*Service, error) {
	secret, err := c.Ring.Secret(ctx, "identity")
	if err != nil {
		return nil, fmt.Errorf("open identity key: %w", err)
	}
	s := &Service{
		db: c.DB, ring: c.Ring, audit: c.Audit, clock: c.Clock, fresh: c.Fresh, name: c.Name, roles: c.Roles, labels: c.Labels,
		idle: c.Idle, absolute: c.Absolute, names: keys.NewMAC(secret), hasher: newHasher(c.Clock, runtime.GOMAXPROCS(0)),
		above:  append([]string{roleAdmin, roleService, roleProvisioner}, c.Privileged...),
		begins: pace.New(c.Clock, passkeyBudget, passkeyRefill),
		admit:  c.Admit, strayed: pace.New(c.Clock, 1, 1./60),
	}
	s.complete()
	if c.RPID != "" {
		if s.passkeys, err = newRelyingParty(s.name, c.RPID, c.Origins); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// complete fills in what the Config left out.
func (s *Service) complete() {
	if s.fresh == nil {
		s.fresh = func() bool { return true }
	}
	if s.name == "" {
		s.name = "Tutela"
	}
	if s.idle <= 0 {
		s.idle = 15 * time.Minute
	}
	if s.absolute <= 0 {
		s.absolute = 12 * time.Hour
	}
}

// Invalidate forgets proven tokens: another node changed a token or an account.
func (s *Service) Invalidate() { s.cache.drop() }

func (s *Service) entry(action tutela.Action, actor tutela.Actor, outcome tutela.Outcome) tutela.Entry {
	return tutela.Entry{Action: action, Actor: actor, Outcome: outcome}
}
