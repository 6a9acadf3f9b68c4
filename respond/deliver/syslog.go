package deliver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Message is a syslog message (RFC 5424).
type Message struct {
	Severity int // 0 emergency to 7 debug; facility is 10, security
	At       time.Time
	Host     string
	App      string
	ID       string            // of the kind of message
	Data     map[string]string // of one structured element; names are the program's own
	Text     string
}

// facility is "security/authorization messages (note 1)" (RFC 5424, 6.2.1).
const facility = 10

// maxMessage bounds a message: every receiver takes 2,048 bytes and should take 8,192 (RFC 5424, 6.1; RFC 5425, 4.3.1).
const maxMessage = 32 << 10

// Line renders a message in one line. Nothing in it ends the line, or an element.
func (m Message) Line() string {
	var data strings.Builder
	for _, name := range slices.Sorted(maps.Keys(m.Data)) {
		fmt.Fprintf(&data, ` %s="%s"`, token(name, 32), escaped(m.Data[name]))
	}
	element := "-"
	if data.Len() > 0 {
		element = "[tutela@32473" + data.String() + "]" // an enterprise number for examples (RFC 5612): this project has none
	}
	line := fmt.Sprintf("<%d>1 %s %s %s - %s %s %s", facility*8+m.Severity, m.At.UTC().Format("2006-01-02T15:04:05.000Z07:00"),
		token(m.Host, 255), token(m.App, 48), token(m.ID, 32), element, Printable(m.Text))
	return Clip(line, maxMessage)
}

// token is a header field: printable ASCII without spaces, "-" for none.
func token(s string, longest int) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' || r == '=' || r == ']' || r == '"' {
			return '_'
		}
		return r
	}, s)
	if s == "" {
		return "-"
	}
	return s[:min(len(s), longest)]
}

// escaped is a parameter's value (RFC 5424, 6.3.3).
func escaped(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, `]`, `\]`).Replace(Printable(s))
}

// Printable is a text in which nothing ends a line or directs a terminal.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))
}

// Line keeps text to one printable line of so many bytes.
func Line(s string, longest int) string {
	return Clip(strings.Join(strings.Fields(Printable(s)), " "), longest)
}

// Clip shortens a text between characters.
func Clip(s string, longest int) string {
	for len(s) > longest {
		longest = min(longest, len(s))
		for longest > 0 && !utf8.RuneStart(s[longest]) {
			longest--
		}
		s = s[:longest]
	}
	return s
}

// Syslog hands messages over by TLS (RFC 5425).
type Syslog struct {
	Address string // host and port
	TLS     *tls.Config
}

// Send writes messages over a connection of their own and closes it. It succeeds when the receiver has answered the
// close with its own, which it does after what came before (RFC 5425, 4.4: a receiver MUST reply with a
// close_notify): syslog has no other receipt.
func (s Syslog) Send(ctx context.Context, list []Message) error {
	ctx, cancel := context.WithTimeout(ctx, Within)
	defer cancel()
	host, _, err := net.SplitHostPort(s.Address)
	if err != nil {
		return errors.New("the address is no host and port")
	}
	secured := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.TLS != nil {
		secured = s.TLS.Clone()
	}
	secured.ServerName = host
	raw, err := (&tls.Dialer{Config: secured}).DialContext(ctx, "tcp", s.Address)
	if err != nil {
		return err
	}
	conn, _ := raw.(*tls.Conn) // what a tls.Dialer gives
	defer func() { _ = conn.Close() }()
	if until, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(until) // a connection that is closed says so at the next write
	}
	var b strings.Builder
	for _, m := range list {
		line := m.Line()
		fmt.Fprintf(&b, "%d %s", len(line), line)
	}
	if _, err := io.WriteString(conn, b.String()); err != nil {
		return err
	}
	if err := conn.CloseWrite(); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, io.LimitReader(conn, maxReply)); err != nil {
		return fmt.Errorf("the receiver did not acknowledge the end: %w", err)
	}
	return nil
}
