package federation

import (
	"context"
	"crypto/x509"
	"net/http"
	"sync"
	"time"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/pace"
)

// Config says what a Service works with.
type Config struct {
	Identity *identity.Service
	Clock    clock.Clock
	// Base is the public base URL, below which providers send people back.
	Base string
	// Secrets is the folder of client secrets, a file each; empty: there are none.
	Secrets string
	// Loopback lets an issuer be on this machine, without TLS: for a try-out system.
	Loopback bool
	// Roots are the authorities that vouch for providers; nil means the system's.
	Roots *x509.CertPool
}

// Service is the relying party of one tenant. Safe for concurrent use.
type Service struct {
	cfg   Config
	paces *pace.Limiter

	mu    sync.Mutex
	known map[string]*metadata // guarded by mu; by the provider's id
}

// A network's budget of logins that are begun or come back: a morning's shift, then two a second.
const (
	budget = 240
	refill = 2 // a second
)

// New readies a Service.
func New(c Config) *Service {
	return &Service{cfg: c, paces: pace.New(c.Clock, budget, refill), known: map[string]*metadata{}}
}

// CallbackPath is where a provider sends people back to. Each has its own, so that the answer of
// one is not taken for another's (RFC 9700, 4.4.2).
func CallbackPath(provider string) string { return "/login/with/" + provider + "/callback" }

// Callback is the redirect URI to be registered at a provider.
func (s *Service) Callback(provider string) string { return s.cfg.Base + CallbackPath(provider) }

// Offered lists the providers over which one may sign in.
func (s *Service) Offered(ctx context.Context) ([]identity.Provider, error) {
	all, err := s.cfg.Identity.Providers(ctx)
	var list []identity.Provider
	for _, p := range all {
		if !p.Disabled {
			list = append(list, p)
		}
	}
	return list, err
}

// offered finds a provider over which one may sign in.
func (s *Service) offered(ctx context.Context, id string) (identity.Provider, error) {
	p, err := s.cfg.Identity.Provider(ctx, id)
	if err == nil && p.Disabled {
		err = errs.New(errs.NotFound, "no such provider")
	}
	return p, err
}

// slowed holds a network to its pace.
func (s *Service) slowed(address string) error {
	if wait, ok := s.paces.Spend(address, 1); !ok {
		return errs.New(errs.TooMany, "too many logins were begun here; try again in %s", wait.Round(time.Second)+time.Second)
	}
	return nil
}

// client makes the HTTP client for one provider.
func (s *Service) client(p identity.Provider) (*http.Client, error) {
	return outbound(p.Issuer, s.cfg.Roots, s.cfg.Loopback)
}
