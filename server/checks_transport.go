package server

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/tutela-health/tutela/internal/clienthello"
	"github.com/tutela-health/tutela/internal/clock"
)

// leastLeft is how long the certificate has to be good for: who renews a fortnight before the end has time to see
// that a renewal did not work.
const leastLeft = 14 * 24 * time.Hour

// certificate looks at the certificate that the server shows: whether it is trusted under the address's name, lasts, and is strong.
func certificate(now clock.Clock) try {
	return func(ctx context.Context, s *stranger) (wrong []string, told string, err error) {
		leaf, err := s.leaf(ctx)
		var invalid *tls.CertificateVerificationError
		switch {
		case errors.As(err, &invalid):
			return []string{"clients do not trust it: " + invalid.Err.Error()}, "", nil
		case err != nil:
			return nil, "", err
		}
		left := leaf.NotAfter.Sub(now())
		if left < leastLeft {
			wrong = append(wrong, fmt.Sprintf("it ends on %s, in %.0f days: renew it", leaf.NotAfter.UTC().Format(time.DateOnly), left.Hours()/24))
		}
		if text := weak(leaf); text != "" {
			wrong = append(wrong, text)
		}
		return wrong, fmt.Sprintf("it is trusted under the address's name, good until %s, and signed by %s", leaf.NotAfter.UTC().Format(time.DateOnly), leaf.SignatureAlgorithm), nil
	}
}

// leaf is the certificate of a handshake that succeeded.
func (s *stranger) leaf(ctx context.Context) (*x509.Certificate, error) {
	conn, err := s.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }() // nothing was sent over it
	shown := conn.ConnectionState().PeerCertificates
	if len(shown) == 0 {
		return nil, errors.New("no certificate was shown")
	}
	return shown[0], nil
}

// dial opens a TLS connection that HTTP/1.1 is spoken on.
func (s *stranger) dial(ctx context.Context) (*tls.Conn, error) {
	address, _, err := endpoint(s.base)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.tls != nil {
		config = s.tls.Clone()
	}
	config.NextProtos = []string{"http/1.1"}
	ctx, cancel := context.WithTimeout(ctx, strangerWaits)
	defer cancel()
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	secured, ok := conn.(*tls.Conn)
	if !ok {
		return nil, errors.New("no TLS connection")
	}
	return secured, nil
}

// weak says why a certificate's key or signature is none to rely on.
func weak(c *x509.Certificate) string {
	switch c.SignatureAlgorithm {
	case x509.MD5WithRSA, x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1:
		return fmt.Sprintf("it is signed by %s", c.SignatureAlgorithm)
	}
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < 2048 {
			return fmt.Sprintf("its RSA key has %d bits", bits)
		}
	case *ecdsa.PublicKey:
		if bits := key.Curve.Params().BitSize; bits < 256 {
			return fmt.Sprintf("its key lies on a curve of %d bits", bits)
		}
	}
	return ""
}

// suite is one that nobody should speak any more, or not with patients' data.
type suite struct {
	id   uint16
	name string
}

// oldSuites are of TLS 1.2 and without forward secrecy, with a broken cipher, or with a MAC that leaks (RFC 9325, 4.2).
func oldSuites() []suite {
	return []suite{
		{tls.TLS_RSA_WITH_RC4_128_SHA, "RC4"}, {tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA, "3DES"}, {tls.TLS_RSA_WITH_AES_128_CBC_SHA, "AES-CBC without forward secrecy"},
		{tls.TLS_RSA_WITH_AES_128_GCM_SHA256, "AES-GCM without forward secrecy"}, {tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, "ECDSA with AES-CBC"},
		{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, "RSA with AES-CBC"}, {tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA, "ECDSA with RC4"}, {0x0034, "nobody proved (anonymous)"}, {0x0001, "nothing encrypted (NULL)"},
	}
}

// oldCiphers offers each by itself.
func oldCiphers(ctx context.Context, s *stranger) (wrong []string, told string, err error) {
	address, name, err := endpoint(s.base)
	if err != nil {
		return nil, "", err
	}
	if err := accepts(ctx, address, helloOf(tls.VersionTLS12, name)); err != nil {
		return nil, "", fmt.Errorf("a refusal would prove nothing: %w", err)
	}
	list := oldSuites()
	for _, old := range list {
		h := helloOf(tls.VersionTLS12, name)
		h.Suites = []uint16{old.id}
		a, err := clienthello.Offer(ctx, address, h)
		if err != nil {
			return nil, "", fmt.Errorf("%s was offered: %w", old.name, err)
		}
		if a.Accepted {
			wrong = append(wrong, "TLS 1.2 with "+old.name+" was accepted")
		}
	}
	return wrong, fmt.Sprintf("%d old suites of TLS 1.2, each offered alone, were refused", len(list)), nil
}

// noPlaintext asks without TLS, at the address where TLS is spoken.
func noPlaintext(ctx context.Context, s *stranger) (wrong []string, told string, err error) {
	address, name, err := endpoint(s.base)
	if err != nil {
		return nil, "", err
	}
	got, err := spoken(ctx, address, "GET /healthz HTTP/1.1\r\nHost: "+name+"\r\nConnection: close\r\n\r\n")
	if err != nil {
		return nil, "", err
	}
	res, err := http.ReadResponse(bufio.NewReader(strings.NewReader(got)), nil)
	if err != nil {
		return nil, "a request without TLS was answered by nothing that is HTTP", nil
	}
	_ = res.Body.Close() // it is in memory
	if res.StatusCode < http.StatusMultipleChoices {
		return []string{fmt.Sprintf("a request without TLS is answered %d", res.StatusCode)}, "", nil
	}
	return nil, fmt.Sprintf("a request without TLS was refused with %d", res.StatusCode), nil
}

// spoken sends text to an address, and gives what comes back until it is silent.
func spoken(ctx context.Context, address, text string) (string, error) {
	conn, err := (&net.Dialer{Timeout: strangerWaits}).DialContext(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	return heard(conn, text)
}

// heard writes text to a connection and reads what comes until the other side closes it, or says nothing any more.
func heard(conn net.Conn, text string) (string, error) {
	defer func() { _ = conn.Close() }() // it has been read
	if err := conn.SetDeadline(time.Now().Add(strangerWaits)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, text); err != nil {
		return "", err
	}
	got, err := io.ReadAll(io.LimitReader(conn, strangerReads))
	if len(got) > 0 {
		return string(got), nil // that the end came by force is no matter
	}
	var reset *net.OpError
	if errors.As(err, &reset) && !reset.Timeout() {
		return "", nil
	}
	return "", err
}

// oneReading sends requests that a proxy in front could read otherwise than this server: with two lengths, two hosts,
// addresses that climb, and headers that overrule the method. Each asks for what everybody may have.
func oneReading(ctx context.Context, s *stranger) (wrong []string, told string, err error) {
	_, name, err := endpoint(s.base)
	if err != nil {
		return nil, "", err
	}
	sound, err := s.statuses(ctx, "GET /healthz HTTP/1.1\r\nHost: "+name+"\r\nConnection: close\r\n\r\n")
	if err != nil || len(sound) != 1 || sound[0] != http.StatusOK {
		return nil, "", fmt.Errorf("a plain request is answered %v (%w): a refusal would prove nothing", sound, err)
	}
	list := ambiguous(name)
	for _, a := range list {
		got, err := s.statuses(ctx, a.text)
		if err != nil {
			return nil, "", fmt.Errorf("a request with %s: %w", a.name, err)
		}
		for i, status := range got {
			if status < http.StatusBadRequest && (i > 0 || !a.first) {
				wrong = append(wrong, fmt.Sprintf("a request with %s is answered %v", a.name, got))
				break
			}
		}
	}
	return wrong, fmt.Sprintf("%d requests that could be read in more than one way were refused, and none carried another in with it", len(list)), nil
}

// ambiguity is a request that could be read in two ways. first says that one reading is allowed, and that nothing may follow.
type ambiguity struct {
	name, text string
	first      bool
}

func ambiguous(host string) []ambiguity {
	const end = "Connection: close\r\n\r\n"
	line := func(target string) string { return "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n" }
	hidden := line("/healthz") + end
	return []ambiguity{
		{name: "two lengths", text: "POST /oauth2/token HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: 0\r\nContent-Length: 5\r\n" + end + "x=yz\n"},
		{name: "a length beside chunks", first: true, text: "POST /oauth2/token HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden},
		{name: "an encoding that is none", text: "POST /oauth2/token HTTP/1.1\r\nHost: " + host + "\r\nTransfer-Encoding: xchunked\r\n" + end + "0\r\n\r\n"},
		{name: "a space before the colon", text: "GET /healthz HTTP/1.1\r\nHost: " + host + "\r\nContent-Length : 0\r\n" + end},
		{name: "two hosts", text: line("/healthz") + "Host: tutela-canary.invalid\r\n" + end},
		{name: "no host", text: "GET /healthz HTTP/1.1\r\n" + end},
		{name: "another server's address", text: line("https://tutela-canary.invalid/healthz") + end},
		{name: "an address that climbs", text: line("/api/../healthz") + end},
		{name: "an address that climbs in disguise", text: line("/api/%2e%2e/healthz") + end},
		{name: "a slash in disguise", text: line("/api%2fv1/keys") + end},
		{name: "an empty segment", text: line("//healthz") + end},
		{name: "a backslash", text: line("/api\\..\\healthz") + end},
		{name: "another method in a header", text: line("/healthz") + "X-HTTP-Method-Override: DELETE\r\n" + end},
		{name: "another address in a header", text: line("/healthz") + "X-Original-URL: /metrics\r\n" + end},
		{name: "the method TRACE", text: "TRACE /healthz HTTP/1.1\r\nHost: " + host + "\r\n" + end},
	}
}

// statuses speaks HTTP by hand, and gives the statuses of the answers that come back.
func (s *stranger) statuses(ctx context.Context, text string) (list []int, err error) {
	conn, err := s.dial(ctx)
	if err != nil {
		return nil, err
	}
	got, err := heard(conn, text)
	if err != nil {
		return nil, err
	}
	answers := bufio.NewReader(strings.NewReader(got))
	for {
		res, err := http.ReadResponse(answers, nil)
		if err != nil {
			return list, nil //nolint:nilerr // there is no further answer
		}
		list = append(list, res.StatusCode)
		_, _ = io.Copy(io.Discard, res.Body) // it is in memory
		_ = res.Body.Close()
	}
}
