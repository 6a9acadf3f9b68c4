package federation

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"

	"github.com/tutela-health/tutela/internal/httpx"
)

// Bounds on a call to a provider.
const (
	outboundTime = 5 * time.Second
	maxAnswer    = 1 << 20
	maxHeader    = 64 << 10
	maxRedirects = 3
)

var (
	errTransport = errors.New("the address is not https")
	errRedirect  = errors.New("the address answers with a redirect to another host")
	errReserved  = errors.New("the address is this machine's or a link's")
	errTooLong   = errors.New("the answer is too long")
)

// outbound makes the HTTP client for a provider. The host of its issuer, which an administrator
// chose, may be in our network; what its metadata names besides must be public. It follows a redirect
// on the same host alone and uses no proxy.
func outbound(issuer string, roots *x509.CertPool, loopback bool) (*http.Client, error) {
	u, err := url.Parse(issuer)
	if err != nil {
		return nil, fmt.Errorf("issuer: %w", err)
	}
	t := &http.Transport{
		DialContext: dialer(u.Hostname(), loopback), TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: outboundTime, MaxResponseHeaderBytes: maxHeader, DisableKeepAlives: true,
	}
	return &http.Client{Timeout: outboundTime, Transport: &bounded{t, loopback}, CheckRedirect: sameHost}, nil
}

// dialer connects to the issuer's host by its own rule, and to public addresses else. What counts is
// the address that a name led to.
func dialer(issuer string, loopback bool) func(context.Context, string, string) (net.Conn, error) {
	near := &net.Dialer{Timeout: outboundTime, Control: func(_, address string, _ syscall.RawConn) error {
		return reachable(address, loopback)
	}}
	far := &net.Dialer{Timeout: outboundTime, Control: httpx.PublicOnly}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if host, _, err := net.SplitHostPort(address); err == nil && host == issuer {
			return near.DialContext(ctx, network, address)
		}
		return far.DialContext(ctx, network, address)
	}
}

// reachable refuses what is no host of a network: links, groups, and this machine unless loopback.
func reachable(address string, loopback bool) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return errReserved
	}
	ip := at.Addr().Unmap()
	if ip.IsGlobalUnicast() || loopback && ip.IsLoopback() {
		return nil
	}
	return errReserved
}

func sameHost(r *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects || r.URL.Host != via[0].URL.Host || r.URL.Scheme != via[0].URL.Scheme {
		return errRedirect
	}
	return nil
}

// bounded refuses requests in the clear, and cuts answers that are too long.
type bounded struct {
	next     http.RoundTripper
	loopback bool
}

func (b *bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	if !mayCall(r.URL, b.loopback) {
		return nil, errTransport
	}
	res, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	res.Body = &limited{res.Body, maxAnswer}
	return res, nil
}

// mayCall accepts https, and http to this machine where that is let.
func mayCall(u *url.URL, loopback bool) bool {
	if u.Host == "" || u.User != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	here := u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && loopback && here
}

// limited is a body that fails, rather than ends, where it is too long.
type limited struct {
	io.ReadCloser

	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.ReadCloser.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, errTooLong
	}
	return n, err
}
