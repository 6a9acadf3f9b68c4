package oauth

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/tutela-health/tutela/internal/httpx"
)

// Bounds on a call to a client's address.
const (
	outboundTime = 5 * time.Second
	maxAnswer    = 64 << 10
)

// outbound makes the HTTP client for addresses that registrations name. It follows no redirect,
// uses no proxy, and connects to public addresses only: what it was told is no way into our network.
func outbound(roots *x509.CertPool, private bool) *http.Client {
	dialer := &net.Dialer{Timeout: outboundTime}
	if !private {
		dialer.Control = httpx.PublicOnly // after the name was resolved: a name cannot lie about it
	}
	return &http.Client{
		Timeout: outboundTime,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			MaxResponseHeaderBytes: maxAnswer, DisableKeepAlives: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirect },
	}
}

var errRedirect = errors.New("the address answers with a redirect")

// fetch reads a small JSON document, and the header that it came with.
func fetch(ctx context.Context, c *http.Client, address string) ([]byte, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Accept", "application/json")
	res, err := c.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = res.Body.Close() }() // it was read, or is not wanted
	if res.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("the address answers %d", res.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = errors.New("the answer is too long")
	}
	return body, res.Header, err
}
