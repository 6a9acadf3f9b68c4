package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/console"
	"github.com/tutela-health/tutela/fhir"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/oauth"
	"github.com/tutela-health/tutela/identity/pages"
	"github.com/tutela-health/tutela/identity/scim"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
)

// Limits on every connection.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 2 * time.Minute
	writeTimeout  = 5 * time.Minute
	idleTimeout   = 2 * time.Minute
	maxHeader     = 256 << 10 // a page link carries its search, 100 KiB at most before it is sealed
)

// Config says what a Server assembles.
type Config struct {
	// Tenant labels what is measured, where a House has several; empty otherwise.
	Tenant   string
	Hosts    []string // names under which the tenant is reached
	TLS      *tls.Config
	Identity *identity.Service
	Access   *access.Authorizer
	Audit    *audit.Log
	FHIR     *fhir.Handler
	API      API
	Gateway  Gateway
	// Pages are people's; nil leaves them out.
	Pages *pages.Pages
	// Console is what people look at all day; nil leaves it out.
	Console *console.Console
	// OAuth is the authorization server, which Close closes; nil leaves it out.
	OAuth *oauth.Server
	Clock clock.Clock
	Log   *slog.Logger
	// SCIM is how a directory says who joins and who leaves; nil leaves it out.
	SCIM *scim.Handler
	// TryOut, when it is not nil, lets a holder of its secret act as any try-out service.
	TryOut *TryOut
	// Served counts requests as they are answered; nil counts none.
	Served *atomic.Int64
	// Ready reports whether the node can serve; nil means always.
	Ready func(context.Context) error
}

// Server serves one tenant over HTTPS.
type Server struct {
	cfg      Config
	failures *audit.Aggregator
	silent   silent
	http     *http.Server
	gate     *gate
	mounted  *router
	mark     atomic.Pointer[string] // of the requests of a check that runs

	measurements measurements
}

// New assembles a Server. Close must be called even when Serve never was.
func New(cfg Config) *Server {
	s := &Server{cfg: cfg, failures: audit.NewAggregator(context.Background(), cfg.Audit), gate: newGate(cfg.Gateway, cfg.Clock)}
	s.http = newHTTP(s.handler(), cfg.TLS, cfg.Log, &s.silent)
	return s
}

// newHTTP is a server of HTTP within the limits on every connection.
func newHTTP(h http.Handler, secured *tls.Config, log *slog.Logger, quiet *silent) *http.Server {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader, TLSConfig: secured, DisableGeneralOptionsHandler: true,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug), ConnState: quiet.note,
	}
	srv.RegisterOnShutdown(quiet.close)
	return srv
}

// Handler is what Serve serves, for tests that need no network.
func (s *Server) Handler() http.Handler { return s.http.Handler }

// Serve answers on a listener until Close.
func (s *Server) Serve(l net.Listener) error { return serveTLS(s.http, l) }

func serveTLS(srv *http.Server, l net.Listener) error {
	err := srv.ServeTLS(l, "", "")
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve: %w", err)
}

// Close lets requests finish until ctx ends, cuts off those that have not, and writes what was
// counted, however long that takes.
func (s *Server) Close(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil && ctx.Err() != nil {
		s.cfg.Log.WarnContext(ctx, "stopping with requests under way")
		err = s.http.Close()
	}
	if s.cfg.OAuth != nil {
		err = errors.Join(err, s.cfg.OAuth.Close(ctx))
	}
	return errors.Join(err, s.failures.Close(context.WithoutCancel(ctx)))
}

// handler is the middleware in its order: the first is the outermost.
func (s *Server) handler() http.Handler {
	s.mounted = newRouter(operations(), s.held)
	s.routes(s.mounted)
	for _, pattern := range s.mounted.unlisted {
		s.cfg.Log.Error("an operation is not on the list of what is exposed, and is not there", slog.String("route", pattern))
	}
	var h http.Handler = s.mounted.mux
	if s.cfg.OAuth != nil {
		h = s.cfg.OAuth.CORS(h)
	}
	return s.forwarded(s.recovered(s.measured(s.hardened(s.knownHost(s.bounded(s.exact(h)))))))
}

// recovered turns a panic into a bare 500 and logs where it was, without what it held.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = httpx.WithRequestID(w, r)
		defer s.rescue(w, r)
		next.ServeHTTP(w, r)
	})
}

// rescue ends a panic; it is deferred by whatever begins to serve a request.
func (s *Server) rescue(w http.ResponseWriter, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler {
		panic(p)
	}
	s.cfg.Log.LogAttrs(r.Context(), slog.LevelError, "panic while serving",
		slog.String("request", httpx.RequestID(r.Context())), slog.String("kind", fmt.Sprintf("%T", p)), slog.String("stack", stack()))
	w.WriteHeader(http.StatusInternalServerError)
}

// knownHost answers 404 for any host but the tenant's.
func (s *Server) knownHost(next http.Handler) http.Handler {
	known := make(map[string]bool, len(s.cfg.Hosts))
	for _, h := range s.cfg.Hosts {
		known[strings.ToLower(h)] = true
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !known[hostOf(r.Host)] {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// charged takes a wrong token from the budget of the network that it came from. One that has none
// left hears that, and no longer whether the token was right.
func (s *Server) charged(w http.ResponseWriter, r *http.Request, err error) error {
	if !errs.Is(err, errs.Unauthenticated) {
		return err
	}
	if slow := s.slow(w, r, costOfFailure); slow != nil {
		return slow
	}
	return err
}

// guarded lets only proven callers through. Who is nobody is counted, not written one by one.
func (s *Server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := s.caller(w, r)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		if err := s.slowCaller(r.Context(), w, &p); err != nil {
			s.refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(httpx.WithPrincipal(r.Context(), p)))
	})
}
