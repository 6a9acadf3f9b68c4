package intake_test

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"testing"

	"github.com/tutela-health/tutela/detect/intake"
	"github.com/tutela-health/tutela/internal/testkit"
)

// door serves whoever is let in with a word, and gives where.
func door(t *testing.T, most int, admit func(intake.Peer) bool) (address string, trust *tls.Config) {
	t.Helper()
	cert, pool, _ := testkit.Certificate(t)
	l, err := tls.Listen("tcp", "127.0.0.1:0", intake.Secure(&tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- intake.Serve(ctx, l, most, slog.New(slog.DiscardHandler), admit, func(_ context.Context, c net.Conn, _ intake.Peer) {
			_, _ = io.WriteString(c, "welcome")
			_, _ = io.Copy(io.Discard, c) // until the peer leaves
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String(), &tls.Config{RootCAs: pool, ServerName: "localhost", MinVersion: tls.VersionTLS12}
}

// from dials from another address of this machine.
func from(t *testing.T, local, address string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(local)}}
	conn, err := d.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// welcomed tells whether a connection is served.
func welcomed(conn net.Conn, trust *tls.Config) bool {
	b := make([]byte, len("welcome"))
	_, err := io.ReadFull(tls.Client(conn, trust), b)
	return err == nil && string(b) == "welcome"
}

// Strangers who connect and say nothing take no seat from those who send, and of one address only a few may do so.
func TestStrangersKeepNobodyOut(t *testing.T) {
	t.Parallel()
	address, trust := door(t, 2, nil)
	silent := make([]net.Conn, 40)
	for i := range silent {
		silent[i] = from(t, "127.0.0.2", address)
	}
	for range 2 {
		if !welcomed(from(t, "127.0.0.1", address), trust) {
			t.Fatal("a sender is not served while strangers say nothing")
		}
	}
	shut := 0
	for _, c := range silent[8:] { // the first eight may be on their way in
		if _, err := c.Read(make([]byte, 1)); err != nil {
			shut++
		}
	}
	if shut != len(silent)-8 {
		t.Errorf("%d of %d silent connections too many were shut", shut, len(silent)-8)
	}
	if welcomed(from(t, "127.0.0.2", address), trust) {
		t.Error("an address has more connections on their way in than it may")
	}
	if welcomed(from(t, "127.0.0.1", address), trust) {
		t.Error("more are served at a time than may be")
	}
	for _, c := range silent {
		_ = c.Close()
	}
}

// A place on the way in is free again when its connection is gone, or let in.
func TestPlacesOnTheWayInAreGivenBack(t *testing.T) {
	t.Parallel()
	address, trust := door(t, 100, nil)
	for range 30 {
		if !welcomed(from(t, "127.0.0.1", address), trust) {
			t.Fatal("somebody who came in still counts as being on the way")
		}
	}
}
