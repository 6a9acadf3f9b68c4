package event

import (
	"strconv"
	"strings"
)

// log reads a line a second time, as a log's: its message, and every other scalar by dotted name.
func (p *Parser) log(b []byte, r *record) (*Log, error) {
	p.start(b)
	l := &Log{Severity: syslogSeverity(r.severity), Fields: make(map[string]string)}
	if err := p.flatten(l, "", 0); err != nil {
		return nil, err
	}
	l.Host = first(l.Fields["device.hostname"], l.Fields["device.name"], l.Fields["hostname"], l.Fields["host"])
	l.App = first(l.Fields["actor.app_name"], l.Fields["metadata.log_name"], l.Fields["app"], r.product)
	l.Process = first(l.Fields["process.name"], l.Fields["actor.process.name"], l.Fields["process"], l.Fields["process.pid"])
	return l, nil
}

// syslogSeverity turns OCSF's severity_id (1 informational to 6 fatal, 0 unknown) into RFC 5424's.
func syslogSeverity(id int64) int {
	switch id {
	case 2:
		return 5
	case 3:
		return 4
	case 4:
		return 3
	case 5:
		return 2
	case 6:
		return 0
	}
	return 6
}

// flatten takes the members of the object that comes next. Elements of lists are numbered from 0.
func (p *Parser) flatten(l *Log, prefix string, depth int) error {
	return p.members(func(name []byte) error {
		at := prefix + valid(name)
		if at == "message" {
			return p.text(&l.Text, maxText)
		}
		return p.flattenValue(l, at, depth)
	})
}

func (p *Parser) flattenValue(l *Log, at string, depth int) error {
	if len(l.Fields) >= maxFields || len(at) > maxID || depth >= maxNesting {
		return p.skip()
	}
	switch p.dec.PeekKind() {
	case '{':
		return p.flatten(l, at+".", depth+1)
	case '[':
		n := 0
		return p.elements(func() error {
			n++
			return p.flattenValue(l, at+"."+strconv.Itoa(n-1), depth+1)
		})
	case 'n':
		return p.skip()
	}
	var s string
	if err := p.text(&s, maxField); err != nil {
		return err
	}
	l.Fields[at] = s
	return nil
}

// text reads a scalar and cuts it to size.
func (p *Parser) text(to *string, size int) error {
	b, err := p.raw()
	*to = valid(b[:min(len(b), size)])
	return err
}

// valid makes a string of bytes, with U+FFFD for what is no UTF-8.
func valid(b []byte) string { return strings.ToValidUTF8(string(b), "\uFFFD") }
