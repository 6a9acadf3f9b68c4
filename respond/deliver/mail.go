package deliver

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"strings"
	"time"
)

// Mail hands messages to a mail server over TLS.
type Mail struct {
	Server   string // host and port
	Implicit bool   // TLS from the first byte (RFC 8314); else STARTTLS, without which nothing is sent
	TLS      *tls.Config
	From     string
	To       []string
	User     string // where the server wants one
	Password []byte
}

// Letter is what is sent.
type Letter struct {
	ID      string // the same for every attempt, unique among letters
	Subject string
	Text    string
	At      time.Time
	Urgent  bool
}

// Check holds addresses to their form.
func (m Mail) Check() error {
	if _, _, err := net.SplitHostPort(m.Server); err != nil {
		return errors.New("server is no host and port")
	}
	if len(m.To) == 0 {
		return errors.New("to names nobody")
	}
	for _, a := range append([]string{m.From}, m.To...) {
		if p, err := mail.ParseAddress(a); err != nil || p.Address != a {
			return fmt.Errorf("%q is no mail address", a)
		}
	}
	return nil
}

// Send hands a letter over. It succeeds when the server has taken it.
func (m Mail) Send(ctx context.Context, l Letter) error {
	ctx, cancel := context.WithTimeout(ctx, Within)
	defer cancel()
	c, err := m.dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if m.User != "" {
		host, _, _ := net.SplitHostPort(m.Server)
		if err := c.Auth(smtp.PlainAuth("", m.User, string(m.Password), host)); err != nil {
			return fmt.Errorf("the mail server does not take the user: %w", err)
		}
	}
	if err := m.send(c, l); err != nil {
		return err
	}
	_ = c.Quit() // it has the letter
	return nil
}

func (m Mail) send(c *smtp.Client, l Letter) error {
	if err := c.Mail(m.From); err != nil {
		return err
	}
	for _, to := range m.To {
		if err := c.Rcpt(to); err != nil {
			return err
		}
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(m.compose(l)); err != nil {
		return err
	}
	return w.Close()
}

// dial gives a connection that is encrypted.
func (m Mail) dial(ctx context.Context) (*smtp.Client, error) {
	host, _, err := net.SplitHostPort(m.Server)
	if err != nil {
		return nil, err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", m.Server)
	if err != nil {
		return nil, err
	}
	if until, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(until) // a connection that is closed says so at the next read
	}
	secured := &tls.Config{MinVersion: tls.VersionTLS12}
	if m.TLS != nil {
		secured = m.TLS.Clone()
	}
	secured.ServerName = host
	if m.Implicit {
		conn = tls.Client(conn, secured)
	}
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	if m.Implicit {
		return c, nil
	}
	if ok, _ := c.Extension("STARTTLS"); !ok {
		_ = c.Close()
		return nil, errors.New("the mail server offers no STARTTLS: nothing is sent in clear")
	}
	if err := c.StartTLS(secured); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// compose renders a letter (RFC 5322). Nothing in it ends a header.
func (m Mail) compose(l Letter) []byte {
	var b bytes.Buffer
	header := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, Printable(value)) }
	header("From", m.From)
	header("To", strings.Join(m.To, ", "))
	header("Subject", mime.QEncoding.Encode("utf-8", Clip(Printable(l.Subject), 400)))
	header("Date", l.At.UTC().Format(time.RFC1123Z))
	_, domain, _ := strings.Cut(m.From, "@")
	header("Message-ID", "<"+token(l.ID, 200)+"@"+token(domain, 200)+">")
	header("Auto-Submitted", "auto-generated") // RFC 3834
	if l.Urgent {
		header("Importance", "high")
	}
	header("MIME-Version", "1.0")
	header("Content-Type", "text/plain; charset=utf-8")
	header("Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	for line := range strings.Lines(l.Text) {
		_, _ = w.Write([]byte(Printable(strings.TrimRight(line, "\r\n")) + "\r\n")) // a buffer takes everything
	}
	_ = w.Close()
	return b.Bytes()
}
