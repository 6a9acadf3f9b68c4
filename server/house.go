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
)

// House serves several tenants on one listener. Each is a Server of its own, which is found by the
// request's host and shares nothing with the others but the connection.
type House struct {
	tenants []*Server
	byHost  map[string]http.Handler
	owner   map[string]string // the tenant of a host
	silent  silent
	http    *http.Server
}

// HouseConfig says who lives in a House.
type HouseConfig struct {
	Tenants []*Server
	// Absent are the hosts of tenants that could not be opened, by tenant: they are answered 503.
	Absent map[string][]string
	Log    *slog.Logger
}

// NewHouse assembles a House. Close closes its tenants too.
func NewHouse(c HouseConfig) (*House, error) {
	h := &House{tenants: c.Tenants, byHost: map[string]http.Handler{}, owner: map[string]string{}}
	secured := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	for _, s := range c.Tenants {
		if err := h.add(s.cfg.Tenant, s.cfg.Hosts, s.Handler()); err != nil {
			return nil, err
		}
		secured.Certificates = append(secured.Certificates, s.cfg.TLS.Certificates...)
	}
	for tenant, hosts := range c.Absent {
		if err := h.add(tenant, hosts, http.HandlerFunc(absentTenant)); err != nil {
			return nil, err
		}
	}
	h.http = newHTTP(h, secured, c.Log, &h.silent)
	return h, nil
}

func (h *House) add(tenant string, hosts []string, handler http.Handler) error {
	for _, name := range hosts {
		name = strings.ToLower(name)
		if other, taken := h.owner[name]; taken {
			return fmt.Errorf("the host %s is named by %s and by %s", name, other, tenant)
		}
		h.byHost[name], h.owner[name] = handler, tenant
	}
	return nil
}

// ServeHTTP hands a request to its tenant. A host that nobody has is 404 before anything else, and
// so is one tenant's host on a connection that was opened by the name of another: what is bound to
// a connection must not be carried over.
func (h *House) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host := hostOf(r.Host)
	tenant, known := h.byHost[host]
	if known && r.TLS != nil && r.TLS.ServerName != "" {
		known = h.owner[hostOf(r.TLS.ServerName)] == h.owner[host]
	}
	if !known {
		http.NotFound(w, r)
		return
	}
	tenant.ServeHTTP(w, r)
}

// absentTenant answers for a tenant that could not be opened.
func absentTenant(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Retry-After", "60")
	http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
}

// Serve answers on a listener until Close.
func (h *House) Serve(l net.Listener) error { return serveTLS(h.http, l) }

// Close lets requests finish until ctx ends, cuts off those that have not, and closes every tenant,
// also where another one cannot be.
func (h *House) Close(ctx context.Context) error {
	err := h.http.Shutdown(ctx)
	if err != nil && ctx.Err() != nil {
		err = h.http.Close()
	}
	for _, s := range h.tenants {
		if failed := s.Close(ctx); failed != nil {
			err = errors.Join(err, fmt.Errorf("tenant %s: %w", s.cfg.Tenant, failed))
		}
	}
	return err
}

// hostOf is the name in a Host header, in lower case, without a port.
func hostOf(host string) string {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]") // an IPv6 address without a port
	}
	return strings.ToLower(name)
}
