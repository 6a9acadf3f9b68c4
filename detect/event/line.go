package event

import (
	"errors"

	"github.com/tutela-health/tutela"
)

// The limits of what is read. A line that passes one of MaxLine, maxID and maxPatients is refused; text
// that is too long is cut, and fields beyond their number are left out.
const (
	MaxLine     = 1 << 20 // bytes of a line
	maxID       = 256     // bytes of an id or a name
	maxPatients = 10_000  // patients of one event
	maxNames    = 64      // roles of a person, flags of a patient, policies of a decision
	maxFields   = 128     // fields of a log's line
	maxField    = 4 << 10 // bytes of one of them
	maxText     = 32 << 10
	maxNesting  = 8 // levels of members that become dotted names
)

// ActionLog is the action of a log's line that names none.
const ActionLog tutela.Action = "log"

// Line is what one line told: exactly one of the four is there.
type Line struct {
	Event    *Event
	Staff    *Staff
	Relation *Relation
	Chart    *Chart
}

// What is wrong with a line, in words that hold none of it.
var (
	errTooLong  = errors.New("is longer than 1 MiB")
	errNoObject = errors.New("is no JSON object")
	errAfter    = errors.New("has something after its object")
	errNoTime   = errors.New("has no time")
	errTime     = errors.New("has a time that is neither Unix milliseconds nor RFC 3339, or before 1970")
	errID       = errors.New("has an id or a name of more than 256 bytes")
	errPatients = errors.New("has more than 10,000 patients")
	errKind     = errors.New("has a kind that is none of staff, relation, chart")
	errRelation = errors.New("has a relation that is none of admission, encounter, appointment, order, referral, care-team, cover, billing")
	errStaff    = errors.New("names no staff")
	errPatient  = errors.New("names no patient")
	errWhom     = errors.New("names neither staff nor a unit")
)

// ParseLine reads one line in the form that docs/events.md gives under "Events from elsewhere". An
// error says what is wrong and quotes nothing. A Parser does the same for many lines at less cost.
func ParseLine(b []byte) (Line, error) { return NewParser().Parse(b) }

// Parse reads one line. It keeps nothing of b.
func (p *Parser) Parse(b []byte) (Line, error) {
	if len(b) > MaxLine {
		return Line{}, errTooLong
	}
	r, err := p.read(b)
	if err != nil {
		return Line{}, err
	}
	switch {
	case r.kind == "staff", r.kind == "" && r.class == classInventory:
		return r.asStaff()
	case r.kind == "relation":
		return r.asRelation()
	case r.kind == "chart":
		return r.asChart()
	case r.kind != "" && r.class == 0 && r.at.IsZero():
		return Line{}, errKind
	}
	return p.asEvent(b, r)
}
