package line

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/intake"
	"github.com/tutela-health/tutela/detect/intake/syslog"
	"github.com/tutela-health/tutela/detect/redact"
	"github.com/tutela-health/tutela/internal/clock"
)

// Reader makes events of lines. Not safe for concurrent use.
type Reader struct {
	tokens intake.Tokens
	clock  clock.Clock
	redact redact.Redactor
	parser *event.Parser
	fields []string // of a W3C log, as its last header names them
}

// NewReader returns a Reader of one source. A line without a time happened when it came.
func NewReader(tokens intake.Tokens, now clock.Clock) *Reader {
	return &Reader{tokens: tokens, clock: now, parser: event.NewParser(), redact: redact.Redactor{Patient: func(id string) string {
		return fmt.Sprintf("%016x", uint64(tokens.Patient(intake.Identifier{Value: id})))
	}}}
}

// Read is what a line became.
type Read struct {
	JSON []byte // redacted, in the form of docs/events.md
	Line event.Line
	// Patients are those of Line.Event.Patients as the source calls them, in the same order.
	Patients []intake.Identifier
}

// ErrNothing says that a line tells nothing: it is a comment, or blank.
var ErrNothing = errors.New("tells nothing")

var errLong = errors.New("is longer than 1 MiB")

// ahead is how far a source's clock may be ahead before its time is not believed: the time of receipt stands in.
const ahead = 24 * time.Hour

// Read reads a line of any form: a JSON object, a web server's, or text.
func (r *Reader) Read(b []byte) (Read, error) {
	text := strings.TrimSpace(strings.ToValidUTF8(string(b), "\uFFFD"))
	switch {
	case text == "":
		return Read{}, ErrNothing
	case len(b) > event.MaxLine:
		return Read{}, errLong
	case text[0] == '{':
		return r.JSON([]byte(text))
	}
	return r.text(text, object{})
}

// Syslog makes an event of a message.
func (r *Reader) Syslog(m syslog.Message) (Read, error) {
	o := object{}
	o.set("time", stamp(m.Time))
	o.set("host", m.Host)
	o.set("app", m.App)
	o.set("process", m.Process)
	o["severity_id"] = severity(m.Severity)
	for id, params := range m.Data {
		for name, value := range params {
			o.set("sd."+id+"."+name, r.redact.Field(name, value))
		}
	}
	if m.Text == "" {
		return Read{}, ErrNothing
	}
	if m.Text[0] == '{' {
		if got, err := r.structured([]byte(m.Text), o); err == nil {
			return got, nil
		}
	}
	return r.text(m.Text, o)
}

// object is an event on its way.
type object map[string]any

func (o object) set(name, value string) {
	if value != "" {
		o[name] = value
	}
}

// fill sets what is not there yet.
func (o object) fill(name string, value any) {
	if _, there := o[name]; !there && value != "" && value != nil {
		o[name] = value
	}
}

func stamp(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}

// severity turns RFC 5424's (section 6.2.1) into OCSF's severity_id.
func severity(n int) int {
	return []int{6, 5, 5, 4, 3, 2, 1, 1}[max(0, min(n, 7))]
}

// text makes an event of a line of text, beside what is known of it.
func (r *Reader) text(text string, o object) (Read, error) {
	if strings.HasPrefix(text, "#") && r.header(text) {
		return Read{}, ErrNothing
	}
	if a, ok := r.access(text); ok {
		a.into(o)
		text = a.text()
	} else {
		login(text, o)
	}
	o["message"] = r.redact.Text(cut(text))
	return r.finish(o, nil)
}

// maxText bounds a message, in bytes: what comes behind it would not be read.
const maxText = 32 << 10

func cut(s string) string {
	if len(s) > maxText {
		return strings.ToValidUTF8(s[:maxText], "")
	}
	return s
}

// finish writes an event and reads it back, as everybody else will.
func (r *Reader) finish(o object, patients []intake.Identifier) (Read, error) {
	now := r.clock().UTC()
	if !isFact(o) {
		o.fill("time", stamp(now))
	}
	b, err := json.Marshal(o)
	if err != nil {
		return Read{}, err
	}
	l, err := r.parser.Parse(b)
	if err != nil {
		return Read{}, err
	}
	if l.Event != nil && l.Event.Time.After(now.Add(ahead)) {
		o["time"] = stamp(now)
		return r.finish(o, patients)
	}
	return Read{JSON: b, Line: l, Patients: patients}, nil
}
