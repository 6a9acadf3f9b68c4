package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/intake"
	"github.com/tutela-health/tutela/detect/intake/atna"
	"github.com/tutela-health/tutela/detect/intake/auditevent"
	"github.com/tutela-health/tutela/detect/intake/hl7"
	"github.com/tutela-health/tutela/detect/intake/table"
)

type eventsCmd struct {
	Search  eventsSearchCmd  `cmd:"" help:"Find lines of other systems' logs."`
	Sources eventsSourcesCmd `cmd:"" help:"How the systems are doing that tell what happens in them."`
	Import  eventsImportCmd  `cmd:"" help:"Send logs, access logs, tables and messages that are there already."`
	Convert eventsConvertCmd `cmd:"" help:"Turn another system's access log into events, for tutela detect replay."`
}

type eventsConvertCmd struct {
	Files     []string `arg:"" help:"Files of the log, .gz too; - is standard input."`
	Form      string   `enum:"table,auditevent,atna,hl7" default:"table" help:"table (CSV by a mapping), auditevent (FHIR R4, NDJSON), atna (an AuditMessage a line, bare or behind syslog's header) or hl7 (messages in MLLP frames, which become relations and charts)."`
	Mapping   string   `help:"Of a table: a YAML file, or access-per-row or event-per-row, which come with the program."`
	Authority string   `help:"Whose numbers stand in your rosters and charts: its patients are named by their number alone."`
	TimeZone  string   `default:"UTC" help:"Of HL7's times without an offset, such as Europe/Rome."`
	Format    string   `enum:"json" default:"json" help:"json: a line each."`
}

// Help gives an example.
func (eventsConvertCmd) Help() string {
	return `Example: tutela events convert export.csv --mapping access-per-row | tutela detect replay -

Writes one line of JSON for each record, or for each fact that a message tells, as docs/events.md has them. Patients are named by a hash of authority and number, which
has no key: whoever can try all numbers can undo it. What cannot be read is named by its line and skipped. Needs no system. Exit code 1:
something was skipped.`
}

// hashed are tokens without a key, as replay makes them of foreign numbers.
type hashed struct {
	bare string // the authority whose numbers stand alone
}

// Patient implements intake.Tokens.
func (h hashed) Patient(id intake.Identifier) tutela.Bucket {
	switch {
	case id.Value == "":
		return tutela.BucketGeneral
	case strings.EqualFold(id.Authority, h.bare):
		return event.Pseudonym(id.Value)
	}
	return event.Pseudonym(strings.ToLower(id.Authority) + "|" + id.Value)
}

// Likeness implements intake.Tokens.
func (hashed) Likeness(_, value string) string { return event.Likeness(value) }

// conversion is one that is under way.
type conversion struct {
	form        string
	mapping     *table.Mapping
	tokens      hashed
	place       *time.Location
	out         *bufio.Writer
	bad         func(line int, err error)
	good, wrong int
}

// Run converts.
func (cmd eventsConvertCmd) Run(_ context.Context, c console) error {
	v := &conversion{form: cmd.Form, out: bufio.NewWriterSize(c.out, 1<<20), tokens: hashed{cmd.Authority}}
	var err error
	if v.place, err = time.LoadLocation(cmd.TimeZone); err != nil {
		return usage("there is no time zone %s", cmd.TimeZone)
	}
	if cmd.Form == "table" {
		if v.mapping, err = readMapping(cmd.Mapping); err != nil {
			return err
		}
	}
	for _, file := range cmd.Files {
		v.bad = func(line int, err error) {
			v.wrong++
			fmt.Fprintf(c.err, "tutela: %s: line %d %v; it is skipped\n", file, line, err)
		}
		if err := v.file(file); err != nil {
			return errors.Join(usage("%s: %v", file, err), v.out.Flush())
		}
	}
	if err := v.out.Flush(); err != nil {
		return err
	}
	switch {
	case v.good == 0 && v.wrong > 0:
		return usage("no line could be read: see docs/intake.md")
	case v.wrong > 0:
		return errFound
	}
	return nil
}

func readMapping(name string) (*table.Mapping, error) {
	if slices.Contains(table.Names(), name) {
		return table.Ready(name)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, usage("name the table's mapping by --mapping: a file, or one of %s", strings.Join(table.Names(), ", "))
	}
	m, err := table.ParseMapping(b)
	if err != nil {
		return nil, usage("%s: %v", name, err)
	}
	return m, nil
}

func (v *conversion) file(name string) error {
	in, err := openLines(name)
	if err != nil {
		return err
	}
	switch v.form {
	case "table":
		err = table.Read(in, v.mapping, v.tokens, v.take)
	case "hl7":
		err = v.messages(in)
	default:
		err = v.lines(in)
	}
	return errors.Join(err, in.Close())
}

// lines reads one message a line.
func (v *conversion) lines(in io.Reader) error {
	parse := atna.ParseLine
	if v.form == "auditevent" {
		parse = auditevent.Parse
	}
	s := bufio.NewScanner(in)
	s.Buffer(nil, event.MaxLine)
	for n := 1; s.Scan(); n++ {
		if len(s.Bytes()) == 0 {
			continue
		}
		r, wrong := parse(s.Bytes(), v.tokens)
		if err := v.take(n, r, wrong); err != nil {
			return err
		}
	}
	return s.Err()
}

// messages reads HL7 messages in MLLP frames.
func (v *conversion) messages(in io.Reader) error {
	t := hl7.NewTranslator(hl7.Config{Tokens: v.tokens, Place: v.place})
	return hl7.ReadAll(in, func(n int, m *hl7.Message, wrong error) error {
		if wrong != nil {
			v.bad(n, wrong)
			return nil
		}
		v.good++
		for _, l := range t.Translate(m) {
			if _, err := v.out.Write(append(event.AppendFact(nil, l), '\n')); err != nil {
				return err
			}
		}
		return nil
	})
}

func (v *conversion) take(line int, r intake.Record, wrong error) error {
	if wrong != nil {
		v.bad(line, wrong)
		return nil
	}
	e := r.Event.Entry
	e.Foreign = &tutela.Foreign{Source: cmp.Or(r.Event.Source, "elsewhere"), Record: e.ID, Observed: e.Time}
	b, err := audit.OCSF(e)
	if err != nil {
		return err
	}
	v.good++
	_, err = v.out.Write(append(b, '\n'))
	return err
}
