package server

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"

	"github.com/tutela-health/tutela"
)

// metricsCheck asks for measurements at the server's own handler, from addresses of its choice.
type metricsCheck struct {
	host    string
	handler func() http.Handler
}

// read asks for the measurements from an address.
func (c metricsCheck) read(ctx context.Context, from netip.Addr, header map[string]string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", http.NoBody)
	r.Host, r.RemoteAddr = c.host, netip.AddrPortFrom(from, 1).String()
	for name, value := range header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	c.handler().ServeHTTP(w, r)
	return w
}

// closed asks as strangers do who have no token, say that they are this machine, or come through a proxy on it.
func (c metricsCheck) closed(ctx context.Context) tutela.Evidence {
	const on = "the measurements of this node"
	here, away := netip.MustParseAddr("127.0.0.1"), documentationAddress()
	if w := c.read(ctx, here, nil); w.Code != http.StatusOK {
		return observed(on, tutela.CouldNotCheck, "this machine itself is answered %d: a refusal would prove nothing", w.Code)
	}
	asks := []struct {
		name   string
		from   netip.Addr
		header map[string]string
	}{
		{"from another address", away, nil},
		{"with a random token", away, map[string]string{"Authorization": "Bearer tut_" + rand.Text() + rand.Text()}},
		{"from another address that says that it forwards for this machine", away, map[string]string{"X-Forwarded-For": "127.0.0.1", "X-Real-Ip": "127.0.0.1", "Forwarded": "for=127.0.0.1"}},
		{"through a proxy on this machine", here, map[string]string{"X-Forwarded-For": away.String()}},
	}
	var wrong []string
	for _, a := range asks {
		if w := c.read(ctx, a.from, a.header); w.Code != http.StatusUnauthorized || strings.Contains(w.Body.String(), "tutela_") {
			wrong = append(wrong, fmt.Sprintf("a request %s is answered %d", a.name, w.Code))
		}
	}
	if len(wrong) > 0 {
		return observed(on, tutela.Fail, "%s", few(wrong))
	}
	return observed(on, tutela.Pass, "%d requests of strangers were refused, whatever they said of where they come from", len(asks))
}

// counted sends a request, and looks whether the measurements tell of it.
func (c metricsCheck) counted(ctx context.Context) tutela.Evidence {
	const on = "the measurements of this node"
	here := netip.MustParseAddr("127.0.0.1")
	before := c.read(ctx, here, nil)
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/tutela-nowhere-"+strings.ToLower(rand.Text()), http.NoBody)
	r.Host, r.RemoteAddr = c.host, netip.AddrPortFrom(documentationAddress(), 1).String()
	c.handler().ServeHTTP(httptest.NewRecorder(), r)
	after := c.read(ctx, here, nil)
	if before.Code != http.StatusOK || after.Code != http.StatusOK {
		return observed(on, tutela.CouldNotCheck, "they are answered %d and %d", before.Code, after.Code)
	}
	first, last := strays(before.Body.String()), strays(after.Body.String())
	var wrong []string
	if last <= first {
		wrong = append(wrong, fmt.Sprintf("a request for what is not there was not counted: %v before, %v after", first, last))
	}
	for _, name := range []string{"tutela_http_request_duration_seconds", "tutela_ledger_pending_batches", "go_memstats_heap_alloc_bytes"} {
		if !strings.Contains(after.Body.String(), name) {
			wrong = append(wrong, "nothing is measured of "+name)
		}
	}
	if len(wrong) > 0 {
		return observed(on, tutela.Fail, "%s", few(wrong))
	}
	return observed(on, tutela.Pass, "a request for what is not there was counted within the same moment; requests, the ledger and the process are measured")
}

// strays adds up how many requests were answered 404.
func strays(text string) (n float64) {
	for line := range strings.Lines(text) {
		name, rest, found := strings.Cut(line, "{")
		if !found || name != "tutela_http_request_duration_seconds_count" || !strings.Contains(rest, `status="404"`) {
			continue
		}
		_, value, _ := strings.Cut(strings.TrimSpace(rest), "} ")
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			n += v
		}
	}
	return n
}
