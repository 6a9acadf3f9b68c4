package hl7_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tutela-health/tutela/detect/intake"
	"github.com/tutela-health/tutela/detect/intake/hl7"
	"github.com/tutela-health/tutela/internal/testkit"
)

// desk is a server that notes what it is given, and cannot take what says FAIL.
type desk struct {
	mu    sync.Mutex
	taken []string // guarded by mu
}

func (d *desk) handle(_ context.Context, _ intake.Peer, m *hl7.Message) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if m.ControlID() == "FAIL" {
		return errors.New("the store is down")
	}
	d.taken = append(d.taken, m.ControlID())
	return nil
}

// serve starts a server on a free port and gives its address and what trusts it.
func serve(t *testing.T, s *hl7.Server) (string, *tls.Config) {
	t.Helper()
	cert, pool, _ := testkit.Certificate(t)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	s.Clock, s.Log = time.Now, slog.New(slog.DiscardHandler)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String(), &tls.Config{RootCAs: pool, ServerName: "localhost", MinVersion: tls.VersionTLS12}
}

func dial(t *testing.T, addr string, c *tls.Config) net.Conn {
	t.Helper()
	conn, err := tls.Dial("tcp", addr, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// exchange sends a frame and reads the answer.
func exchange(t *testing.T, conn net.Conn, r *bufio.Reader, text string) string {
	t.Helper()
	if _, err := io.WriteString(conn, "\x0b"+text+"\x1c\r"); err != nil {
		t.Fatal(err)
	}
	answer, err := r.ReadString(0x1c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Discard(1); err != nil {
		t.Fatal(err)
	}
	return strings.Trim(answer, "\x0b\x1c")
}

// A sender over TLS is told of each message whether it was taken, has to be sent again, or never can be.
func TestMessagesByMLLPAreAcknowledged(t *testing.T) {
	d := &desk{}
	addr, trust := serve(t, &hl7.Server{Handle: d.handle})
	conn := dial(t, addr, trust)
	r := bufio.NewReader(conn)
	for _, row := range []struct{ text, msa string }{
		{header("ADT^A01") + "\rPID|||1", "MSA|AA|MSG7"},
		{strings.Replace(header("ADT^A01"), "MSG7", "FAIL", 1), "MSA|AE|FAIL"},
		{"no message", "MSA|AR|"},
		{strings.Replace(header("ADT^A03"), "MSG7", "MSG8", 1), "MSA|AA|MSG8"},
	} {
		got := exchange(t, conn, r, row.text)
		if !strings.Contains(got, "\r"+row.msa+"\r") || !strings.HasPrefix(got, `MSH|^~\&|`) {
			t.Errorf("%.30q is answered by %q, want %q", row.text, got, row.msa)
		}
	}
	if got := exchange(t, conn, r, header("ADT^A01")); !strings.HasPrefix(got, `MSH|^~\&|TUTELA|T|ADT1|HOSP|`) || !strings.Contains(got, "|ACK^A01|aMSG7|P|2.5.1") {
		t.Errorf("the answer goes to somebody else: %q", got)
	}
	if want := []string{"MSG7", "MSG8", "MSG7"}; strings.Join(d.taken, " ") != strings.Join(want, " ") {
		t.Errorf("taken: %v", d.taken)
	}
}

// One that sends rubbish, too much or nothing holds up nobody else.
func TestHostileSendersBlockNobody(t *testing.T) {
	d := &desk{}
	addr, trust := serve(t, &hl7.Server{Handle: d.handle, Most: 4})
	silent, cut, huge := dial(t, addr, trust), dial(t, addr, trust), dial(t, addr, trust)
	_, _ = io.WriteString(silent, "\x0bMSH|")
	_, _ = io.WriteString(cut, "\x0b"+header("ADT^A01"))
	_ = cut.Close()
	go func() {
		_, _ = io.Copy(huge, io.MultiReader(strings.NewReader("\x0b"), bytes.NewReader(make([]byte, 4<<20))))
	}()
	if _, err := huge.Read(make([]byte, 1)); err == nil {
		t.Error("an endless message is answered")
	}
	good := dial(t, addr, trust)
	if got := exchange(t, good, bufio.NewReader(good), header("ADT^A01")); !strings.Contains(got, "MSA|AA|MSG7") {
		t.Errorf("a good sender is answered by %q", got)
	}
}
