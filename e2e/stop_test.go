package e2e_test

import (
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"testing"
)

// SIGTERM ends the server cleanly and in time, whatever its clients are about: connections that
// never said a word, ones that lie idle, and one in the middle of a request.
func TestSilentConnectionsDoNotHoldUpAStop(t *testing.T) {
	s := newSystem(t, "")
	s.start(t)
	address := strings.TrimPrefix(s.info.URL, "https://")
	idle := s.as(t, "loader")
	idle.want(t, http.StatusOK, http.MethodGet, "/fhir/r4/metadata", "")
	for _, open := range []func() (net.Conn, error){
		func() (net.Conn, error) { return new(net.Dialer).DialContext(t.Context(), "tcp", address) },
		func() (net.Conn, error) { return s.handshaken(t, address, "") },
		func() (net.Conn, error) {
			return s.handshaken(t, address, "POST /fhir/r4/Patient HTTP/1.1\r\nHost: localhost\r\n")
		},
	} {
		conn, err := open()
		must(t, err)
		defer func() { _ = conn.Close() }() // the server may have been first
	}
	s.stop(t)
	s.clean(t, "audit", "verify")
}

// handshaken opens a TLS connection and begins to speak.
func (s *system) handshaken(t *testing.T, address, beginning string) (net.Conn, error) {
	t.Helper()
	transport, ok := s.httpClient(t).Transport.(*http.Transport)
	if !ok {
		t.Fatal("not the transport that httpClient makes")
	}
	conn, err := (&tls.Dialer{Config: transport.TLSClientConfig}).DialContext(t.Context(), "tcp", address)
	if err == nil && beginning != "" {
		_, err = conn.Write([]byte(beginning))
	}
	return conn, err
}
