package hl7

import (
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
)

// visit is one stay of a patient as its messages have told of it so far.
type visit struct {
	patient   tutela.Bucket
	kind      event.RelationKind // an admission, or an encounter without a bed
	unit      string
	doctor    tutela.UserID
	from      time.Time // into this unit
	since     time.Time // into the hospital
	to        time.Time // discharged; zero while it lasts
	before    string    // the unit before the last transfer, with when that stay began
	beforeWas time.Time
}

// maxVisits bounds the stays that are remembered; the one that was told of longest ago goes.
const maxVisits = 200_000

// visits are those that are remembered, by visit number and patient.
type visits struct {
	byKey map[string]*visit
	order []string // by when they were first told of
}

func (v *visits) get(key string) *visit { return v.byKey[key] }

func (v *visits) put(key string, one *visit) {
	if v.byKey == nil {
		v.byKey = map[string]*visit{}
	}
	if v.byKey[key] == nil {
		v.order = append(v.order, key)
	}
	v.byKey[key] = one
	for len(v.byKey) > maxVisits || len(v.order) > 2*maxVisits {
		delete(v.byKey, v.order[0])
		v.order = v.order[1:]
	}
}

// stay is the relation of the unit at hand.
func (v *visit) stay() event.Relation {
	return event.Relation{Kind: v.kind, Patient: v.patient, Unit: v.unit, From: v.from, To: v.to}
}

// team is the relation of the physician in charge.
func (v *visit) team() []event.Line {
	if v.doctor == "" {
		return nil
	}
	return []event.Line{{Relation: &event.Relation{Kind: event.CareTeam, Patient: v.patient, Staff: v.doctor, From: v.since, To: v.to}}}
}

// lines are what is known of the visit now.
func (v *visit) lines() []event.Line {
	var list []event.Line
	if v.unit != "" {
		r := v.stay()
		list = append(list, event.Line{Relation: &r})
	}
	return append(list, v.team()...)
}

// move ends the stay in one unit and begins that in another.
func (v *visit) move(unit string, at time.Time) []event.Line {
	if unit == "" || unit == v.unit {
		return v.lines()
	}
	var list []event.Line
	if v.unit != "" {
		r := v.stay()
		r.To = at
		list = append(list, event.Line{Relation: &r})
	}
	v.before, v.beforeWas = v.unit, v.from
	v.unit, v.from = unit, at
	return append(list, v.lines()...)
}

// back undoes the last transfer.
func (v *visit) back() []event.Line {
	if v.before == "" {
		return v.lines()
	}
	wrong := v.stay()
	wrong.To = wrong.From
	v.unit, v.from, v.before = v.before, v.beforeWas, ""
	return append([]event.Line{{Relation: &wrong}}, v.lines()...)
}
