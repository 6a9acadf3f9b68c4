package hl7

import (
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
)

// Stay is what was told of a patient's stay so far, in the form in which it is kept over a restart.
type Stay struct {
	Key       []byte             `json:"key"` // which stay: from one message of its source to the next
	Patient   tutela.Bucket      `json:"patient"`
	Kind      event.RelationKind `json:"kind"`
	Unit      string             `json:"unit,omitempty"`
	Doctor    tutela.UserID      `json:"doctor,omitempty"`
	From      time.Time          `json:"from,omitzero"` // into the unit
	Since     time.Time          `json:"since,omitzero"`
	To        time.Time          `json:"to,omitzero"`
	Before    string             `json:"before,omitempty"` // the unit before the last transfer
	BeforeWas time.Time          `json:"before_was,omitzero"`
}

func (v *visit) kept(key string) Stay {
	return Stay{[]byte(key), v.patient, v.kind, v.unit, v.doctor, v.from, v.since, v.to, v.before, v.beforeWas}
}

// Patients are those whom a message is about: what is known of their stays must be remembered before it is translated.
func (t *Translator) Patients(m *Message) []tutela.Bucket {
	if code, _ := m.Kind(); code != "ADT" {
		return nil // nothing else is about stays
	}
	var list []tutela.Bucket
	for _, at := range []struct {
		segment string
		field   int
	}{{"PID", 3}, {"MRG", 1}} {
		if p, ok := t.patient(m, at.segment, at.field); ok && !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	return list
}

// Remember takes stays back that were kept. Of one that messages have told of since, what they told counts.
func (t *Translator) Remember(list []Stay) {
	for _, s := range list {
		if key := string(s.Key); t.visits.get(key) == nil {
			t.visits.put(key, &visit{s.Patient, s.Kind, s.Unit, s.Doctor, s.From, s.Since, s.To, s.Before, s.BeforeWas})
		}
	}
}

// Changed gives the stays of which the message told that was translated last.
func (t *Translator) Changed() []Stay {
	list := make([]Stay, 0, len(t.changed))
	for _, key := range t.changed {
		if v := t.visits.get(key); v != nil {
			list = append(list, v.kept(key))
		}
	}
	return list
}
