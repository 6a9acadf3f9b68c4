package main

import (
	"fmt"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
)

// honest plays a day of work.
func (t *town) honest(day int) {
	t.today = day
	date := first().AddDate(0, 0, day)
	weekend := date.Weekday() == time.Saturday || date.Weekday() == time.Sunday
	if !weekend {
		for p := range t.size.Practices {
			t.practice(day, p, date)
		}
		t.accounts(day, date)
	}
	for w := range t.size.Wards {
		t.ward(day, w, date)
	}
}

func (t *town) chance(p float64) bool { return t.rnd.Float64() < p }

func (t *town) pick(unit, role string) *townStaff {
	list := t.by[unit+"/"+role]
	from := t.rnd.IntN(len(list))
	for i := range list {
		if s := list[(from+i)%len(list)]; s.left < 0 || s.left > t.today {
			return s
		}
	}
	return list[from]
}

// clock gives a time of a day, some minutes about an hour.
func (t *town) clock(date time.Time, hour, spread float64) time.Time {
	return date.Add(time.Duration((hour + (t.rnd.Float64()-.5)*spread) * float64(time.Hour)))
}

// practice plays the appointments of a practice: reception, nurse, physician, now and then the
// laboratory or imaging, and the telephone in between.
func (t *town) practice(day, p int, date time.Time) {
	unit := fmt.Sprint("practice ", p)
	for _, doctor := range t.by[unit+"/physician"] {
		if t.chance(.15) || doctor.left >= 0 && doctor.left <= day {
			continue // away, or gone
		}
		for slot := range 14 {
			patient := t.panel[p][t.rnd.IntN(len(t.panel[p]))]
			at := 8.5 + float64(slot)*.55
			if t.chance(.85) { // some come unannounced
				t.tie(event.Appointment, patient, doctor, unit, date.Add(8*time.Hour), date.Add(18*time.Hour))
			}
			t.visit(day, unit, doctor, patient, date, at)
		}
		if t.chance(.5) { // a call about somebody who has no appointment
			t.read(doctor, t.panel[p][t.rnd.IntN(len(t.panel[p]))], t.clock(date, 13, 2), "Patient", 1)
		}
	}
	for _, s := range t.by[unit+"/receptionist"] {
		if s.left >= 0 && s.left <= day {
			continue
		}
		for range t.rnd.IntN(5) { // calls
			t.read(s, t.panel[p][t.rnd.IntN(len(t.panel[p]))], t.clock(date, 12, 7), "Patient", 1)
		}
	}
}

func (t *town) visit(day int, unit string, doctor *townStaff, patient int, date time.Time, at float64) {
	desk := t.pick(unit, "receptionist")
	t.read(desk, patient, t.clock(date, at-.1, .1), "Patient", 1)
	if t.chance(.6) {
		nurse := t.pick(unit, "nurse")
		t.read(nurse, patient, t.clock(date, at, .1), "Observation", 1)
		t.open(nurse, patient, t.clock(date, at+.05, .05), tutela.ActionCreate, "Observation", "")
	}
	t.read(doctor, patient, t.clock(date, at+.15, .1), "Condition", 1+t.rnd.IntN(3))
	t.open(doctor, patient, t.clock(date, at+.3, .1), tutela.ActionCreate, "Encounter", "")
	t.seen[doctor] = append(t.seen[doctor], seenPatient{patient, day})
	t.bills[day+1+t.rnd.IntN(6)] = append(t.bills[day+1+t.rnd.IntN(6)], patient)
	if t.chance(.3) {
		t.order(patient, "laboratory", "lab-technician", "Observation", date, at+.5+4*t.rnd.Float64())
	}
	if t.chance(.1) {
		t.order(patient, "imaging", "radiographer", "ImagingStudy", date, at+.5+2*t.rnd.Float64())
	}
}

// order sends a patient's sample or the patient to a service, which is told of most orders.
func (t *town) order(patient int, unit, role, kind string, date time.Time, at float64) {
	if t.chance(.9) {
		t.tie(event.Order, patient, nil, unit, t.clock(date, at-.3, .1), date.AddDate(0, 0, 2))
	}
	s := t.pick(unit, role)
	t.read(s, patient, t.clock(date, at, .3), "ServiceRequest", 1)
	t.open(s, patient, t.clock(date, at+.4, .2), tutela.ActionCreate, kind, "")
}

// read opens parts of a chart.
func (t *town) read(s *townStaff, patient int, at time.Time, kind string, times int) {
	for range times {
		t.open(s, patient, at, tutela.ActionRead, kind, "")
		at = at.Add(time.Duration(10+t.rnd.IntN(120)) * time.Second)
	}
}

// accounts bills what was treated in the days before.
func (t *town) accounts(day int, date time.Time) {
	for back := range 3 { // Monday does the weekend's
		for _, patient := range t.bills[day-back] {
			s := t.pick("accounts", "billing")
			at := t.clock(date, 12.5, 8)
			t.read(s, patient, at, "Encounter", 1)
			if t.chance(.5) {
				t.read(s, patient, at.Add(time.Minute), "Coverage", 1)
			}
		}
		delete(t.bills, day-back)
	}
}

// ward plays a day of 24 beds: three shifts of nurses, physicians by day, one on call, guests.
func (t *town) ward(day, w int, date time.Time) {
	unit := fmt.Sprint("beds ", w)
	for i, b := range t.beds[w] {
		if b == nil || b.until <= day {
			b = &bed{t.rnd.IntN(t.size.Patients), day + 1 + t.rnd.IntN(9)}
			t.beds[w][i] = b
			t.tie(event.Admission, b.patient, t.pick(unit, "physician"), unit, date.Add(6*time.Hour), first().AddDate(0, 0, b.until).Add(11*time.Hour))
			t.bills[b.until+2] = append(t.bills[b.until+2], b.patient)
		}
	}
	nurses := t.by[unit+"/nurse"]
	for shift, hour := range []float64{6.5, 14.5, 22.5} {
		for k := range []int{4, 3, 2}[shift] {
			nurse := nurses[(day/4*5+shift*4+k+w)%len(nurses)]
			if t.chance(.06) || nurse.left >= 0 && nurse.left <= day {
				nurse = t.guest(w, date, hour)
			}
			for i := k; i < len(t.beds[w]); i += []int{4, 3, 2}[shift] {
				t.round(nurse, t.beds[w][i].patient, date, hour)
			}
		}
	}
	t.doctors(day, w, unit, date)
}

// guest is a nurse of another ward who stands in. Half of the time somebody writes that down.
func (t *town) guest(w int, date time.Time, hour float64) *townStaff {
	s := t.pick(fmt.Sprint("beds ", (w+1+t.rnd.IntN(t.size.Wards-1))%t.size.Wards), "nurse")
	if t.chance(.5) {
		t.tie(event.Cover, -1, s, fmt.Sprint("beds ", w), t.clock(date, hour-1, .1), t.clock(date, hour+9, .1))
	}
	return s
}

func (t *town) round(nurse *townStaff, patient int, date time.Time, hour float64) {
	at := t.clock(date, hour+4, 7)
	t.read(nurse, patient, at, "Observation", 1+t.rnd.IntN(2))
	if t.chance(.7) {
		t.open(nurse, patient, at.Add(5*time.Minute), tutela.ActionCreate, "Observation", "")
	}
}

func (t *town) doctors(day, w int, unit string, date time.Time) {
	for i, b := range t.beds[w] {
		doctor := t.by[unit+"/physician"][(i+day)%3]
		if doctor.left >= 0 && doctor.left <= day {
			doctor = t.pick(unit, "physician")
		}
		t.read(doctor, b.patient, t.clock(date, 9.5, 3), "Condition", 1+t.rnd.IntN(3))
		t.seen[doctor] = append(t.seen[doctor], seenPatient{b.patient, day})
		if t.chance(.25) {
			t.order(b.patient, "laboratory", "lab-technician", "Observation", date, 7+8*t.rnd.Float64())
		}
		if t.chance(.04) { // a consult; every other one was asked for in the system
			guest := t.pick(fmt.Sprint("beds ", t.rnd.IntN(t.size.Wards)), "physician")
			if t.chance(.5) {
				t.tie(event.Referral, b.patient, guest, "", date.Add(8*time.Hour), date.AddDate(0, 0, 3))
			}
			t.read(guest, b.patient, t.clock(date, 14, 5), "Condition", 2)
		}
	}
	night := t.by[unit+"/physician"][3]
	for range 3 + t.rnd.IntN(5) {
		if night.left >= 0 && night.left <= day {
			break
		}
		other := t.beds[t.rnd.IntN(t.size.Wards)]
		if b := other[t.rnd.IntN(len(other))]; b != nil {
			t.read(night, b.patient, t.clock(date, 20, 5), "Condition", 1)
		}
	}
	for doctor, list := range map[*townStaff][]seenPatient{t.by[unit+"/physician"][day%3]: t.seen[t.by[unit+"/physician"][day%3]]} {
		for _, s := range list { // letters after the discharge
			if day-s.day == 3 && t.chance(.1) && (doctor.left < 0 || doctor.left > day) {
				t.read(doctor, s.patient, t.clock(date, 15, 2), "DocumentReference", 1)
			}
		}
	}
}
