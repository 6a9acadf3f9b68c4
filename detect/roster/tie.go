package roster

import (
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
)

// Kind is a relation's kind as a number.
type Kind uint8

// The kinds of tie.
const (
	Other Kind = iota
	Admission
	Encounter
	Appointment
	Order
	Referral
	CareTeam
	Cover
	Billing
)

// Tie joins a patient to a person, to a unit, to both, or to the house as a whole. To is when it ended or will, which for a
// kind that happens once is known even when nobody says so.
type Tie struct {
	From, To Minute
	Person   Person
	Unit     Unit
	Kind     Kind
}

// kindOf gives the number of a relation's kind.
func kindOf(k event.RelationKind) Kind {
	switch k {
	case event.Admission:
		return Admission
	case event.Encounter:
		return Encounter
	case event.Appointment:
		return Appointment
	case event.Order:
		return Order
	case event.Referral:
		return Referral
	case event.CareTeam:
		return CareTeam
	case event.Cover:
		return Cover
	case event.Billing:
		return Billing
	}
	return Other
}

// span is how long a tie lasts whose end nobody told: a visit does not go on for ever because no
// line says that it is over. Zero means until somebody says so.
func (k Kind) span() time.Duration {
	const day = 24 * time.Hour
	switch k {
	case Encounter, Appointment:
		return day
	case Order:
		return 14 * day
	case Referral, Billing, Other:
		return 90 * day
	case Admission, CareTeam, Cover:
		return 0
	}
	return 0
}

// Relation takes in a relation. One of the same kind, patient, person, unit and beginning replaces
// the one before: that is how an open one ends.
func (d *Directory) Relation(r event.Relation) {
	t := Tie{From: MinuteOf(r.From), To: endOf(r.To), Person: d.Person(r.Staff), Unit: d.Unit(r.Unit), Kind: kindOf(r.Kind)}
	if t.To == Forever && t.Kind.span() > 0 && !r.From.IsZero() {
		t.To = t.From + Minute(t.Kind.span()/time.Minute)
	}
	switch {
	case t.Kind == Cover && t.Person != 0:
		p := &d.staff[t.Person]
		p.covers, _ = put(p.covers, t, maxCovers)
	case t.Kind == Cover || r.Patient == 0 || d.held >= maxTies:
	default:
		ties, more := put(d.ties[r.Patient], t, maxPerHead)
		d.ties[r.Patient] = ties
		d.held += more
	}
}

// put adds a tie or replaces its earlier form; a list that is full loses what ended first. It
// tells by how many the list has grown.
func put(ties []Tie, t Tie, limit int) ([]Tie, int) {
	first := 0
	for i, old := range ties {
		if old.Kind == t.Kind && old.Person == t.Person && old.Unit == t.Unit && old.From == t.From {
			ties[i] = t
			return ties, 0
		}
		if old.To < ties[first].To {
			first = i
		}
	}
	if len(ties) >= limit {
		ties[first] = t
		return ties, 0
	}
	return append(ties, t), 1
}

// Ties gives a patient's ties, past and future ones too. Callers do not change them.
func (d *Directory) Ties(p tutela.Bucket) []Tie { return d.ties[p] }
