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
	"net/netip"
	"syscall"
	"time"
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
		dialer.Control = publicOnly // after the name was resolved: a name cannot lie about it
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

var (
	errRedirect = errors.New("the address answers with a redirect")
	errPrivate  = errors.New("the address is not a public one")
)

// publicOnly refuses to connect to this machine, private networks and whatever is not unicast.
func publicOnly(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return errPrivate
	}
	ip := at.Addr().Unmap()
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || sharedOrReserved(ip) {
		return errPrivate
	}
	return nil
}

// sharedOrReserved tells what IsPrivate does not (RFC 6890): carrier NAT, protocol and
// documentation blocks, NAT64, 6to4.
func sharedOrReserved(ip netip.Addr) bool {
	for _, block := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16",
	} {
		if netip.MustParsePrefix(block).Contains(ip) {
			return true
		}
	}
	return false
}

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
