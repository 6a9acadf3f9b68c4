package httpx

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/tutela-health/tutela"
)

// TestRequestIsKnownByItsContext looks where planes look: behind the principal, and behind what they derive.
func TestRequestIsKnownByItsContext(t *testing.T) {
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	r.RemoteAddr = "192.0.2.7:4711"
	before := r.Context()
	r = WithRequestID(w, r)
	ctx, cancel := context.WithCancel(WithPrincipal(r.Context(), tutela.Principal{ID: "u1"}))
	defer cancel()
	if id := RequestID(ctx); len(id) != 32 || id != w.Header().Get("X-Request-Id") {
		t.Errorf("id %q, header %q", id, w.Header().Get("X-Request-Id"))
	}
	if peer := PeerOf(ctx); peer != "192.0.2.7" {
		t.Errorf("peer %q", peer)
	}
	if p := Principal(ctx); p.ID != "u1" {
		t.Errorf("principal %q", p.ID)
	}
	if RequestID(before)+PeerOf(before) != "" || Principal(r.Context()).ID != "" {
		t.Error("known outside of the request, or before it was proved")
	}
}

func TestRequestEndsWithItsParent(t *testing.T) {
	parent, cancel := context.WithCancel(t.Context())
	r := WithRequestID(httptest.NewRecorder(), httptest.NewRequestWithContext(parent, http.MethodGet, "/", http.NoBody))
	cancel()
	<-r.Context().Done()
	if r.Context().Err() == nil {
		t.Error("no error after the end")
	}
}
