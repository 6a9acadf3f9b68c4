package incident

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// The bounds of a message.
const (
	MaxMail      = 1 << 20 // bytes
	maxMailParts = 20
	maxMailDepth = 4
	maxMailName  = 320 // of an address: RFC 5321, 4.5.3.1
)

// Mail is what counts of a message (RFC 5322).
type Mail struct {
	ID      string // Message-ID; empty where it has none
	From    string // address, in small letters: what the message says, which nothing proves
	Subject string
	Text    string // its first plain text
}

// ReadMail reads a message. Only plain text counts; what does not show is left out, and what is too long is cut.
func ReadMail(r io.Reader) (Mail, error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxMail+1))
	if err != nil {
		return Mail{}, fmt.Errorf("read message: %w", err)
	}
	if len(raw) > MaxMail {
		return Mail{}, errs.New(errs.TooLarge, "a message takes %d bytes at most", MaxMail)
	}
	msg, err := mail.ReadMessage(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		return Mail{}, errs.Wrap(errs.Invalid, err, "it is no message (RFC 5322)")
	}
	if auto := msg.Header.Get("Auto-Submitted"); auto != "" && !strings.EqualFold(strings.TrimSpace(auto), "no") {
		return Mail{}, errs.New(errs.Invalid, "the message was written by a machine (RFC 3834), and is no report")
	}
	from, err := mail.ParseAddressList(msg.Header.Get("From"))
	if err != nil || len(from) != 1 || len(from[0].Address) > maxMailName {
		return Mail{}, errs.New(errs.Invalid, "the message names no single sender")
	}
	m := Mail{From: strings.ToLower(from[0].Address), ID: cut(msg.Header.Get("Message-Id"), maxTitle), Subject: cut(decoded(msg.Header.Get("Subject")), maxTitle)}
	p := mailPart{header: msg.Header.Get, body: msg.Body}
	left := maxMailParts
	text, _, err := p.text(0, &left)
	if err != nil {
		return Mail{}, err
	}
	m.Text = cut(text, maxText-maxTitle)
	return m, nil
}

// mailPart is a message, or a part of one.
type mailPart struct {
	header func(string) string
	body   io.Reader
}

// text is the first plain text of a part. left counts down how many parts may yet be looked at.
func (p mailPart) text(depth int, left *int) (text string, found bool, err error) {
	if depth > maxMailDepth || *left <= 0 {
		return "", false, errs.New(errs.Invalid, "the message has more than %d parts, or they lie too deep", maxMailParts)
	}
	*left--
	kind, params, err := mime.ParseMediaType(cmp.Or(p.header("Content-Type"), "text/plain"))
	if err != nil {
		return "", false, errs.Wrap(errs.Invalid, err, "the message has a type that is not understood")
	}
	switch {
	case strings.HasPrefix(kind, "multipart/"):
		return p.parts(params["boundary"], depth, left)
	case kind != "text/plain":
		return "", false, nil
	}
	b, err := io.ReadAll(p.content())
	if err != nil {
		return "", false, errs.Wrap(errs.Invalid, err, "the message's text does not decode")
	}
	return inUTF8(b, params["charset"]), true, nil
}

// parts is the first plain text among several parts.
func (p mailPart) parts(boundary string, depth int, left *int) (string, bool, error) {
	if boundary == "" {
		return "", false, errs.New(errs.Invalid, "the message has parts without a boundary")
	}
	r := multipart.NewReader(p.body, boundary)
	for {
		part, err := r.NextRawPart()
		if err == io.EOF {
			return "", false, nil
		}
		if err != nil {
			return "", false, errs.Wrap(errs.Invalid, err, "the message's parts are not as it says")
		}
		text, found, err := mailPart{header: part.Header.Get, body: part}.text(depth+1, left)
		if err != nil || found {
			return text, found, err
		}
	}
}

// content is the body without its transfer encoding (RFC 2045, 6).
func (p mailPart) content() io.Reader {
	switch strings.ToLower(strings.TrimSpace(p.header("Content-Transfer-Encoding"))) {
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, p.body)
	case "quoted-printable":
		return quotedprintable.NewReader(p.body)
	}
	return p.body
}

// inUTF8 reads ISO 8859-1 for what it is, and everything else as UTF-8.
func inUTF8(b []byte, charset string) string {
	if slices.Contains([]string{"iso-8859-1", "latin1", "windows-1252"}, strings.ToLower(charset)) {
		runes := make([]rune, len(b))
		for i, c := range b {
			runes[i] = rune(c)
		}
		return string(runes)
	}
	return string(b)
}

// decoded reads encoded words (RFC 2047); what they do not decode stays as it is.
func decoded(header string) string {
	text, err := new(mime.WordDecoder).DecodeHeader(header)
	if err != nil {
		return header
	}
	return text
}

// cut leaves out what does not show, and what is too long.
func cut(text string, most int) string {
	var b strings.Builder
	n := 0
	for _, r := range text {
		if r == utf8.RuneError || !unicode.IsPrint(r) && !unicode.IsSpace(r) {
			continue
		}
		if n++; n > most {
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}

// Mailed takes a report by e-mail, of a sender on the list. A message that comes twice is one report. base is the
// entry, of a caller of whom it was decided that he may hand messages in.
func (s *Service) Mailed(ctx context.Context, base tutela.Entry, m Mail) (Told, error) {
	if !s.welcome(m.From) {
		return Told{}, errs.New(errs.Denied, "reports are not taken from this sender")
	}
	in := Incident{Source: FromMail, Sender: m.From, reporter: s.cfg.Alias("incident-mail", m.From)}
	if m.ID != "" {
		in.ID = s.identify("mail", m.From+" "+m.ID)
		if known, err := s.find(ctx, in.ID); !errs.Is(err, errs.NotFound) {
			return Told{ID: known.ID, At: known.Opened, State: known.State}, err
		}
	}
	text := strings.TrimSpace(m.Subject + "\n" + m.Text)
	return s.report(ctx, base, Report{Text: text}, in)
}

// welcome reports whether an address, or its domain, is on the list.
func (s *Service) welcome(from string) bool {
	at := strings.LastIndexByte(from, '@')
	return at > 0 && slices.ContainsFunc(s.cfg.Senders, func(known string) bool {
		return known != "" && (strings.EqualFold(known, from) || strings.EqualFold(known, from[at+1:]))
	})
}
