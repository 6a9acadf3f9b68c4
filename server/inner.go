package server

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/httpx"
)

// inner carries calls of the console's to the operations of the API, in this process: what stands between the
// network and an operation but the proof of who calls stands here too. It implements console.API.
type inner struct{ s *Server }

// provenKey marks a request that this process makes for somebody whom his session has proved. Nothing that
// comes over the network is in a context.
type provenKey struct{}

// Do implements console.API.
func (i inner) Do(ctx context.Context, by tutela.Principal, method, path string, body []byte) (int, []byte, error) {
	by.Scopes = ofPerson()
	r, err := http.NewRequestWithContext(context.WithValue(ctx, provenKey{}, by), method, path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("call the API: %w", err)
	}
	r.RemoteAddr, r.Host = by.Address, i.s.cfg.Hosts[0]
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	w := &kept{header: http.Header{}, status: http.StatusOK}
	i.serve(w, r)
	return w.status, w.body.Bytes(), nil
}

// serve has a panic end here: pages call from goroutines of their own, where it would end the process.
func (i inner) serve(w http.ResponseWriter, r *http.Request) {
	defer i.s.rescue(w, r)
	i.s.mounted.mux.ServeHTTP(w, r)
}

// Permits implements console.API.
func (i inner) Permits(ctx context.Context, by tutela.Principal, operation string) bool {
	e, listed := i.s.mounted.exposed[operation]
	if !listed {
		return false
	}
	if e.who == anyone {
		return true
	}
	ask := access.Request{Action: i.s.mounted.actions[operation]}
	if e.who == treating && strings.HasSuffix(operation, "/{type}") {
		ask = access.Request{Action: tutela.ActionSearch, Type: "Patient"}
	}
	if ask.Action == "" {
		return false
	}
	by.Scopes = ofPerson()
	_, err := i.s.cfg.Access.Authorize(ctx, by, ask)
	return err == nil
}

// ofPerson are the scopes of who calls by pages. They are the person himself and no application: what he may see
// is what policies let him. Pages change no record.
func ofPerson() []string { return []string{"user/*.rs"} }

// caller is who calls: whom the console asks for, or else whoever the request's token proves.
func (s *Server) caller(w http.ResponseWriter, r *http.Request) (tutela.Principal, error) {
	if p, ok := r.Context().Value(provenKey{}).(tutela.Principal); ok {
		return p, nil
	}
	p, err := s.cfg.Identity.Authenticate(r.Context(), r.Header.Get("Authorization"))
	if err != nil {
		return tutela.Principal{}, s.charged(w, r, err)
	}
	p.Address = httpx.Peer(r)
	return p, nil
}

// kept is an answer that stays in memory.
type kept struct {
	header http.Header
	body   bytes.Buffer
	status int
	wrote  bool
}

// Header implements http.ResponseWriter.
func (k *kept) Header() http.Header { return k.header }

// WriteHeader implements http.ResponseWriter.
func (k *kept) WriteHeader(status int) {
	if !k.wrote {
		k.status, k.wrote = status, true
	}
}

// Write implements http.ResponseWriter.
func (k *kept) Write(b []byte) (int, error) {
	k.WriteHeader(http.StatusOK)
	return k.body.Write(b)
}
