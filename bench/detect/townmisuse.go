package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
)

// scheme is one person's misuse on one day.
type scheme struct {
	kind   string
	who    *townStaff
	victim int
}

// plan decides who will misuse what, and when: about one staff-day in four hundred.
func (t *town) plan() {
	for day := 6; day < t.size.Days; day++ {
		for range len(t.staff)/400 + t.rnd.IntN(2) {
			t.single(day)
		}
	}
	for n := range max(1, len(t.staff)/400) {
		start := t.size.Days/3 + t.rnd.IntN(t.size.Days/3)
		t.several("ex-partner", start, 6, 3, -1)
		t.several("slow theft", start, 12, 1, -1)
		t.several("harvest", start+n, 3, 1, -1)
		t.several("after discharge", start, 2, 2, -1)
		leaver := t.anybody()
		leaver.left = start
		t.tell(leaver, start)
		for d := range 3 {
			t.add(start+4+3*d, scheme{"departed", leaver, t.rnd.IntN(t.size.Patients)})
		}
	}
}

// single plans a snoop of one day.
func (t *town) single(day int) {
	s := t.anybody()
	kinds := []string{"household", "colleague", "celebrity", "neighbour", "night", "wrong ward", "stolen account", "export"}
	kind := kinds[t.rnd.IntN(len(kinds))]
	t.add(day, scheme{kind, s, t.victim(kind, s)})
}

func (t *town) several(kind string, start, times, apart, victim int) {
	s := t.anybody()
	if victim < 0 {
		victim = t.rnd.IntN(t.size.Patients)
	}
	for n := range times {
		t.add(start+n*apart, scheme{kind, s, victim})
	}
}

func (t *town) add(day int, s scheme) { t.schemes[day] = append(t.schemes[day], s) }

func (t *town) anybody() *townStaff { return t.staff[t.rnd.IntN(len(t.staff))] }

// victim finds whom a kind of misuse is about.
func (t *town) victim(kind string, s *townStaff) int {
	fits := func(n int) bool {
		switch kind {
		case "household":
			return t.household[n] == s.household
		case "neighbour":
			return t.household[n]%97 == s.household%97 && t.family[n] != s.family
		case "celebrity":
			return t.celebrity[n]
		}
		return true
	}
	if kind == "colleague" {
		list := t.by[s.unit+"/"+s.role]
		return list[t.rnd.IntN(len(list))].chart
	}
	from := t.rnd.IntN(t.size.Patients)
	for n := range t.size.Patients {
		if at := (from + n) % t.size.Patients; fits(at) {
			return at
		}
	}
	return from
}

// misuse plays the schemes of a day among the honest work of that day.
func (t *town) misuse(day int) {
	date := first().AddDate(0, 0, day)
	for _, s := range t.schemes[day] {
		s = t.atWork(s)
		at := t.hourOf(s.who, day, date)
		switch s.kind {
		case "harvest":
			t.many(s, at, 25, tutela.ActionRead, "Patient", t.size.Patients)
		case "slow theft":
			t.many(s, at, 3, tutela.ActionRead, "Patient", t.size.Patients)
		case "night":
			t.many(s, date.Add(time.Duration(2*60+t.rnd.IntN(120))*time.Minute), 5, tutela.ActionRead, "Condition", t.size.Patients)
		case "export":
			t.many(s, at, 40, tutela.ActionExport, "Patient", t.size.Patients)
		case "stolen account":
			honest := s.who.desk
			s.who.desk = fmt.Sprintf("203.0.113.%d", t.rnd.IntN(250))
			t.many(s, at, 6, tutela.ActionRead, "Patient", t.size.Patients)
			s.who.desk = honest
		case "wrong ward":
			beds := t.beds[t.rnd.IntN(t.size.Wards)]
			for range 4 {
				t.misread(s, beds[t.rnd.IntN(len(beds))].patient, t.clock(date, 13, 6), tutela.ActionRead, "Condition")
			}
		case "after discharge":
			list := t.seen[s.who]
			if len(list) == 0 || day-list[0].day < 12 {
				continue
			}
			t.misread(s, list[0].patient, at, tutela.ActionRead, "DocumentReference")
		default:
			t.misread(s, s.victim, at, tutela.ActionRead, "Condition")
			t.misread(s, s.victim, at.Add(40*time.Second), tutela.ActionRead, "Observation")
		}
	}
}

// atWork gives a snoop of one day to somebody who works that day, mostly.
func (t *town) atWork(s scheme) scheme {
	single := map[string]bool{"household": true, "colleague": true, "celebrity": true, "neighbour": true, "wrong ward": true, "export": true}
	for range 50 {
		if !single[s.kind] || t.chance(.05) || slices.ContainsFunc(t.out, func(l labelled) bool { return l.ev.Actor.ID == tutela.UserID(s.who.id) }) {
			return s
		}
		s.who = t.anybody()
		s.victim = t.victim(s.kind, s.who)
	}
	return s
}

func (t *town) many(s scheme, at time.Time, n int, action tutela.Action, kind string, of int) {
	for range n {
		t.misread(s, t.rnd.IntN(of), at, action, kind)
		at = at.Add(time.Duration(20+t.rnd.IntN(200)) * time.Second)
	}
}

func (t *town) misread(s scheme, patient int, at time.Time, action tutela.Action, kind string) {
	if kinds := map[string]string{"receptionist": "Patient", "nurse": "Observation", "billing": "Encounter", "lab-technician": "ServiceRequest", "radiographer": "ServiceRequest", "physician": "Condition"}; t.chance(.8) {
		kind = kinds[s.who.role]
	}
	t.open(s.who, patient, at, action, kind, s.kind)
}

// hourOf gives a time at which the person is at work that day, if there is one.
func (t *town) hourOf(s *townStaff, day int, date time.Time) time.Time {
	var own []time.Time
	for i := range t.out {
		if t.out[i].ev.Actor.ID == tutela.UserID(s.id) {
			own = append(own, t.out[i].ev.Time)
		}
	}
	if len(own) == 0 {
		return t.clock(date, 13, 6)
	}
	return own[t.rnd.IntN(len(own))].Add(time.Duration(t.rnd.IntN(600)) * time.Second)
}
