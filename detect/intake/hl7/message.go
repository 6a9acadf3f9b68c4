package hl7

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// The bounds of a message.
const (
	MaxMessage  = 1 << 20 // bytes
	maxSegments = 2_000
	maxParts    = 1_000 // fields of a segment, repetitions of a field, components
)

// Message is one HL7 v2 message.
type Message struct {
	segments []segment
	marks    marks
	legacy   bool // text is in ISO 8859-1, not in UTF-8
}

// segment is a name and its fields; fields[0] is field 1, but for MSH, whose field 1 is the separator itself.
type segment struct {
	name   string
	fields []string
}

// marks are the delimiters that a message names in MSH-1 and MSH-2.
type marks struct{ field, component, repetition, escape, sub byte }

// errNoHeader is of what cannot be answered either: who sent it is not known.
var errNoHeader = errors.New("begins with no MSH segment")

// Parse reads a message. Errors quote nothing of it.
func Parse(b []byte) (*Message, error) {
	if len(b) > MaxMessage {
		return nil, fmt.Errorf("is longer than %d bytes", MaxMessage)
	}
	b = bytes.TrimLeft(b, "\r\n\x0b")
	if len(b) < 9 || string(b[:3]) != "MSH" {
		return nil, errNoHeader
	}
	m := &Message{marks: marks{field: b[3], component: b[4], repetition: b[5], escape: b[6], sub: b[7]}}
	if err := m.marks.check(); err != nil {
		return nil, err
	}
	text := strings.ReplaceAll(string(b), "\n", "\r")
	for line := range strings.SplitSeq(text, "\r") {
		if len(line) < 4 {
			continue // empty, or a segment without fields
		}
		if len(m.segments) == maxSegments {
			return nil, fmt.Errorf("has more than %d segments", maxSegments)
		}
		m.segments = append(m.segments, segment{line[:3], strings.SplitN(line[4:], string(m.marks.field), maxParts)})
	}
	charset, _, _ := strings.Cut(m.Raw("MSH", 18), string(m.marks.repetition))
	m.legacy = charset == "8859/1" || charset == "" && !utf8.ValidString(text)
	return m, nil
}

// check refuses delimiters that cannot be told apart, or that are part of words.
func (k marks) check() error {
	seen := map[byte]bool{}
	for _, c := range []byte{k.field, k.component, k.repetition, k.escape, k.sub} {
		word := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c < ' ' || c > '~'
		if word || seen[c] {
			return errors.New("names delimiters that are none")
		}
		seen[c] = true
	}
	return nil
}

// Raw gives a field of the first segment of a name, as it is sent; fields count from 1 as in the standard.
func (m *Message) Raw(name string, field int) string {
	for i := range m.segments {
		if m.segments[i].name == name {
			return m.segments[i].raw(field)
		}
	}
	return ""
}

// raw gives a field; MSH-1 is the separator, which stands in no list.
func (s *segment) raw(field int) string {
	at := field - 1
	if s.name == "MSH" {
		at = field - 2
	}
	if at < 0 || at >= len(s.fields) {
		return ""
	}
	return s.fields[at]
}

// Value gives a component of a field's first repetition, with escapes resolved; components count from 1.
func (m *Message) Value(name string, field, component int) string {
	rep, _, _ := strings.Cut(m.Raw(name, field), string(m.marks.repetition))
	return m.component(rep, component)
}

// component gives a component's first subcomponent.
func (m *Message) component(rep string, n int) string {
	return m.subcomponents(rep, n)[0]
}

// subcomponents gives those of a component, at least one. HL7's explicit null ("") is empty.
func (m *Message) subcomponents(rep string, n int) []string {
	parts := strings.SplitN(rep, string(m.marks.component), maxParts)
	if n < 1 || n > len(parts) {
		return []string{""}
	}
	subs := strings.SplitN(parts[n-1], string(m.marks.sub), maxParts)
	for i, s := range subs {
		if s == `""` {
			s = ""
		}
		subs[i] = m.text(s)
	}
	return subs
}

// repetitions are those of a field.
func (m *Message) repetitions(raw string) []string {
	if raw == "" {
		return nil
	}
	return strings.SplitN(raw, string(m.marks.repetition), maxParts)
}

// text resolves escapes (chapter 2, section 2.7) and the character set.
func (m *Message) text(s string) string {
	if strings.IndexByte(s, m.marks.escape) >= 0 {
		s = m.unescape(s)
	}
	if m.legacy {
		s, _ = charmap.ISO8859_1.NewDecoder().String(s) // every byte is a character of it
	}
	return strings.TrimSpace(strings.ToValidUTF8(s, "\uFFFD"))
}

// unescape resolves the delimiters' escapes and hexadecimal ones; formatting ones become a space, unknown ones
// nothing.
func (m *Message) unescape(s string) string {
	var b strings.Builder
	esc := string(m.marks.escape)
	for {
		before, rest, found := strings.Cut(s, esc)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		code, after, closed := strings.Cut(rest, esc)
		if !closed {
			b.WriteString(rest)
			return b.String()
		}
		b.WriteString(m.escaped(code))
		s = after
	}
}

func (m *Message) escaped(code string) string {
	switch {
	case code == "F":
		return string(m.marks.field)
	case code == "S":
		return string(m.marks.component)
	case code == "R":
		return string(m.marks.repetition)
	case code == "E":
		return string(m.marks.escape)
	case code == "T":
		return string(m.marks.sub)
	case strings.HasPrefix(code, "."):
		return " "
	case strings.HasPrefix(code, "X"):
		return unhex(code[1:])
	}
	return ""
}

func unhex(s string) string {
	var b strings.Builder
	for ; len(s) >= 2; s = s[2:] {
		n, err := strconv.ParseUint(s[:2], 16, 8)
		if err != nil {
			return ""
		}
		b.WriteByte(byte(n))
	}
	return b.String()
}

// Kind gives MSH-9 as message code and trigger event, as in ADT and A01.
func (m *Message) Kind() (code, event string) {
	return strings.ToUpper(m.Value("MSH", 9, 1)), strings.ToUpper(m.Value("MSH", 9, 2))
}

// ControlID gives MSH-10, by which a sender knows its message.
func (m *Message) ControlID() string { return m.Value("MSH", 10, 1) }

// Time reads a field of data type DTM or TS (chapter 2A): YYYY[MM[DD[HH[MM[SS[.S]]]]]][+/-ZZZZ]. Without an offset
// the time is that of the place given. The zero time stands for none, or for one that cannot be read.
func (m *Message) Time(name string, field int, place *time.Location) time.Time {
	return readTime(m.Value(name, field, 1), place)
}

func readTime(s string, place *time.Location) time.Time {
	offset := ""
	if i := strings.LastIndexAny(s, "+-"); i > 0 {
		s, offset = s[:i], s[i:]
	}
	s, _, _ = strings.Cut(s, ".")
	const layout = "20060102150405"
	if len(s) < 8 || len(s)%2 != 0 || len(s) > len(layout) {
		return time.Time{}
	}
	t, err := time.ParseInLocation(layout[:len(s)], s, place)
	if offset != "" {
		t, err = time.Parse(layout[:len(s)]+"-0700", s+offset)
	}
	if err != nil || t.Year() < 1900 {
		return time.Time{}
	}
	return t.UTC()
}
