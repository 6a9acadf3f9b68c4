package federation

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
)

// How long what a provider publishes counts, and how soon it is asked again when it did not answer.
const (
	metadataFresh = time.Hour
	metadataAgain = 5 * time.Second
)

// metadata is what a provider publishes (OpenID Connect Discovery 1.0, 3; RFC 9207, 3).
type metadata struct {
	mu      sync.Mutex
	fetched time.Time  // guarded by mu; also when that failed
	got     *published // guarded by mu; nil when it failed
	err     error      // guarded by mu; of the newest fetch
}

// published is an answer of a provider's discovery that was found good.
type published struct {
	provider    *oidc.Provider
	http        *http.Client
	AuthMethods []string `json:"token_endpoint_auth_methods_supported"`
	TakesClaims bool     `json:"claims_parameter_supported"`
	NamesIssuer bool     `json:"authorization_response_iss_parameter_supported"`
	EndSession  string   `json:"end_session_endpoint"`
	Keys        string   `json:"jwks_uri"`
}

// discover gives a provider's metadata. One caller fetches them, the others wait; not for longer
// than a call may take.
func (s *Service) discover(ctx context.Context, p identity.Provider) (*published, error) {
	s.mu.Lock()
	m, ok := s.known[p.ID]
	if !ok {
		m = &metadata{}
		s.known[p.ID] = m
	}
	s.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	age := s.cfg.Clock().Sub(m.fetched)
	if m.fetched.IsZero() || age >= metadataFresh || m.err != nil && age >= metadataAgain {
		m.got, m.err = s.fetch(context.WithoutCancel(ctx), p) // it serves all who wait
		m.fetched = s.cfg.Clock()
	}
	return m.got, errs.Wrap(errs.Unavailable, m.err, p.Name+" cannot be reached at the moment; accounts that sign in here are not affected")
}

func (s *Service) fetch(ctx context.Context, p identity.Provider) (*published, error) {
	client, err := s.client(p)
	if err != nil {
		return nil, err
	}
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, client), p.Issuer)
	if err != nil {
		return nil, fmt.Errorf("discover provider %s: %w", p.ID, err)
	}
	got := &published{provider: provider, http: client}
	if err := provider.Claims(got); err != nil {
		return nil, fmt.Errorf("discover provider %s: %w", p.ID, err)
	}
	for _, address := range []string{provider.Endpoint().AuthURL, provider.Endpoint().TokenURL, got.Keys} {
		if _, ok := s.callable(address); !ok {
			return nil, fmt.Errorf("discover provider %s: %w", p.ID, errTransport)
		}
	}
	return got, nil
}

// callable reads an address that metadata name, if it may be called.
func (s *Service) callable(address string) (*url.URL, bool) {
	u, err := url.Parse(address)
	return u, err == nil && mayCall(u, s.cfg.Loopback)
}

// Try asks a provider for its metadata now: for the administrator who configures it.
func (s *Service) Try(ctx context.Context, id string) error {
	p, err := s.cfg.Identity.Provider(ctx, id)
	if err != nil {
		return err
	}
	if p.SecretFile != "" {
		if _, err := s.secret(p); err != nil {
			return err
		}
	}
	s.mu.Lock()
	delete(s.known, id)
	s.mu.Unlock()
	_, err = s.discover(ctx, p)
	return err
}

// LogoutURL is where a person also signs out of a provider, or "" where it offers no such place
// (OpenID Connect RP-Initiated Logout 1.0, 2). We keep no id_token for a hint: the provider asks.
func (s *Service) LogoutURL(ctx context.Context, id string) (string, error) {
	p, err := s.offered(ctx, id)
	if err != nil {
		return "", err
	}
	got, err := s.discover(ctx, p)
	if err != nil {
		return "", err
	}
	u, ok := s.callable(got.EndSession)
	if !ok {
		return "", nil
	}
	q := u.Query()
	q.Set("client_id", p.ClientID)
	q.Set("post_logout_redirect_uri", s.cfg.Base+"/login")
	u.RawQuery = q.Encode()
	return u.String(), nil
}
