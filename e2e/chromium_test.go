package e2e_test

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"

	"github.com/tutela-health/tutela/internal/chromium"
)

// chrome is a headless browser that a person drives.
type chrome struct {
	*chromium.Browser
	t *testing.T
}

// chrome starts a browser that trusts the system's certificate, and others.
func (s *system) chrome(t *testing.T, trusted ...*x509.Certificate) *chrome {
	t.Helper()
	return &chrome{chromium.Open(t, chromium.Config{Base: s.info.URL, Trusted: append(trusted, s.certificate(t))}), t}
}

// certificate is what the running system shows.
func (s *system) certificate(t *testing.T) *x509.Certificate {
	t.Helper()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(s.info.URL, "https://"), s.trust(t))
	must(t, err)
	must(t, conn.Close())
	return conn.ConnectionState().PeerCertificates[0]
}

// signIn proves both of a member's factors where the login asks for them.
func (c *chrome) signIn(m *member) {
	c.t.Helper()
	c.Fill("username", m.username)
	c.Fill("password", m.password)
	c.Click("button.main")
	c.Fill("code", m.otp.next(c.t))
	c.Click(`form[action="/login/factor/totp"] button.main`)
}
