package clienthello

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// listen serves TLS with a configuration until the test ends.
func listen(t *testing.T, c *tls.Config) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, leaf, leaf, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	c.Certificates = []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}
	return serve(t, func(conn net.Conn) { _ = tls.Server(conn, c).HandshakeContext(context.Background()) })
}

// serve answers every connection by f until the test ends.
func serve(t *testing.T, f func(net.Conn)) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			f(conn)
			_ = conn.Close()
		}
	})
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		done.Wait()
	})
	return l.Addr().String()
}

func offers() map[string]Hello {
	old := []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}
	p256 := []tls.CurveID{tls.CurveP256}
	return map[string]Hello{
		"TLS 1.0": {Version: tls.VersionTLS10, Suites: old, Groups: p256},
		"TLS 1.1": {Version: tls.VersionTLS11, Suites: old, Groups: p256},
		"TLS 1.2": {Version: tls.VersionTLS12, Suites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}, Groups: p256, ServerName: "a.example"},
		"TLS 1.3": {Version: tls.VersionTLS13, Suites: []uint16{tls.TLS_AES_128_GCM_SHA256}, Groups: p256},
	}
}

// Every version's Hello is one that a server takes, unless the server forbids the version.
func TestServersTakeWhatTheyAllow(t *testing.T) {
	for name, h := range offers() {
		for _, least := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			address := listen(t, &tls.Config{MinVersion: least})
			got, err := Offer(t.Context(), address, h)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			want := Answer{Alert: 70} // protocol_version
			if h.Version >= least {
				want = Answer{Accepted: true, Version: h.Version, Suite: h.Suites[0]}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s offered where %s is the least: %s", name, tls.VersionName(least), d)
			}
		}
	}
}

func TestEveryKindOfAnswerIsToldApart(t *testing.T) {
	hello := func(version uint16, tail ...byte) []byte {
		body := append([]byte{serverHello, 0, 0, 0, byte(version >> 8), byte(version)}, make([]byte, 32)...)
		body = append(body, 1, 0xaa, 0xc0, 0x09, 0) // session, suite, compression
		return append([]byte{recordHandshake, 3, 1}, prefixed16(append(body, tail...))...)
	}
	for name, c := range map[string]struct {
		answer []byte
		want   Answer
		failed bool
	}{
		"alert":                   {[]byte{21, 3, 1, 0, 2, 2, 40}, Answer{Alert: 40}, false},
		"end":                     {nil, Answer{}, false},
		"end within a record":     {[]byte{22, 3, 1, 0, 9, 2}, Answer{}, false},
		"TLS 1.1":                 {hello(tls.VersionTLS11), Answer{Accepted: true, Version: tls.VersionTLS11, Suite: 0xc009}, false},
		"TLS 1.3 by extension":    {hello(tls.VersionTLS12, 0, 6, 0, extVersions, 0, 2, 3, 4), Answer{Accepted: true, Version: tls.VersionTLS13, Suite: 0xc009}, false},
		"broken extension":        {hello(tls.VersionTLS12, 0, 6, 0, extVersions, 0, 9, 3, 4), Answer{}, true},
		"plain HTTP":              {[]byte("HTTP/1.1 400 Bad Request\r\n"), Answer{}, true},
		"an unexpected message":   {[]byte{22, 3, 1, 0, 1, 0}, Answer{}, true},
		"a ServerHello cut short": {[]byte{22, 3, 1, 0, 3, 2, 0, 0}, Answer{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := read(bytes.NewReader(c.answer))
			if (err != nil) != c.failed {
				t.Fatalf("error %v", err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestSilenceAndAbsenceAreNoRefusal(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	silent := serve(t, func(c net.Conn) {
		cancel() // the client gives up once its Hello has arrived
		_, _ = io.Copy(io.Discard, c)
	})
	if a, err := Offer(ctx, silent, offers()["TLS 1.2"]); err == nil {
		t.Errorf("a silent server %v", a)
	}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if a, err := Offer(t.Context(), gone, offers()["TLS 1.2"]); err == nil {
		t.Errorf("nobody %v", a)
	}
}
