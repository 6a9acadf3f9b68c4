package rules

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/detect/roster"
	"github.com/tutela-health/tutela/detect/sigma"
)

// Detector takes offence at events by the rules of a Book, and by those in Go. Not safe for concurrent use; the Book
// may change at any time, and what correlations whose text stays have counted stays too.
type Detector struct {
	book    *Book
	edition *Edition
	engine  *sigma.Engine
	staff   *roster.Directory // nil where nobody keeps one
	own     []ownRule
}

// ownRule is a rule in Go. It remembers within bounds, as JSON.
type ownRule interface {
	name() string
	observe(ev *event.Event) []finding.Hit
	// remembered is what is kept over a restart: a pointer that JSON is written from and read into.
	remembered() any
}

// New returns a Detector that has seen nothing. It asks staff for what it knows, and tells it nothing but accounts.
func New(b *Book, staff *roster.Directory) *Detector {
	d := &Detector{book: b, staff: staff, own: []ownRule{newLeavers(staff), newReviews(), newWalks(), newClocks()}}
	d.turn(b.Edition())
	return d
}

// turn goes by another edition.
func (d *Detector) turn(to *Edition) {
	before := d.engine
	d.edition, d.engine = to, sigma.New(to.Set)
	if before == nil {
		return
	}
	var memory bytes.Buffer
	if before.Snapshot(&memory) == nil && d.engine.Restore(&memory) == nil {
		return
	}
	d.engine = sigma.New(to.Set)
}

// Observe takes the next event and gives the hits that it completes.
func (d *Detector) Observe(ev *event.Event) []finding.Hit {
	if now := d.book.Edition(); now != d.edition {
		d.turn(now)
	}
	hits := d.engine.Observe(d.known(ev))
	for _, r := range d.own {
		hits = append(hits, r.observe(ev)...)
	}
	return hits
}

// Forgotten counts what was forgotten before its time, for want of room.
func (d *Detector) Forgotten() uint64 { return d.engine.Forgotten() }

// memory is the form of a snapshot.
type memory struct {
	Form  int
	Sigma json.RawMessage
	Own   map[string]json.RawMessage
}

// form numbers it.
const form = 1

// Snapshot writes what is remembered. The same state gives the same bytes.
func (d *Detector) Snapshot(w io.Writer) error {
	var engine bytes.Buffer
	if err := d.engine.Snapshot(&engine); err != nil {
		return err
	}
	m := memory{Form: form, Sigma: engine.Bytes(), Own: map[string]json.RawMessage{}}
	for _, r := range d.own {
		text, err := json.Marshal(r.remembered())
		if err != nil {
			return fmt.Errorf("write what rule %s remembers: %w", r.name(), err)
		}
		m.Own[r.name()] = text
	}
	if err := json.NewEncoder(w).Encode(m); err != nil {
		return fmt.Errorf("write what rules remember: %w", err)
	}
	return nil
}

// Restore replaces what is remembered. What it cannot read is an error, and then it remembers nothing.
func (d *Detector) Restore(r io.Reader) error {
	fresh := New(d.book, d.staff)
	*d = *fresh
	var m memory
	if err := json.NewDecoder(r).Decode(&m); err != nil {
		return fmt.Errorf("read what rules remember: %w", err)
	}
	if m.Form != form {
		return fmt.Errorf("read what rules remember: form %d, and this version reads %d", m.Form, form)
	}
	if err := fresh.engine.Restore(bytes.NewReader(m.Sigma)); err != nil {
		return err
	}
	for _, rule := range fresh.own {
		if text, ok := m.Own[rule.name()]; ok {
			if err := json.Unmarshal(text, rule.remembered()); err != nil {
				*d = *New(d.book, d.staff)
				return fmt.Errorf("read what rule %s remembers: %w", rule.name(), err)
			}
		}
	}
	return nil
}
