package audit

import (
	"fmt"

	"github.com/go-json-experiment/json"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
)

// What a leaf spends besides plaintext, generously: version, day, lengths, commitment, salt, seal.
const (
	leafOverhead    = 1 + 4 + 3*10 + 32 + saltSize + keys.Overhead
	sectionOverhead = 8 + 2*10 + 32 + saltSize + keys.Overhead
)

// smallest is the least of a body that is worth a section of its own when one is cut.
const smallest = 1 << 10

// part is what goes into one leaf.
type part struct {
	entry    tutela.Entry
	sections []tutela.Section
}

// split spreads an entry that may not be roomy over as many parts as it needs. The first part
// holds the entry's facts; patients, writes and section bodies that do not fit go into
// continuations. A body that is cut is the concatenation of its pieces in order.
func split(e tutela.Entry, sections []tutela.Section) ([]part, error) {
	patients, writes := e.Patients, e.Writes
	e.Patients, e.Writes = nil, nil
	p := packer{first: e}
	if err := p.begin(e); err != nil {
		return nil, err
	}
	for _, t := range patients {
		if err := p.patient(t); err != nil {
			return nil, err
		}
	}
	for _, w := range writes {
		if err := p.write(w); err != nil {
			return nil, err
		}
	}
	for _, s := range sections {
		if err := p.section(s); err != nil {
			return nil, err
		}
	}
	return p.parts, nil
}

// roomy tells quickly that an entry surely fits one leaf, reckoning every field that has no bound.
func roomy(e *tutela.Entry, sections []tutela.Section) bool {
	size := 4<<10 + len(e.Writes)*maxWrite
	for _, t := range e.Patients {
		size += 48 + 48*len(t.Counts) + 48*len(t.Flags)
	}
	for _, s := range sections {
		size += sectionOverhead + len(s.Body)
	}
	if e.Subject != nil {
		size += 6 * (len(e.Subject.ID) + len(e.Subject.Detail)) // an escaped byte takes six
	}
	if e.Evidence != nil {
		size += 6 * (len(e.Evidence.Observed) + len(e.Evidence.On))
	}
	return size <= MaxLeaf/2
}

// packer fills parts in order.
type packer struct {
	first tutela.Entry
	parts []part
	room  int // bytes left in the last part
}

// begin opens a part for e.
func (p *packer) begin(e tutela.Entry) error {
	plain, err := encodeHeader(nil, &e)
	if err != nil {
		return err
	}
	p.room = MaxLeaf - leafOverhead - len(plain) - 64 // what patients and writes add to the header's frame
	if p.room < MaxLeaf/3 {
		return errs.New(errs.TooLarge, "ledger entry's own facts exceed %d bytes", MaxLeaf*2/3)
	}
	p.parts = append(p.parts, part{entry: e})
	return nil
}

// reserve takes cost bytes of the last part, or of a new one.
func (p *packer) reserve(cost int) (*part, error) {
	if cost > p.room {
		if err := p.begin(continuation(p.first)); err != nil {
			return nil, err
		}
	}
	if cost > p.room {
		return nil, errs.New(errs.TooLarge, "one item of a ledger entry exceeds %d bytes", p.room)
	}
	p.room -= cost
	return &p.parts[len(p.parts)-1], nil
}

func (p *packer) patient(t tutela.Touched) error {
	body, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("encode patient of entry: %w", err)
	}
	to, err := p.reserve(len(body) + 1)
	if err != nil {
		return err
	}
	to.entry.Patients = append(to.entry.Patients, t)
	return nil
}

func (p *packer) write(w tutela.Write) error {
	to, err := p.reserve(maxWrite)
	if err != nil {
		return err
	}
	to.entry.Writes = append(to.entry.Writes, w)
	return nil
}

func (p *packer) section(s tutela.Section) error {
	for {
		n := min(len(s.Body), p.room-sectionOverhead)
		if n < len(s.Body) && n < smallest {
			n = min(len(s.Body), MaxLeaf/3-sectionOverhead) // a new part has at least this much
		}
		to, err := p.reserve(sectionOverhead + n)
		if err != nil {
			return err
		}
		to.sections = append(to.sections, tutela.Section{Patient: s.Patient, Body: s.Body[:n]})
		if s.Body = s.Body[n:]; len(s.Body) == 0 {
			return nil
		}
	}
}

// continuation is the header of a further leaf of e: enough to find it by, and the link.
func continuation(e tutela.Entry) tutela.Entry {
	return tutela.Entry{
		ID: NewID(), Time: e.Time, Node: e.Node, Tenant: e.Tenant, Actor: e.Actor,
		Action: e.Action, Type: e.Type, Outcome: e.Outcome, Demo: e.Demo, Continues: e.ID,
	}
}
