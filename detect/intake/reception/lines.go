package reception

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/intake"
	"github.com/tutela-health/tutela/detect/intake/gate"
	"github.com/tutela-health/tutela/detect/intake/line"
	"github.com/tutela-health/tutela/detect/intake/syslog"
	"github.com/tutela-health/tutela/detect/logs"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// Reader reads lines of a source.
func (r *Reception) Reader(d *gate.Desk) *line.Reader {
	return line.NewReader(r.Tokens.In(d.Authority), r.Clock)
}

// line takes a message that is a line of a log.
func (r *Reception) line(ctx context.Context, d *gate.Desk, m syslog.Message) error {
	got, err := r.Reader(d).Syslog(m)
	if err == nil && got.Line.Event == nil {
		err = errFact
	}
	if err != nil {
		d.Refuse(err.Error())
		return nil
	}
	d.Took(got.Line.Event.Time)
	if rec, ok := got.Record(); ok {
		return r.Records.Put(ctx, d.Name, r.resolved(d, rec))
	}
	return r.Lines.Put(ctx, logs.Event{Source: d.Name, At: got.Line.Event.Time, Line: got.JSON})
}

var errFact = errors.New("is a fact, and comes by syslog")

// resolved names a record's patients as the tenant calls their authorities.
func (r *Reception) resolved(d *gate.Desk, rec intake.Record) intake.Record {
	tokens := r.Tokens.In(d.Authority)
	for i, id := range rec.Patients {
		rec.Patients[i] = tokens.Resolve(id)
	}
	return rec
}

// Keep makes lines of a source durable: accesses to records in the ledger, facts, and lines of logs with what is
// given beside them, which comes last. Lines that come again are known by their ids, or by what is given.
func (r *Reception) Keep(ctx context.Context, d *gate.Desk, lines []line.Read, with store.Op) error {
	var records []intake.Record
	var facts []event.Line
	var events []logs.Event
	for _, l := range lines {
		rec, access := l.Record()
		switch {
		case l.Line.Event == nil:
			facts = append(facts, l.Line)
		case access:
			records = append(records, r.resolved(d, rec))
		default:
			events = append(events, logs.Event{Source: d.Name, At: l.Line.Event.Time, Line: l.JSON})
		}
	}
	if len(facts) > 0 {
		if err := r.Facts.Tell(ctx, d.Name, facts, nil); err != nil {
			return err
		}
	}
	if len(records) > 0 {
		if _, err := r.Book.Take(ctx, d.Name, records); err != nil {
			return err
		}
	}
	return r.Logs.Take(ctx, events, with)
}

// The limits of a delivery.
const (
	MaxDelivery = 32 << 20 // bytes, unpacked
	MaxLines    = 20_000
	maxProblems = 20
	maxID       = 256
)

// Delivery is what became of lines that were posted.
type Delivery struct {
	Source   string    `json:"source"`
	Taken    int       `json:"taken"`
	Refused  int       `json:"refused"`
	Repeated bool      `json:"repeated,omitempty"` // it came before: nothing was written, and the numbers are those of then
	Problems []Problem `json:"problems,omitempty"` // the first of them
}

// Problem is a line that makes no sense, and why. It quotes nothing of it.
type Problem struct {
	Line   int    `json:"line"`
	Reason string `json:"reason"`
}

// Post takes lines of a client. An id tells a delivery from others of the client: one that came before changes
// nothing. The error's kind is errs.Denied for a client that is no source, and errs.TooLarge for too many lines.
func (r *Reception) Post(ctx context.Context, client, id string, body io.Reader) (Delivery, error) {
	d, ok := r.Gate.Client(client)
	switch {
	case !ok:
		return Delivery{}, errs.New(errs.Denied, "no source is configured as this client")
	case len(id) > maxID:
		return Delivery{}, errs.New(errs.Invalid, "the delivery's id is longer than %d bytes", maxID)
	}
	if id != "" {
		if before, known, err := r.before(ctx, d, id); known || err != nil {
			return before, err
		}
	}
	lines, out, err := r.read(d, body)
	if err != nil {
		return Delivery{}, err
	}
	var with store.Op
	if id != "" {
		with = r.Logs.Delivery(d.Name, id, out.Taken, out.Refused)
	}
	err = r.Keep(ctx, d, lines, with)
	if id != "" && errs.Is(err, errs.Conflict) {
		if before, known, err := r.before(ctx, d, id); known || err != nil {
			return before, err
		}
	}
	if err != nil {
		return Delivery{}, err
	}
	note(d, lines, out)
	return out, nil
}

// note tells the desk how a delivery was.
func note(d *gate.Desk, lines []line.Read, out Delivery) {
	for _, l := range lines {
		if l.Line.Event != nil {
			d.Took(l.Line.Event.Time)
		} else {
			d.Took(time.Time{})
		}
	}
	for range out.Refused {
		d.Refuse(out.Problems[0].Reason)
	}
}

func (r *Reception) before(ctx context.Context, d *gate.Desk, id string) (Delivery, bool, error) {
	taken, refused, known, err := r.Logs.Delivered(ctx, d.Name, id)
	return Delivery{Source: d.Name, Taken: taken, Refused: refused, Repeated: true}, known, err
}

// read reads the lines of a body.
func (r *Reception) read(d *gate.Desk, body io.Reader) ([]line.Read, Delivery, error) {
	out, reader := Delivery{Source: d.Name}, r.Reader(d)
	var lines []line.Read
	s := bufio.NewScanner(io.LimitReader(body, MaxDelivery+1))
	s.Buffer(nil, event.MaxLine+1)
	total := 0
	for n := 1; s.Scan(); n++ {
		if total += len(s.Bytes()) + 1; n > MaxLines || total > MaxDelivery {
			return nil, out, errs.New(errs.TooLarge, "a delivery has at most %d lines and %d bytes", MaxLines, MaxDelivery)
		}
		got, err := reader.Read(bytes.TrimSpace(s.Bytes()))
		switch {
		case errors.Is(err, line.ErrNothing):
		case err != nil:
			if out.Refused++; len(out.Problems) < maxProblems {
				out.Problems = append(out.Problems, Problem{n, err.Error()})
			}
		default:
			out.Taken++
			lines = append(lines, got)
		}
	}
	switch err := s.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, out, errs.New(errs.TooLarge, "a line is longer than %d bytes", event.MaxLine)
	case err != nil:
		return nil, out, errs.Wrap(errs.Invalid, err, "the lines could not be read")
	}
	return lines, out, nil
}

// Sources tells how the sources are doing whose events somebody with some roles may see.
func (r *Reception) Sources(roles []string) []gate.State {
	readable := r.Gate.Readable(roles)
	list := []gate.State{}
	for _, s := range r.Gate.States() {
		for _, name := range readable {
			if s.Source == name {
				list = append(list, s)
			}
		}
	}
	return list
}

// Find finds events of the sources that somebody with some roles may see. A patient is given by pseudonym, or as
// AUTHORITY|NUMBER.
func (r *Reception) Find(ctx context.Context, roles []string, patient string, q logs.Query) (logs.Page, error) {
	if patient != "" {
		q.Patient = r.Tokens.Named(patient)
	}
	q.Sources = r.Gate.Readable(roles)
	page, err := r.Logs.Search(ctx, q)
	if err != nil {
		return page, fmt.Errorf("search lines of logs: %w", err)
	}
	return page, nil
}
