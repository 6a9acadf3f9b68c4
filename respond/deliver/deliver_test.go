package deliver_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/respond/deliver"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func at() time.Time { return time.Date(2026, 11, 23, 4, 5, 6, 789e6, time.UTC) }

// A mail server of Debian's takes letters by STARTTLS and by TLS from the first byte; nothing in a letter becomes a header.
func TestMailServersTakeLetters(t *testing.T) {
	_, pool, files := testkit.Certificate(t)
	for name, implicit := range map[string]bool{"starttls": false, "implicit": true} {
		t.Run(name, func(t *testing.T) {
			server := testkit.StartMailServer(t, files, implicit)
			m := deliver.Mail{Server: server.Address, Implicit: implicit, TLS: &tls.Config{RootCAs: pool}, From: "tutela@example.org", To: []string{"ann@example.org"}}
			must(t, m.Check())
			must(t, m.Send(t.Context(), deliver.Letter{
				ID: "1\r\nBcc: eve@evil.test", Subject: "Grüße\r\nBcc: eve@evil.test", Text: "one\r\n.\r\nRCPT TO:<eve@evil.test>\n..two – ü\r\x00", At: at(),
			}))
			list := server.Letters(t)
			if len(list) != 1 {
				t.Fatalf("%d letters", len(list))
			}
			head, body, _ := strings.Cut(list[0], "\n\n")
			if strings.Contains(head, "\nBcc:") || !strings.Contains(head, "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe") || !strings.Contains(head, "Message-ID: <1__Bcc:_eve@evil.test@example.org>") {
				t.Errorf("head: %s", head)
			}
			if !strings.Contains(body, "RCPT TO:<eve@evil.test>") || !strings.Contains(body, "=E2=80=93") {
				t.Errorf("body: %q", body)
			}
		})
	}
}

// A mail server whose certificate nobody vouches for, or that speaks no TLS, gets nothing.
func TestMailGoesOutEncryptedOrNotAtAll(t *testing.T) {
	_, _, files := testkit.Certificate(t)
	server := testkit.StartMailServer(t, files, false)
	letter := deliver.Letter{ID: "1", Subject: "s", Text: "t", At: at()}
	if err := (deliver.Mail{Server: server.Address, From: "a@b.org", To: []string{"a@b.org"}}).Send(t.Context(), letter); err == nil {
		t.Error("sent to a server that nobody knows")
	}
	l := listen(t)
	said := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, "220 plain\r\n")
		b := make([]byte, 1000)
		n, _ := conn.Read(b)
		_, _ = io.WriteString(conn, "250 plain\r\n")
		m, _ := conn.Read(b[n:])
		said <- string(b[:n+m])
		_ = conn.Close()
	}()
	err := (deliver.Mail{Server: l.Addr().String(), From: "a@b.org", To: []string{"a@b.org"}}).Send(t.Context(), letter)
	if err == nil || !strings.Contains(err.Error(), "STARTTLS") {
		t.Errorf("a server without TLS: %v", err)
	}
	if got := <-said; strings.Contains(got, "MAIL") {
		t.Errorf("it heard %q", got)
	}
	for _, m := range []deliver.Mail{
		{Server: "mail", From: "a@b.org", To: []string{"a@b.org"}}, {Server: "mail:25", From: "a@b.org"},
		{Server: "mail:25", From: "a@b.org\r\nX: y", To: []string{"a@b.org"}}, {Server: "mail:25", From: "a@b.org", To: []string{"Ann <a@b.org>"}},
	} {
		if m.Check() == nil {
			t.Errorf("accepted %+v", m)
		}
	}
}

// rsyslog takes messages over TLS and acknowledges the end; nothing in a message ends its line or an element.
func TestCollectorsTakeSyslog(t *testing.T) {
	_, pool, files := testkit.Certificate(t)
	c := testkit.StartCollector(t, files)
	s := deliver.Syslog{Address: c.Address, TLS: &tls.Config{RootCAs: pool}}
	must(t, s.Send(t.Context(), []deliver.Message{
		{Severity: 2, At: at(), Host: "node 1", App: "tutela", ID: "alert", Text: "one\n<34>1 - evil - - - - forged", Data: map[string]string{"a": `"]\`, "b": "x\ny"}},
		{Severity: 6, At: at(), Host: "node", App: "tutela", ID: "alert", Text: "two ü"},
	}))
	want := []string{
		`82|node_1|tutela|alert|[tutela@32473 a="\"\]\\" b="x y"]|one <34>1 - evil - - - - forged`,
		`86|node|tutela|alert|-|two ü`,
	}
	if d := cmp.Diff(want, c.Await(t, len(want))); d != "" {
		t.Error(d)
	}
}

// A receiver that breaks off without its own close has taken nothing for sure.
func TestSyslogThatIsCutOffIsNotDelivered(t *testing.T) {
	cert, pool, _ := testkit.Certificate(t)
	l := listen(t)
	go func() {
		raw, err := l.Accept()
		if err != nil {
			return
		}
		conn := tls.Server(raw, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
		_, _ = conn.Read(make([]byte, 1))
		_ = raw.(*net.TCPConn).SetLinger(0) // a reset, as of a machine that went down
		_ = raw.Close()
	}()
	s := deliver.Syslog{Address: strings.Replace(l.Addr().String(), "127.0.0.1", "localhost", 1), TLS: &tls.Config{RootCAs: pool}}
	if err := s.Send(t.Context(), []deliver.Message{{At: at(), Text: strings.Repeat("x", 20000)}}); err == nil {
		t.Error("it counts as delivered")
	}
}

// Nobody is led elsewhere: not by a redirect, a name of this machine, nor another scheme.
func TestRequestsGoWhereTheyWereConfigured(t *testing.T) {
	elsewhere := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("followed") }))
	defer elsewhere.Close()
	target := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	}))
	defer target.Close()
	pool := x509.NewCertPool()
	pool.AddCert(target.Certificate())
	pool.AddCert(elsewhere.Certificate())
	w := deliver.Web{Address: target.URL, TLS: &tls.Config{RootCAs: pool}, Private: true}
	var r *deliver.ReplyError
	if _, err := w.Post(t.Context(), nil, nil); !errors.As(err, &r) || r.Status != http.StatusTemporaryRedirect {
		t.Errorf("a redirect: %v", err)
	}
	w.Private = false
	if _, err := w.Post(t.Context(), nil, nil); err == nil || errors.As(err, &r) && r == nil {
		t.Errorf("an address of this machine: %v", err)
	}
	for _, a := range []string{"http://example.org", "file:///etc/passwd", "https://user:secret@example.org", "https://", "https://example.org/#x", "::"} {
		if (deliver.Web{Address: a}).Check() == nil {
			t.Errorf("accepted %s", a)
		}
	}
}

// What the other side says is bounded, and its words stay out of errors.
func TestAnswersAreBoundedAndNotQuoted(t *testing.T) {
	target := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "999999")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = w.Write([]byte(strings.Repeat("secret", 1<<20)))
	}))
	defer target.Close()
	pool := x509.NewCertPool()
	pool.AddCert(target.Certificate())
	reply, err := deliver.Web{Address: target.URL, TLS: &tls.Config{RootCAs: pool}, Private: true}.Post(t.Context(), nil, []byte("x"))
	var r *deliver.ReplyError
	if !errors.As(err, &r) || r.Wait != time.Hour || len(reply.Body) > 1<<20 || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v, %d bytes", err, len(reply.Body))
	}
}

func FuzzSyslogLine(f *testing.F) {
	f.Add("text", "value", "host")
	f.Add("a\nb", `"]\`, "x y\x00")
	f.Fuzz(func(t *testing.T, text, value, host string) {
		line := deliver.Message{At: at(), Host: host, App: host, ID: host, Text: text, Data: map[string]string{"a": value}}.Line()
		if strings.ContainsAny(line, "\r\n\x00") || len(line) > 32<<10 || !strings.HasPrefix(line, "<80>1 2026-11-23T04:05:06.789Z ") {
			t.Errorf("%q", line)
		}
	})
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
