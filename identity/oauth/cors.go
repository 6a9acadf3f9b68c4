package oauth

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tutela-health/tutela/identity"
)

// originsFresh is how long the registered origins are kept before they are read again.
const originsFresh = 5 * time.Second

// originCache holds the web origins of the registered applications.
type originCache struct {
	mu   sync.Mutex
	read time.Time       // guarded by mu
	all  map[string]bool // guarded by mu
}

// CORS lets scripts of registered applications, and of nobody else, call what SMART applications
// in browsers call; what is published may be read by scripts from anywhere (SMART App Launch 2.2,
// "Considerations for Cross-Origin Resource Sharing"; Fetch, 3.2). Cookies are never part of that.
func (s *Server) CORS(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		if origin == "" || !scripted(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		allowed, err := s.allowedOrigin(r, origin)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		h := w.Header()
		h.Add("Vary", "Origin")
		if allowed != "" {
			h.Set("Access-Control-Allow-Origin", allowed)
			h.Set("Access-Control-Expose-Headers", "ETag, Last-Modified, Location, Content-Location, WWW-Authenticate, X-Request-Id")
		}
		if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
			next.ServeHTTP(w, r)
			return
		}
		if allowed != "" {
			h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE")
			h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Accept, Prefer, If-Match, If-None-Match, If-None-Exist, If-Modified-Since")
			h.Set("Access-Control-Max-Age", "600")
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

// allowedOrigin says whose scripts may read an answer: "*" those of all, "" those of nobody else.
func (s *Server) allowedOrigin(r *http.Request, origin string) (string, error) {
	if slices.Contains(published(), r.URL.Path) {
		return "*", nil
	}
	known, err := s.knownOrigin(r.Context(), origin)
	if err != nil || !known {
		return "", err
	}
	return origin, nil
}

// published are the addresses of what everybody may know.
func published() []string {
	return []string{
		"/oauth2/jwks", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server",
		fhirPath + "/metadata", fhirPath + "/.well-known/smart-configuration",
	}
}

// scripted tells the addresses that applications' scripts call. People's pages are none of them.
func scripted(path string) bool {
	return slices.Contains(published(), path) || slices.Contains([]string{tokenPath, "/oauth2/revoke", "/oauth2/userinfo", fhirPath}, path) ||
		strings.HasPrefix(path, fhirPath+"/")
}

func (s *Server) knownOrigin(ctx context.Context, origin string) (bool, error) {
	c := &s.origins
	c.mu.Lock()
	defer c.mu.Unlock()
	now := s.cfg.Clock()
	if c.all == nil || now.Sub(c.read) >= originsFresh {
		clients, err := s.identity.Clients(ctx)
		if err != nil {
			return false, err
		}
		c.all, c.read = map[string]bool{}, now
		for _, client := range clients {
			for _, uri := range client.RedirectURIs {
				c.all[identity.OriginOf(uri)] = true
			}
		}
		delete(c.all, "")
	}
	return c.all[origin], nil
}
