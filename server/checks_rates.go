package server

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"net/netip"

	"github.com/tutela-health/tutela"
)

// mostTries bounds how long the check calls: a limit beyond that is none for a node.
const mostTries = 50_000

// tryRates calls the server's own handler as a network of the documentation block, which nobody
// else calls from, and as a caller who does not exist, until each is held back: no real caller
// has less left afterwards.
func (s *Server) tryRates(ctx context.Context) tutela.Evidence {
	on := s.cfg.Hosts[0]
	network := s.triesAsStranger(ctx)
	callers := s.triesAsCaller(ctx)
	switch {
	case ctx.Err() != nil:
		return observed(on, tutela.CouldNotCheck, "%v", ctx.Err())
	case network >= mostTries:
		return observed(on, tutela.Fail, "a network was not held back after %d requests without a token", network)
	case callers >= mostTries:
		return observed(on, tutela.Fail, "a proven caller without a rate of its own was not held back after %d requests", callers)
	}
	return observed(on, tutela.Pass, "a network was answered 429 after %d requests without a token, a proven caller after %d", network, callers)
}

func (s *Server) triesAsStranger(ctx context.Context) (n int) {
	from := documentationAddress()
	for n < mostTries && ctx.Err() == nil {
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/api/v1/openapi.json", http.NoBody)
		r.Host, r.RemoteAddr = s.cfg.Hosts[0], netip.AddrPortFrom(from, 1).String()
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if w.Code == http.StatusTooManyRequests {
			return n
		}
		n++
	}
	return n
}

func (s *Server) triesAsCaller(ctx context.Context) (n int) {
	p := tutela.Principal{ID: "check-" + tutela.UserID(rand.Text()), Kind: tutela.ActorSystem, Client: "check", Address: documentationAddress().String()}
	for n < mostTries && ctx.Err() == nil {
		if s.slowCaller(ctx, httptest.NewRecorder(), &p) != nil {
			return n
		}
		n++
	}
	return n
}

// documentationAddress is a random address of 2001:db8::/32 (RFC 3849).
func documentationAddress() netip.Addr {
	a := netip.MustParseAddr("2001:db8::1").As16()
	_, _ = rand.Read(a[4:8]) // never fails: it ends the process instead
	return netip.AddrFrom16(a)
}
