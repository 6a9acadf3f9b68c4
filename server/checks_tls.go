package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/clienthello"
)

// versionCheck offers every version of TLS. The old ones are offered by hand, since a client
// that is in FIPS mode cannot.
type versionCheck struct {
	base string
	tls  *tls.Config
}

func (c versionCheck) try(ctx context.Context) tutela.Evidence {
	address, name, err := endpoint(c.base)
	if err != nil {
		return observed(c.base, tutela.CouldNotCheck, "%v", err)
	}
	if err := accepts(ctx, address, helloOf(tls.VersionTLS12, name)); err != nil {
		return observed(address, tutela.CouldNotCheck, "a refusal would prove nothing: %v", err)
	}
	var said []string
	verdict := tutela.Pass
	for _, v := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		a, err := clienthello.Offer(ctx, address, helloOf(v, name))
		if err != nil {
			return observed(address, tutela.CouldNotCheck, "%s was offered: %v", tls.VersionName(v), err)
		}
		if a.Accepted {
			verdict = tutela.Fail
		}
		said = append(said, fmt.Sprintf("%s %s", tls.VersionName(v), a))
	}
	for _, v := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		suite, err := c.handshake(ctx, address, v)
		var unreachable *net.OpError
		switch {
		case errors.As(err, &unreachable) && unreachable.Op == "dial":
			return observed(address, tutela.CouldNotCheck, "%v", err)
		case err != nil:
			verdict = tutela.Fail
			said = append(said, fmt.Sprintf("%s does not work: %v", tls.VersionName(v), err))
		default:
			said = append(said, fmt.Sprintf("%s completed with %s", tls.VersionName(v), suite))
		}
	}
	return observed(address, verdict, "%s", strings.Join(said, "; "))
}

// handshake completes one version's handshake, as a client that trusts the system's authority.
func (c versionCheck) handshake(ctx context.Context, address string, version uint16) (suite string, err error) {
	config := &tls.Config{}
	if c.tls != nil {
		config = c.tls.Clone()
	}
	config.MinVersion, config.MaxVersion = version, version
	ctx, cancel := context.WithTimeout(ctx, strangerWaits)
	defer cancel()
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }() // nothing was sent over it
	secured, ok := conn.(*tls.Conn)
	if !ok {
		return "", errors.New("no TLS connection")
	}
	return tls.CipherSuiteName(secured.ConnectionState().CipherSuite), nil
}

// accepts makes sure that an offer that should be accepted is.
func accepts(ctx context.Context, address string, h clienthello.Hello) error {
	a, err := clienthello.Offer(ctx, address, h)
	if err == nil && !a.Accepted {
		err = fmt.Errorf("an offer of %s with approved algorithms was %s", tls.VersionName(h.Version), a)
	}
	return err
}

// helloOf is an offer of one version that a server which allows the version takes, whatever its
// certificate is.
func helloOf(version uint16, name string) clienthello.Hello {
	h := clienthello.Hello{Version: version, ServerName: name, Groups: []tls.CurveID{tls.CurveP256}}
	switch version {
	case tls.VersionTLS13:
		h.Suites = []uint16{tls.TLS_AES_128_GCM_SHA256, tls.TLS_AES_256_GCM_SHA384}
	case tls.VersionTLS12:
		h.Suites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384}
	default:
		h.Suites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, tls.TLS_RSA_WITH_AES_128_CBC_SHA}
	}
	return h
}
