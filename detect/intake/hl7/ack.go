package hl7

import (
	"fmt"
	"strings"
	"time"
)

// Ack is an acknowledgement code (table 0008).
type Ack string

// The codes of the original mode.
const (
	Accept Ack = "AA" // taken, and durable
	Failed Ack = "AE" // could not be taken: send it again
	Reject Ack = "AR" // can never be taken: do not
)

// acknowledge answers a message (chapter 2, section 2.9). m is nil for one that could not be read.
func acknowledge(m *Message, code Ack, now time.Time) []byte {
	of := &Message{marks: marks{'|', '^', '~', '\\', '&'}}
	if m != nil {
		of = m
	}
	k := of.marks
	join := func(fields ...string) string { return strings.Join(fields, string(k.field)) }
	_, trigger := of.Kind()
	kind := "ACK"
	if trigger != "" && of.plain(trigger) {
		kind += string(k.component) + trigger
	}
	version := of.Value("MSH", 12, 1)
	if version == "" || !of.plain(version) {
		version = "2.5.1"
	}
	mode := of.Raw("MSH", 11)
	if mode == "" {
		mode = "P"
	}
	head := "MSH" + string(k.field) + string([]byte{k.component, k.repetition, k.escape, k.sub})
	return fmt.Appendf(nil, "%s\rMSA%c%s\r",
		head+string(k.field)+join(of.Raw("MSH", 5), of.Raw("MSH", 6), of.Raw("MSH", 3), of.Raw("MSH", 4), now.UTC().Format("20060102150405")+"+0000",
			"", kind, "a"+of.Raw("MSH", 10), mode, version),
		k.field, join(string(code), of.Raw("MSH", 10)))
}

// plain reports whether a text holds no delimiter.
func (m *Message) plain(s string) bool {
	k := m.marks
	return !strings.ContainsAny(s, string([]byte{k.field, k.component, k.repetition, k.escape, k.sub, '\r', '\n'}))
}
