package simulate

import (
	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
)

// kind is a kind of tie, small enough to keep many of.
type kind uint8

// The kinds of tie, as event.Relation names them.
const (
	admissionTie kind = iota
	encounterTie
	appointmentTie
	orderTie
	referralTie
	teamTie
	coverTie
	billingTie
)

func (k kind) relation() event.RelationKind {
	return [...]event.RelationKind{event.Admission, event.Encounter, event.Appointment, event.Order, event.Referral,
		event.CareTeam, event.Cover, event.Billing}[k]
}

// tie is what the hospital's systems know of a patient and a staffer or a unit. to is 0 while it lasts.
type tie struct {
	kind     kind
	staff    int32 // or none
	unit     int16 // or none
	from, to int64
}

// Step says what a Notice tells.
type Step int

// The steps of a relation.
const (
	Begins Step = iota // it is known from now on; To is set when its end is known already
	Moves              // an admission goes on in another unit: Before has ended
	Ends               // it is over, or the history ends
)

// Notice is a message of the hospital's schedules and admissions.
type Notice struct {
	At       int64 // milliseconds since 1970, when the message was sent
	Step     Step
	Relation event.Relation
	Before   event.Relation // of Moves
}

// maxTies is how many ties of a patient are kept before old ones are forgotten; keptTies says how old those are.
const (
	maxTies  = 24
	keptTies = 60 * day
)

// know notes a tie with a patient (none for cover) and tells of it at a time.
func (w *world) know(p int, t tie, at int64) {
	w.tell(at, Notice{Step: Begins, Relation: w.relation(p, t)})
	if p == none {
		w.covers[int(t.staff)] = append(w.covers[int(t.staff)], t)
		return
	}
	who := &w.patients[p]
	if len(who.ties) >= maxTies {
		who.ties = forget(who.ties, at-keptTies)
	}
	who.ties = append(who.ties, t)
}

// forget drops ties that ended long ago.
func forget(ties []tie, before int64) []tie {
	kept := ties[:0]
	for _, t := range ties {
		if t.to == 0 || t.to > before {
			kept = append(kept, t)
		}
	}
	return kept
}

// over ends a tie that lasted.
func (w *world) over(p int, k kind, unit int, at int64) {
	for i := range w.patients[p].ties {
		if t := &w.patients[p].ties[i]; t.kind == k && t.to == 0 && int(t.unit) == unit {
			t.to = max(at, t.from+minute)
			w.tell(t.to, Notice{Step: Ends, Relation: w.relation(p, *t)})
			return
		}
	}
}

func (w *world) tell(at int64, n Notice) {
	n.At = at
	d := max(w.today, w.dayOf(at))
	w.notices[d] = append(w.notices[d], n)
}

func (w *world) relation(p int, t tie) event.Relation {
	r := event.Relation{Kind: t.kind.relation(), From: instant(t.from)}
	if p != none {
		r.Patient = w.patients[p].bucket
	}
	if t.staff != none {
		r.Staff = w.staff[t.staff].id
	}
	if t.unit != none {
		r.Unit = w.units[t.unit].name
	}
	if t.to != 0 {
		r.To = instant(t.to)
	}
	return r
}

// How far before and after its times a relation is taken to explain an access when the summary counts them.
const (
	slackBefore = 36 * hour
	slackAfter  = 7 * day
)

// cause is what the hospital's systems know of why somebody opens a chart.
type cause uint8

// The causes.
const (
	unknown cause = iota
	treated       // somebody cares for the patient at the time
	joined        // he himself does: by name, or by the unit in which the roster has him or which he covers
)

func (w *world) causeOf(who, p int, at int64) cause {
	s, found := &w.staff[who], unknown
	for _, t := range w.patients[p].ties {
		if t.from-slackBefore > at || t.to != 0 && t.to+slackAfter < at {
			continue
		}
		if int(t.staff) == who || int(t.unit) == s.listed || w.covering(who, int(t.unit), at) {
			return joined
		}
		found = treated
	}
	return found
}

func (w *world) covering(who, unit int, at int64) bool {
	for _, c := range w.covers[who] {
		if int(c.unit) == unit && c.from <= at && at < c.to {
			return true
		}
	}
	return false
}

// treats tells whether somebody is of a patient's care team now.
func (w *world) treats(who int32, p int, at int64) bool {
	for _, t := range w.patients[p].ties {
		if t.staff == who && t.kind == teamTie && t.from <= at && (t.to == 0 || at < t.to) {
			return true
		}
	}
	return false
}

// bucketOf gives a patient's pseudonym.
func (w *world) bucketOf(p int32) tutela.Bucket { return w.patients[p].bucket }
