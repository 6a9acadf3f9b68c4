package hl7

import (
	"strconv"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
)

// scheduling reads SIU (chapter 10): who is to see the patient, where and when. An appointment that is cancelled or
// deleted (S15, S17) is over as it begins.
func (t *Translator) scheduling(m *Message, trigger string) []event.Line {
	p, ok := t.patient(m, "PID", 3)
	if !ok {
		return nil
	}
	from, to := t.slot(m)
	if from.IsZero() {
		return nil
	}
	if trigger == "S15" || trigger == "S17" {
		to = from
	}
	var list []event.Line
	for _, r := range t.resources(m) {
		r.Kind, r.Patient, r.From, r.To = event.Appointment, p, from, to
		list = append(list, event.Line{Relation: &r})
	}
	return append(list, t.chart(m, p)...)
}

// resources are the people (AIP-3) and places (AIL-3) of an appointment: each person there, or the place alone.
func (t *Translator) resources(m *Message) []event.Relation {
	var units []string
	var list []event.Relation
	for i := range m.segments {
		s := &m.segments[i]
		rep, _, _ := strings.Cut(s.raw(3), string(m.marks.repetition))
		switch who := m.component(rep, 1); {
		case who == "":
		case s.name == "AIL":
			units = append(units, who)
		case s.name == "AIP":
			list = append(list, event.Relation{Staff: tutela.UserID(who)})
		}
	}
	if len(units) == 0 {
		if unit := t.unit(m); unit != "" {
			units = append(units, unit)
		}
	}
	for _, u := range units {
		list = append(list, event.Relation{Unit: u})
	}
	return list
}

// slot is when an appointment is: SCH-11 (start and end), or TQ1-7 and TQ1-8, or AIS-4 with a duration.
func (t *Translator) slot(m *Message) (from, to time.Time) {
	from, to = readTime(m.Value("SCH", 11, 4), t.cfg.Place), readTime(m.Value("SCH", 11, 5), t.cfg.Place)
	if from.IsZero() {
		from, to = m.Time("TQ1", 7, t.cfg.Place), m.Time("TQ1", 8, t.cfg.Place)
	}
	if from.IsZero() {
		if from = m.Time("AIS", 4, t.cfg.Place); !from.IsZero() {
			to = from.Add(minutes(m.Value("AIS", 7, 1)))
		}
	}
	if !to.After(from) {
		to = time.Time{}
	}
	return from, to
}

// minutes reads a duration; a day at most.
func minutes(s string) time.Duration {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 24*60 {
		return 0
	}
	return time.Duration(n) * time.Minute
}

// order reads ORM and its successors (chapter 4): who asked for it (ORC-12), and who is to carry it out, by section
// (OBR-24) or person (OBR-32). A cancelled or discontinued order (ORC-1 CA, DC, OC) is over as it begins.
func (t *Translator) order(m *Message) []event.Line {
	p, ok := t.patient(m, "PID", 3)
	if !ok {
		return nil
	}
	from, to := t.ordered(m)
	switch strings.ToUpper(m.Value("ORC", 1, 1)) {
	case "CA", "DC", "OC":
		to = from
	}
	var list []event.Line
	add := func(staff, unit string) {
		if staff != "" || unit != "" {
			list = append(list, event.Line{Relation: &event.Relation{Kind: event.Order, Patient: p, Staff: tutela.UserID(staff), Unit: unit, From: from, To: to}})
		}
	}
	add(m.Value("ORC", 12, 1), "")
	for i := range m.segments {
		if s := &m.segments[i]; s.name == "OBR" {
			add("", m.component(s.raw(24), 1))
			add(m.component(s.raw(32), 1), "")
		}
	}
	return list
}

// ordered is from when it is to be carried out, and until when where that is said: the start and end of its timing (TQ1-7
// and TQ1-8, before version 2.5 ORC-7 and OBR-27), else ORC-9, OBR-6 or the message's time and no end.
func (t *Translator) ordered(m *Message) (from, to time.Time) {
	for _, timing := range [][2]string{
		{m.Value("TQ1", 7, 1), m.Value("TQ1", 8, 1)},
		{m.Value("ORC", 7, 4), m.Value("ORC", 7, 5)},
		{m.Value("OBR", 27, 4), m.Value("OBR", 27, 5)},
	} {
		if from = readTime(timing[0], t.cfg.Place); from.IsZero() {
			continue
		}
		if to = readTime(timing[1], t.cfg.Place); !to.After(from) {
			to = time.Time{}
		}
		return from, to
	}
	for _, at := range []time.Time{m.Time("ORC", 9, t.cfg.Place), m.Time("OBR", 6, t.cfg.Place)} {
		if !at.IsZero() {
			return at, time.Time{}
		}
	}
	return m.Time("MSH", 7, t.cfg.Place), time.Time{}
}
