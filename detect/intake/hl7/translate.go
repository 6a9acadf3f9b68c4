package hl7

import (
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/intake"
)

// Config says how messages are to be understood. The zero value but for Tokens is sound.
type Config struct {
	Tokens intake.Tokens
	Place  *time.Location // of times without an offset; nil means UTC
	// Identifiers are the types of identifier (CX.5) by which a patient is known, the best first; nil means MR, PI and
	// then whichever comes first.
	Identifiers []string
}

// Translator turns messages into what detection knows of care. It remembers stays, so that a discharge ends what an
// admission began. Not safe for concurrent use.
type Translator struct {
	cfg     Config
	visits  visits
	changed []string // keys of the visits of which the last message told
}

// NewTranslator returns one that has heard nothing.
func NewTranslator(c Config) *Translator {
	if c.Place == nil {
		c.Place = time.UTC
	}
	if c.Identifiers == nil {
		c.Identifiers = []string{"MR", "PI"}
	}
	return &Translator{cfg: c}
}

// Translate gives what a message tells: relations, each replacing the one of the same kind, patient, person, unit and
// beginning, and charts. A message that is of no concern gives none.
func (t *Translator) Translate(m *Message) []event.Line {
	t.changed = t.changed[:0]
	switch code, trigger := m.Kind(); code {
	case "ADT":
		return t.administration(m, trigger)
	case "SIU":
		return t.scheduling(m, trigger)
	case "ORM", "OMG", "OML", "OMI":
		return t.order(m)
	}
	return nil
}

// patient finds whom a field (of data type CX) means.
func (t *Translator) patient(m *Message, segment string, field int) (tutela.Bucket, bool) {
	reps := m.repetitions(m.Raw(segment, field))
	pick := func(typ string) (intake.Identifier, bool) {
		for _, rep := range reps {
			id := intake.Identifier{Authority: intake.Authority(m.subcomponents(rep, 4)), Value: m.component(rep, 1)}
			if id.Value != "" && (typ == "" || strings.EqualFold(m.component(rep, 5), typ)) {
				return id, true
			}
		}
		return intake.Identifier{}, false
	}
	for _, typ := range append(t.cfg.Identifiers, "") {
		if id, ok := pick(typ); ok {
			return t.cfg.Tokens.Patient(id), true
		}
	}
	return 0, false
}

// chart is what a PID segment tells of a patient beside the care.
func (t *Translator) chart(m *Message, p tutela.Bucket) []event.Line {
	c := event.Chart{Patient: p}
	if family := fold(m.Value("PID", 5, 1)); family != "" {
		c.Family = t.cfg.Tokens.Likeness("family", family)
	}
	street, zip := fold(m.Value("PID", 11, 1)), fold(m.Value("PID", 11, 5))
	if street != "" && zip != "" {
		c.Household = t.cfg.Tokens.Likeness("household", street+"\x00"+zip)
	}
	vip := strings.ToUpper(m.Value("PV1", 16, 1)) // VIP indicator (user-defined table 0099)
	c.VIP = vip != "" && vip != "N" && vip != "NO" && vip != "0"
	if c.Family == "" && c.Household == "" && !c.VIP {
		return nil
	}
	return []event.Line{{Chart: &c}}
}

// fold is a value without case, and with single spaces.
func fold(s string) string { return strings.Join(strings.Fields(strings.ToLower(s)), " ") }

// administration reads ADT (chapter 3).
func (t *Translator) administration(m *Message, trigger string) []event.Line {
	p, ok := t.patient(m, "PID", 3)
	if !ok {
		return nil
	}
	at := t.when(m)
	key := t.visitKey(m, p)
	v := t.visits.get(key)
	switch trigger {
	case "A40", "A18", "A34", "A39":
		return t.merge(m, p, at)
	case "A01", "A04", "A05", "A06", "A07", "A02", "A08", "A03":
		if v == nil {
			v = &visit{patient: p, kind: t.stayKind(m), from: t.begin(m, at), since: t.begin(m, at), doctor: t.staff(m)}
			t.visits.put(key, v)
		}
	default:
		if v == nil {
			return t.chart(m, p)
		}
	}
	t.changed = append(t.changed, key)
	return append(t.chart(m, p), t.advance(m, v, trigger, at)...)
}

// advance carries out what an event says of a visit.
func (t *Translator) advance(m *Message, v *visit, trigger string, at time.Time) []event.Line {
	unit := t.unit(m)
	if who := t.staff(m); who != "" {
		v.doctor = who
	}
	switch trigger {
	case "A03":
		if v.unit == "" {
			v.unit = unit
		}
		if v.to = m.Time("PV1", 45, t.cfg.Place); v.to.IsZero() {
			v.to = at
		}
	case "A13":
		v.to = time.Time{}
	case "A11":
		v.to = v.from
	case "A12":
		return v.back()
	case "A02", "A08", "A06", "A07":
		if v.unit != "" {
			return v.move(unit, at)
		}
		v.unit = unit
	default:
		v.unit = unit
	}
	return v.lines()
}

// merge gives a patient who had two identifiers the stays of the one that is given up.
func (t *Translator) merge(m *Message, p tutela.Bucket, at time.Time) []event.Line {
	old, ok := t.patient(m, "MRG", 1)
	if !ok || old == p {
		return nil
	}
	var list []event.Line
	for _, key := range t.visits.order {
		v := t.visits.get(key)
		if v == nil || v.patient != old || !v.to.IsZero() && v.to.Before(at) {
			continue
		}
		v.patient = p
		t.changed = append(t.changed, key)
		list = append(list, v.lines()...)
	}
	return append(list, t.chart(m, p)...)
}

// visitKey tells one stay from another: by its number (PV1-19), else the patient has one at a time.
func (t *Translator) visitKey(m *Message, p tutela.Bucket) string {
	number := m.Value("PV1", 19, 1)
	if number == "" {
		number = m.Value("PID", 18, 1)
	}
	return string(binaryKey(p)) + number
}

func binaryKey(p tutela.Bucket) []byte {
	b := make([]byte, 8)
	for i := range b {
		b[i] = byte(uint64(p) >> (8 * i))
	}
	return b
}

// when is the event's own time (EVN-6, EVN-2), else the message's.
func (t *Translator) when(m *Message) time.Time {
	for _, at := range []time.Time{m.Time("EVN", 6, t.cfg.Place), m.Time("EVN", 2, t.cfg.Place), m.Time("MSH", 7, t.cfg.Place)} {
		if !at.IsZero() {
			return at
		}
	}
	return time.Time{}
}

// begin is the time of admission (PV1-44), else the event's.
func (t *Translator) begin(m *Message, at time.Time) time.Time {
	if since := m.Time("PV1", 44, t.cfg.Place); !since.IsZero() {
		return since
	}
	return at
}

// unit is the point of care (PV1-3.1), or the facility where there is none.
func (t *Translator) unit(m *Message) string {
	if unit := m.Value("PV1", 3, 1); unit != "" {
		return unit
	}
	return m.Value("PV1", 3, 4)
}

// staff is the attending doctor (PV1-7).
func (t *Translator) staff(m *Message) tutela.UserID { return tutela.UserID(m.Value("PV1", 7, 1)) }

// stayKind tells beds from visits by the patient class (PV1-2, table 0004): inpatients, emergency and obstetrics lie in
// a unit.
func (t *Translator) stayKind(m *Message) event.RelationKind {
	switch strings.ToUpper(m.Value("PV1", 2, 1)) {
	case "O", "R", "P", "C":
		return event.Encounter
	}
	return event.Admission
}
