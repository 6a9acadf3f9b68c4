package main

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/intake"
	"github.com/tutela-health/tutela/detect/intake/atna"
	"github.com/tutela-health/tutela/detect/intake/auditevent"
	"github.com/tutela-health/tutela/detect/intake/table"
)

type eventsImportCmd struct {
	target
	Files     []string `arg:"" help:"Files, .gz too; - is standard input."`
	Form      string   `enum:"lines,table,auditevent,atna" default:"lines" help:"lines (of any log, or in the form of docs/events.md), table (CSV by a mapping), auditevent (FHIR R4, NDJSON) or atna (an AuditMessage a line)."`
	Mapping   string   `help:"Of a table: a YAML file, or access-per-row or event-per-row, which come with the program."`
	Authority string   `help:"Whose patient numbers those are that name no authority."`
	Format    string   `enum:"text,json" default:"text" help:"text or json."`
}

// Help gives an example.
func (eventsImportCmd) Help() string {
	return `Example: tutela events import access.csv --form table --mapping access-per-row --authority HOSP --data tutela-data

Accesses go into the ledger, as those that come by syslog do, and one that came before is dropped; facts go where detection finds them; other
lines are redacted and kept for tutela events search. They are told under the name of the source that the configuration gives the client; in a
try-out system that is "import". Exit code 1: some lines made no sense.`
}

// remembered are tokens that can be undone: the server makes those that count.
type remembered struct{}

// Patient implements intake.Tokens.
func (remembered) Patient(id intake.Identifier) tutela.Bucket {
	return event.Pseudonym(id.Authority + "|" + id.Value)
}

// Likeness implements intake.Tokens.
func (remembered) Likeness(_, value string) string { return value }

// sending is an import under way.
type sending struct {
	cmd    eventsImportCmd
	client *client
	body   bytes.Buffer
	lines  int
	bad    int // lines that this command could not read

	Source   string `json:"source"`
	Taken    int    `json:"taken"`
	Refused  int    `json:"refused"`
	Repeated int    `json:"repeated"`
}

// The size of a delivery: well below what the server takes.
const (
	sendLines = 5_000
	sendBytes = 8 << 20
)

// Run sends every file.
func (cmd eventsImportCmd) Run(ctx context.Context, c console) error {
	var mapping *table.Mapping
	if cmd.Form == "table" {
		var err error
		if mapping, err = readMapping(cmd.Mapping); err != nil {
			return err
		}
	}
	client, err := cmd.connect(ctx, "loader")
	if err != nil {
		return err
	}
	s := &sending{cmd: cmd, client: client}
	for _, name := range cmd.Files {
		in, err := openLines(name)
		if err == nil {
			err = errors.Join(s.file(ctx, c, name, in, mapping), in.Close())
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := s.flush(ctx); err != nil {
		return err
	}
	s.Refused += s.bad
	if cmd.Format == "json" {
		err = json.NewEncoder(c.out).Encode(s)
	} else {
		_, err = fmt.Fprintf(c.out, "%s: %d lines taken, %d refused, %d sent before\n", cmp.Or(s.Source, "nothing was sent"), s.Taken, s.Refused, s.Repeated)
	}
	if err == nil && s.Refused > 0 {
		err = errFound
	}
	return err
}

func (s *sending) file(ctx context.Context, c console, name string, in io.Reader, mapping *table.Mapping) error {
	take := func(n int, r intake.Record, wrong error) error {
		if wrong != nil {
			s.bad++
			fmt.Fprintf(c.err, "tutela: %s: line %d %v; it is skipped\n", name, n, wrong)
			return nil
		}
		b, err := s.named(r)
		if err != nil {
			return err
		}
		return s.add(ctx, b)
	}
	if s.cmd.Form == "table" {
		return table.Read(in, mapping, remembered{}, take)
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, event.MaxLine)
	for n := 1; lines.Scan(); n++ {
		b := bytes.TrimSpace(lines.Bytes())
		var err error
		switch {
		case len(b) == 0:
		case s.cmd.Form == "lines":
			err = s.add(ctx, b)
		case s.cmd.Form == "atna":
			r, wrong := atna.ParseLine(b, remembered{})
			err = take(n, r, wrong)
		default:
			r, wrong := auditevent.Parse(b, remembered{})
			err = take(n, r, wrong)
		}
		if err != nil {
			return err
		}
	}
	return lines.Err()
}

// named writes a record with its patients as the source calls them: the server names them by pseudonyms.
func (s *sending) named(r intake.Record) ([]byte, error) {
	e := r.Event.Entry
	e.Foreign = &tutela.Foreign{Source: cmp.Or(r.Event.Source, "elsewhere"), Record: e.ID, Observed: e.Time}
	b, err := audit.OCSF(e)
	if err != nil || len(r.Patients) == 0 {
		return b, err
	}
	var o map[string]any
	if err := json.Unmarshal(b, &o); err != nil {
		return nil, err
	}
	list, _ := o["resources"].([]any)
	more, _ := o["unmapped"].(map[string]any)
	flags, _ := more["flags"].(map[string]any)
	for i, id := range r.Patients[:min(len(r.Patients), len(list))] {
		if one, ok := list[i].(map[string]any); ok {
			if uid, ok := one["uid"].(string); ok && flags[uid] != nil {
				flags[id.Value] = flags[uid]
			}
			one["uid"], one["namespace"] = id.Value, cmp.Or(id.Authority, s.cmd.Authority)
		}
	}
	return json.Marshal(o)
}

// add puts a line into the next delivery.
func (s *sending) add(ctx context.Context, b []byte) error {
	if s.lines >= sendLines || s.body.Len()+len(b) > sendBytes {
		if err := s.flush(ctx); err != nil {
			return err
		}
	}
	s.lines++
	s.body.Write(b)
	s.body.WriteByte('\n')
	return nil
}

// flush sends a delivery. Its id is made of what it says: an import that is begun again writes nothing twice.
func (s *sending) flush(ctx context.Context) error {
	if s.lines == 0 {
		return nil
	}
	sum := sha256.Sum256(s.body.Bytes())
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write(s.body.Bytes())
	if err = errors.Join(err, w.Close()); err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.client.base+"/api/v1/events", &packed)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.client.token)
	req.Header.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("Content-Encoding", "gzip")
	req.Header.Set("Idempotency-Key", hex.EncodeToString(sum[:]))
	body, err := s.client.send(req)
	if err != nil {
		return err
	}
	var got struct {
		Source         string
		Taken, Refused int
		Repeated       bool
	}
	if err := json.Unmarshal(body, &got); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	s.Source, s.lines = got.Source, 0
	s.body.Reset()
	if got.Repeated {
		s.Repeated += got.Taken
		return nil
	}
	s.Taken, s.Refused = s.Taken+got.Taken, s.Refused+got.Refused
	return nil
}
