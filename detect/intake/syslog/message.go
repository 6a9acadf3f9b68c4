package syslog

import (
	"strings"
	"time"

	"github.com/leodido/go-syslog/v4"
	"github.com/leodido/go-syslog/v4/rfc5424"
)

// Message is one syslog message (RFC 5424, section 6).
type Message struct {
	Time      time.Time // zero where the sender gave none
	Host, App string
	Process   string
	ID        string // MSGID
	Facility  int    // section 6.2.1, table 1
	Severity  int    // table 2
	Data      map[string]map[string]string
	Text      string
	Raw       bool // it is no RFC 5424 message: Text is all of it
}

// defaultSeverity is that of a message that tells none: informational.
const defaultSeverity = 6

// parser parses messages one after another.
type parser struct{ machine syslog.Machine }

func newParser() parser { return parser{rfc5424.NewParser()} }

// parse reads a message. One of another form is kept whole as text: it may still tell something.
func (p parser) parse(b []byte) Message {
	got, err := p.machine.Parse(b)
	m, ok := got.(*rfc5424.SyslogMessage)
	if err != nil || !ok || m == nil {
		return Message{Severity: defaultSeverity, Text: clean(string(b)), Raw: true}
	}
	out := Message{
		Host: text(m.Hostname), App: text(m.Appname), Process: text(m.ProcID), ID: text(m.MsgID), Severity: defaultSeverity,
		Text: clean(strings.TrimPrefix(text(m.Message), "\ufeff")),
	}
	if m.Timestamp != nil {
		out.Time = m.Timestamp.UTC()
	}
	if m.Facility != nil {
		out.Facility = int(*m.Facility)
	}
	if m.Severity != nil {
		out.Severity = int(*m.Severity)
	}
	if m.StructuredData != nil {
		out.Data = *m.StructuredData
	}
	return out
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// clean makes text of what may be anything.
func clean(s string) string { return strings.ToValidUTF8(strings.TrimSpace(s), "\uFFFD") }
