package syslog_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/detect/intake"
	"github.com/tutela-health/tutela/detect/intake/syslog"
	"github.com/tutela-health/tutela/internal/testkit"
)

// inbox is a server whose messages a test takes.
type inbox struct {
	addr     string
	trust    *tls.Config
	files    testkit.CertificateFiles
	messages chan syslog.Message
}

func open(t *testing.T, s *syslog.Server) *inbox {
	t.Helper()
	cert, pool, files := testkit.Certificate(t)
	l, err := tls.Listen("tcp", "127.0.0.1:0", intake.Secure(&tls.Config{
		Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, ClientCAs: pool, ClientAuth: tls.VerifyClientCertIfGiven,
	}))
	if err != nil {
		t.Fatal(err)
	}
	b := &inbox{l.Addr().String(), &tls.Config{RootCAs: pool, ServerName: "localhost", MinVersion: tls.VersionTLS12}, files, make(chan syslog.Message)}
	if s.Handle == nil {
		s.Handle = func(ctx context.Context, _ intake.Peer, m syslog.Message) error {
			select {
			case b.messages <- m:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	s.Log = slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return b
}

func (b *inbox) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := tls.Dial("tcp", b.addr, b.trust)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func (b *inbox) next(t *testing.T) syslog.Message {
	t.Helper()
	select {
	case m := <-b.messages:
		return m
	case <-time.After(time.Minute):
		t.Fatal("no message came")
		return syslog.Message{}
	}
}

const one = `<165>1 2026-11-22T09:30:15.003Z db-1 postgres 42 ID47 [origin@32473 ip="192.0.2.7" user="a\"b"] it's down`

func TestMessagesOfBothFramingsAreTaken(t *testing.T) {
	b := open(t, &syslog.Server{})
	conn := b.dial(t)
	want := syslog.Message{
		Time: time.Date(2026, 11, 22, 9, 30, 15, 3e6, time.UTC), Host: "db-1", App: "postgres", Process: "42", ID: "ID47", Facility: 20, Severity: 5,
		Data: map[string]map[string]string{"origin@32473": {"ip": "192.0.2.7", "user": `a"b`}}, Text: "it's down",
	}
	fmt.Fprintf(conn, "%d %s", len(one), one)
	if d := cmp.Diff(want, b.next(t)); d != "" {
		t.Error(d)
	}
	fmt.Fprintf(conn, "%s\n", one)
	if d := cmp.Diff(want, b.next(t)); d != "" {
		t.Error(d)
	}
	old := "<34>Oct 11 22:14:15 mymachine su: failed"
	fmt.Fprintf(conn, "%d %s", len(old), old)
	if d := cmp.Diff(syslog.Message{Severity: 6, Text: old, Raw: true}, b.next(t)); d != "" {
		t.Errorf("an older form: %s", d)
	}
}

// A sender that closes as soon as it has said everything, and has read nothing, loses nothing of it, however much waits on
// its side: were there anything to read, closing would throw that away.
func TestSenderThatClosesAtOnceLosesNothing(t *testing.T) {
	const messages, size = 30, 8000
	first, said, got := make(chan struct{}), make(chan struct{}), make(chan string, messages)
	b := open(t, &syslog.Server{Handle: func(ctx context.Context, _ intake.Peer, m syslog.Message) error {
		if m.ID == "m0" {
			close(first)
			<-said
		}
		got <- m.ID
		return nil
	}})
	b.trust.ClientSessionCache = tls.NewLRUClientSessionCache(1) // asks for tickets, as OpenSSL's clients do
	conn, err := tls.Dial("tcp", b.addr, b.trust)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.NetConn().(*net.TCPConn).SetWriteBuffer(1 << 20) // as much as the system gives
	var want []string
	for i := range messages {
		id := fmt.Sprint("m", i)
		text := "<165>1 2026-11-22T09:30:15Z db-1 postgres 42 " + id + " - " + strings.Repeat("x", size)
		if _, err := fmt.Fprintf(conn, "%d %s", len(text), text); err != nil {
			t.Fatal(err)
		}
		if want = append(want, id); i == 0 {
			<-first
		}
	}
	if err := conn.NetConn().Close(); err != nil {
		t.Fatal(err)
	}
	close(said)
	var list []string
	for range messages {
		select {
		case id := <-got:
			list = append(list, id)
		case <-time.After(20 * time.Second):
			t.Fatalf("%d of %d messages came", len(list), messages)
		}
	}
	if d := cmp.Diff(want, list); d != "" {
		t.Error(d)
	}
}

// rsyslog, as Debian ships it, is a sender: what it is given arrives once, in order and whole, also what was said
// while nobody listened.
func TestRsyslogSendsOverTLS(t *testing.T) {
	b := open(t, &syslog.Server{})
	r := testkit.StartRsyslog(t, b.addr, b.files.Certificate)
	in := dialed(t, r)
	defer in.Close()
	long := strings.Repeat("x", 20_000)
	for n := range 50 {
		fmt.Fprintf(in, "<13>1 2026-11-22T09:30:15Z web-1 counter %d - [d@1 n=\"%d\"] %s\n", n, n, long)
	}
	for n := range 50 {
		m := b.next(t)
		if m.Process != fmt.Sprint(n) || m.Data["d@1"]["n"] != fmt.Sprint(n) || m.Text != long {
			t.Fatalf("message %d came as %s, %d bytes", n, m.Process, len(m.Text))
		}
	}
}

// dialed waits until rsyslogd listens.
func dialed(t *testing.T, r *testkit.Rsyslog) net.Conn {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		in, err := net.Dial("tcp", r.In)
		if err == nil {
			return in
		}
		if time.Now().After(end) {
			log, _ := os.ReadFile(r.Log)
			t.Fatalf("rsyslogd does not listen; it says: %s", log)
		}
	}
}

// Nonsense ends its own connection and no other; whoever cannot be served is not kept waiting.
func TestHostileSendersBlockNobody(t *testing.T) {
	b := open(t, &syslog.Server{Most: 8})
	for _, text := range []string{"99999999999 x", "12x ", "hello", "\x00\x00GET / HTTP/1.1\r\n\r\n", "5 <1"} {
		conn := b.dial(t)
		_, _ = io.WriteString(conn, text)
		_ = conn.(*tls.Conn).CloseWrite()
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Errorf("%q is answered", text)
		}
	}
	raw, err := net.Dial("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	_, _ = io.WriteString(raw, one+"\n") // without TLS
	conn := b.dial(t)
	fmt.Fprintf(conn, "%d %s", len(one), one)
	if m := b.next(t); m.ID != "ID47" {
		t.Errorf("%+v", m)
	}
}

// What could not be taken ends the connection, so that nothing after it is taken instead.
func TestWhatCannotBeTakenEndsTheConnection(t *testing.T) {
	seen := make(chan string, 10)
	b := open(t, &syslog.Server{Handle: func(_ context.Context, p intake.Peer, m syslog.Message) error {
		seen <- p.Address.String() + " " + m.App
		return errors.New("the store is down")
	}})
	conn := b.dial(t)
	fmt.Fprintf(conn, "%d %s%d %s", len(one), one, len(one), one)
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the connection goes on")
	}
	if got := <-seen; got != "127.0.0.1 postgres" || len(seen) > 0 {
		t.Errorf("taken: %s, and %d more", got, len(seen))
	}
}
