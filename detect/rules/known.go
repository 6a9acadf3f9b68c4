package rules

import (
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/roster"
)

// The flags that roster, relations and charts add to those of docs/events.md.
const (
	flagUnrelated  = "unrelated"  // others are known to care for the patient, and neither the person nor his ward is
	flagDischarged = "discharged" // the person or the ward did, and it is over for more than the time of writing it up
)

// writingUp is how long after the end of care letters and bills are still written.
const writingUp = 14 * 24 * time.Hour

// maxKnown bounds the patients of one event that are looked up.
const maxKnown = 1000

// known gives an event with what the roster knows of its patients among their flags. The event itself stays as it is.
func (d *Detector) known(ev *event.Event) *event.Event {
	if d.staff == nil || ev.Log != nil || len(ev.Patients) == 0 || len(ev.Patients) > maxKnown || ev.Actor.ID == "" {
		return ev
	}
	s := scene{d.staff, d.staff.Person(ev.Actor.ID), d.staff.Unit(ev.Actor.Unit), roster.MinuteOf(ev.Time)}
	var patients []tutela.Touched
	for i, p := range ev.Patients {
		more := s.flags(p)
		if len(more) == 0 {
			continue
		}
		if patients == nil {
			patients = slices.Clone(ev.Patients)
		}
		patients[i].Flags = append(slices.Clone(p.Flags), more...)
	}
	if patients == nil {
		return ev
	}
	same := *ev
	same.Patients = patients
	return &same
}

// scene is who does something, where and when.
type scene struct {
	staff *roster.Directory
	who   roster.Person
	unit  roster.Unit
	at    roster.Minute
}

// flags are those that a patient's entry does not have yet.
func (s scene) flags(p tutela.Touched) []string {
	k := s.staff.Kinship(s.who, p.Patient)
	var more []string
	add := func(flag string, is bool) {
		if is && !slices.Contains(p.Flags, flag) {
			more = append(more, flag)
		}
	}
	add("self", k.Self)
	add("household", k.Household)
	add("same-name", k.Family)
	add("co-worker", k.Colleague != 0)
	add("vip", k.Marks.VIP)
	add("sensitive", k.Marks.Sensitive)
	if slices.Contains(p.Flags, "treated") {
		return more
	}
	cares, ended, others := s.care(p.Patient)
	add("treated", cares)
	add(flagDischarged, !cares && ended)
	add(flagUnrelated, !cares && others)
	return more
}

// care tells whether the person or the ward cares for a patient now, did until a while ago, and whether anybody is
// known to.
func (s scene) care(p tutela.Bucket) (cares, ended, others bool) {
	const late = roster.Minute(writingUp / time.Minute)
	for _, t := range s.staff.Ties(p) {
		others = others || t.From <= s.at && s.at < t.To
		if !s.joins(t) {
			continue
		}
		switch {
		case t.From > s.at+roster.Minute(7*24*60): // a visit is prepared a week ahead at most
		case s.at < t.To || s.at-t.To <= late:
			cares = true
		default:
			ended = true
		}
	}
	return cares, ended, others
}

// joins reports whether a tie is the person's, or of a ward where the person works or stands in.
func (s scene) joins(t roster.Tie) bool {
	if t.Person != 0 {
		return t.Person == s.who
	}
	if t.Unit == 0 {
		return false
	}
	if t.Unit == s.unit || s.staff.Covers(s.who, t.Unit, s.at) {
		return true
	}
	return slices.ContainsFunc(s.staff.Posts(s.who), func(p roster.Post) bool {
		return p.Unit == t.Unit && p.From <= s.at && s.at < p.To
	})
}
