package server

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
)

// forwarded takes the caller's address from X-Forwarded-For, as far as proxies that are trusted
// wrote it: from the right, past every trusted proxy, to the first address that is none.
func (s *Server) forwarded(next http.Handler) http.Handler {
	if len(s.gate.proxies) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if from := s.gate.origin(httpx.Peer(r), r.Header.Values("X-Forwarded-For")); from != "" {
			r = r.WithContext(r.Context())
			r.RemoteAddr = net.JoinHostPort(from, "0")
		}
		next.ServeHTTP(w, r)
	})
}

// origin gives the address that a trusted peer forwards for, or nothing.
func (g *gate) origin(peer string, lines []string) string {
	if len(lines) == 0 || !within(g.proxies, peer) {
		return ""
	}
	hops := strings.Split(strings.Join(lines, ","), ",")
	found := ""
	for i := len(hops) - 1; i >= 0; i-- {
		at, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return found // what stands to the left of nonsense is not to be believed
		}
		found = at.Unmap().WithZone("").String()
		if !within(g.proxies, found) {
			return found
		}
	}
	return found
}

// bounded answers 503 when as many requests are served as may be. Whether the node lives and can
// serve is answered all the same: who asks that must not take a busy node for a dead one.
func (s *Server) bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" || r.URL.Path == "/readyz" {
			next.ServeHTTP(w, r)
			return
		}
		select {
		case s.gate.places <- struct{}{}:
		default:
			w.Header().Set("Retry-After", "1")
			s.refuse(w, r, errs.New(errs.Unavailable, "too many requests at once; try again"))
			return
		}
		defer func() { <-s.gate.places }()
		next.ServeHTTP(w, r)
	})
}

// exact lets only requests through that every part of a chain of proxies reads alike. Nothing that
// means well sends others.
func (s *Server) exact(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !plainTarget(r) || overrides(r.Header) {
			s.failures.Count(tutela.Entry{Address: httpx.Peer(r), Action: tutela.ActionUnknown, Outcome: tutela.OutcomeFailed, Status: http.StatusBadRequest})
			s.refuse(w, r, errs.New(errs.Invalid, "the request's address or its headers could be read in more than one way"))
			return
		}
		if r.ProtoMajor == 1 && len(r.TransferEncoding) > 0 {
			// A chunked body may hide a second length (RFC 9112, 6.1): nothing that follows it on the
			// connection is taken for a request.
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// plainTarget tells an address in origin form whose path has one reading: no dot segments, empty
// segments, encoded dots or slashes, backslashes or control characters.
func plainTarget(r *http.Request) bool {
	if r.Method == http.MethodConnect || r.Method == http.MethodTrace || r.RequestURI == "*" ||
		r.RequestURI != "" && r.RequestURI[0] != '/' || !strings.HasPrefix(r.URL.Path, "/") {
		return false
	}
	return plainPath(r.URL.Path) && plainEscapes(r.URL.RawPath)
}

func plainPath(path string) bool {
	from := 1 // where the segment began
	for i := 1; i <= len(path); i++ {
		if i < len(path) && path[i] != '/' {
			if c := path[i]; c < 0x20 || c == 0x7f || c == '\\' {
				return false
			}
			continue
		}
		if segment := path[from:i]; segment == "." || segment == ".." || segment == "" && i < len(path) {
			return false
		}
		from = i + 1
	}
	return true
}

// plainEscapes looks through a path in which something is escaped that need not be.
func plainEscapes(raw string) bool {
	if raw == "" {
		return true
	}
	raw = strings.ToLower(raw)
	for _, escape := range []string{"%2f", "%5c", "%2e", "%25"} {
		if strings.Contains(raw, escape) {
			return false
		}
	}
	return true
}

// overrides tells headers by which some servers take another method or address than the request's.
func overrides(h http.Header) bool {
	return h["X-Http-Method-Override"] != nil || h["X-Http-Method"] != nil || h["X-Method-Override"] != nil ||
		h["X-Original-Url"] != nil || h["X-Rewrite-Url"] != nil
}

// hardened sets the headers that every answer carries, pages and planes may tighten them: nothing is
// sniffed, framed, kept, or loaded by another site. The values are shared: what adds to one copies it.
func (*Server) hardened(next http.Handler) http.Handler {
	fixed := map[string][]string{
		"Strict-Transport-Security":    {"max-age=63072000"},
		"X-Content-Type-Options":       {"nosniff"},
		"X-Frame-Options":              {"DENY"},
		"Content-Security-Policy":      {"default-src 'none'; frame-ancestors 'none'"},
		"Referrer-Policy":              {"no-referrer"},
		"Cache-Control":                {"no-store"},
		"Cross-Origin-Resource-Policy": {"same-origin"},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		for name, value := range fixed {
			h[name] = value
		}
		next.ServeHTTP(w, r)
	})
}
