package simulate

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect/event"
)

// The files of a simulated hospital, as `tutela detect replay` reads them (docs/events.md), and the truth.
const (
	EventsFile    = "events.ndjson"
	RosterFile    = "roster.ndjson"
	RelationsFile = "relations.ndjson"
	ChartsFile    = "charts.ndjson"
	TruthFile     = "truth.ndjson"
)

// file is a file being written, with the place where a line is made.
type file struct {
	f    *os.File
	w    *bufio.Writer
	line []byte
}

func createFile(folder, name string) (*file, error) {
	f, err := os.Create(filepath.Join(folder, name))
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", name, err)
	}
	return &file{f: f, w: bufio.NewWriterSize(f, 1<<20)}, nil
}

func (f *file) put(line []byte) error {
	f.line = line[:0]
	_, err := f.w.Write(append(line, '\n'))
	return err
}

// object writes a value as a line of JSON.
func (f *file) object(v any) error {
	line, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("encode a line: %w", err)
	}
	return f.put(line)
}

func (f *file) close() error {
	return errors.Join(f.w.Flush(), f.f.Close())
}

// truth is the part of a Receiver that no detector may see.
type truth struct{ *file }

// Misuse writes which entry was misuse.
func (t truth) Misuse(m Misuse) error {
	return t.object(struct {
		Kind  string        `json:"kind"`
		UID   string        `json:"uid"`
		As    string        `json:"misuse"`
		Staff tutela.UserID `json:"staff"`
		Day   string        `json:"day"`
		Case  int           `json:"case"`
	}{"entry", m.Entry, m.Kind, m.Staff, m.Day, m.Case})
}

// StaffDay writes what an account's day held.
func (t truth) StaffDay(d StaffDay) error {
	return t.object(struct {
		Kind    string        `json:"kind"`
		Staff   tutela.UserID `json:"staff"`
		Day     string        `json:"day"`
		Entries int           `json:"entries"`
		Misuse  int           `json:"misused"`
		Kinds   []string      `json:"misuse,omitzero"`
	}{"staff-day", d.Staff, d.Day, d.Entries, d.Misuse, d.Kinds})
}

// Lines writes a hospital as the lines that `tutela detect replay` reads. It is a Receiver.
type Lines struct {
	truth
	events, roster, relations, charts *file
	all                               []*file
}

// NewLines makes the files in a folder, which is there.
func NewLines(folder string) (*Lines, error) {
	l := &Lines{}
	for _, to := range []struct {
		name string
		file **file
	}{{EventsFile, &l.events}, {RosterFile, &l.roster}, {RelationsFile, &l.relations}, {ChartsFile, &l.charts}, {TruthFile, &l.truth.file}} {
		f, err := createFile(folder, to.name)
		if err != nil {
			return nil, errors.Join(err, l.Close())
		}
		*to.file, l.all = f, append(l.all, f)
	}
	return l, nil
}

// Close completes the files.
func (l *Lines) Close() error { return closeAll(l.all) }

func closeAll(files []*file) error {
	var err error
	for _, f := range files {
		err = errors.Join(err, f.close())
	}
	return err
}

// Entry writes an entry as an OCSF event.
func (l *Lines) Entry(e *tutela.Entry) error { return l.events.put(appendOCSF(l.events.line, e)) }

// Chart writes what is known of a chart.
func (l *Lines) Chart(c Chart) error {
	return writeChart(l.charts, c.Chart, audit.Pseudonym(c.Patient))
}

// Staff writes a line of the roster.
func (l *Lines) Staff(s event.Staff) error {
	own := ""
	if s.Chart != 0 {
		own = audit.Pseudonym(s.Chart)
	}
	return writeStaff(l.roster, s, own)
}

// Notice writes a relation once its end is known.
func (l *Lines) Notice(n Notice) error {
	switch {
	case n.Step == Moves:
		return l.relation(n.Before)
	case n.Step == Begins && n.Relation.To.IsZero():
		return nil
	}
	return l.relation(n.Relation)
}

func (l *Lines) relation(r event.Relation) error {
	who := ""
	if r.Patient != 0 {
		who = audit.Pseudonym(r.Patient)
	}
	return writeRelation(l.relations, r, who)
}

func writeChart(f *file, c event.Chart, patient string) error {
	b := appendText(f.line, `{"kind":"chart","patient":"`, patient)
	b = appendText(b, `,"household":"`, c.Household)
	b = appendText(b, `,"family":"`, c.Family)
	if c.VIP {
		b = append(b, `,"vip":true`...)
	}
	if c.Sensitive {
		b = append(b, `,"sensitive":true`...)
	}
	return f.put(append(b, '}'))
}

func writeStaff(f *file, s event.Staff, chart string) error {
	b := appendText(f.line, `{"kind":"staff","staff":"`, string(s.ID))
	b = appendText(b, `,"roles":["`, strings.Join(s.Roles, `","`))
	b = appendText(append(b, ']'), `,"unit":"`, s.Unit)
	for _, m := range []struct{ name, value string }{{`,"patient":"`, chart}, {`,"household":"`, s.Household}, {`,"family":"`, s.Family}} {
		if m.value != "" {
			b = appendText(b, m.name, m.value)
		}
	}
	return f.put(append(appendSpan(b, s.From, s.To), '}'))
}

func writeRelation(f *file, r event.Relation, patient string) error {
	b := appendText(f.line, `{"kind":"relation","relation":"`, string(r.Kind))
	for _, m := range []struct{ name, value string }{{`,"patient":"`, patient}, {`,"staff":"`, string(r.Staff)}, {`,"unit":"`, r.Unit}} {
		if m.value != "" {
			b = appendText(b, m.name, m.value)
		}
	}
	return f.put(append(appendSpan(b, r.From, r.To), '}'))
}

// appendSpan appends when something holds, without the ends that are open.
func appendSpan(b []byte, from, to time.Time) []byte {
	if !from.IsZero() {
		b = from.AppendFormat(append(b, `,"from":"`...), "2006-01-02T15:04:05Z")
		b = append(b, '"')
	}
	if !to.IsZero() {
		b = to.AppendFormat(append(b, `,"to":"`...), "2006-01-02T15:04:05Z")
		b = append(b, '"')
	}
	return b
}

// quoted writes a text as JSON.
func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""` // no text that is made here is invalid UTF-8
	}
	return string(b)
}
