package oauth

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/httpx"
	"github.com/tutela-health/tutela/internal/pace"
)

// Config says what a Server works with.
type Config struct {
	Identity *identity.Service
	Audit    *audit.Log
	Pages    Pages
	// Session gives the cookie that proves a person's session, "" where there is none.
	Session func(*http.Request) string
	Clock   clock.Clock
	Log     *slog.Logger
	// Issuer is the server's public base URL, and FHIR that of its FHIR API.
	Issuer, FHIR string
	// Roots are the authorities that clients' addresses are trusted by; nil: the machine's.
	Roots *x509.CertPool
	// Private lets clients' addresses (key sets, logout) lead to this machine and its network:
	// for tests and try-outs. Elsewhere it would let a registration probe the inside.
	Private bool
	// Retries are the pauses before a logout token is sent again; nil: 1 s, 5 s, 30 s.
	Retries []time.Duration
}

// Server is the authorization server of one tenant. Safe for concurrent use.
type Server struct {
	cfg      Config
	identity *identity.Service
	failures *audit.Aggregator
	keys     *keyFetcher
	logouts  *notifier
	origins  originCache
	pace     *pace.Limiter // of those who ask for tokens
}

// New readies a Server, before its Identity is used. Close must be called.
func New(c Config) *Server {
	c.Issuer, c.FHIR = strings.TrimSuffix(c.Issuer, "/"), strings.TrimSuffix(c.FHIR, "/")
	if c.Retries == nil {
		c.Retries = []time.Duration{time.Second, 5 * time.Second, 30 * time.Second}
	}
	out := outbound(c.Roots, c.Private)
	s := &Server{
		cfg: c, identity: c.Identity, failures: audit.NewAggregator(context.Background(), c.Audit),
		keys: newKeyFetcher(out, c.Clock), logouts: newNotifier(out, c.Log, c.Retries),
		pace: pace.New(c.Clock, tokenBudget, tokenRefill),
	}
	c.Identity.OnEnded(s.ended)
	return s
}

// Close stops what goes on beside requests; logout tokens that were not delivered by then are not.
func (s *Server) Close(ctx context.Context) error {
	s.logouts.close()
	return s.failures.Close(ctx)
}

// KeySet fetches the key set that a client publishes, afresh, by the rules of outbound requests.
func (s *Server) KeySet(ctx context.Context, address string) ([]byte, error) {
	body, _, err := fetch(ctx, s.keys.http, address)
	return body, err
}

// visitor is who sits at the browser.
type visitor struct {
	session identity.Session
	user    identity.User
}

// visitor finds the person behind a request's cookie. ok is false for nobody.
func (s *Server) visitor(r *http.Request) (v visitor, ok bool, err error) {
	cookie := s.cfg.Session(r)
	if cookie == "" {
		return visitor{}, false, nil
	}
	v.session, v.user, err = s.identity.SessionByCookie(r.Context(), cookie)
	if isNobody(err) {
		return visitor{}, false, nil
	}
	return v, err == nil, err
}

// denied writes down that a person or client was refused, where nothing else does.
func (s *Server) denied(r *http.Request, e tutela.Entry) error {
	e.Outcome, e.Address, e.Request = tutela.OutcomeDenied, httpx.Peer(r), httpx.RequestID(r.Context())
	_, err := s.cfg.Audit.Append(r.Context(), e, nil)
	return err
}

func actorOf(u identity.User) tutela.Actor {
	return tutela.Actor{ID: u.ID, Kind: u.Kind, Name: u.Username, Roles: u.Roles, Unit: u.Unit}
}
