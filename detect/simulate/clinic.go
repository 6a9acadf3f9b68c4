package simulate

// appointment is a booked visit to a clinic.
type appointment struct {
	patient, clinic, doctor int
	at                      int64
}

// horizon is how far ahead appointments are made, in days.
const horizon = 30

// perDoctor is how many patients a clinic's doctor sees in a day.
const perDoctor = 9

// noShow, walkIn and unbooked are shares: of appointments that nobody keeps, of visits without one, and of
// those that the systems never learn of. Invented.
const (
	noShow   = 0.06
	walkIn   = 0.04
	unbooked = 0.02
)

// book fills a clinic's calendar for one day to a share of what its doctors can see.
func (w *world) book(c, on int, share float64, now int64) {
	if !w.works(on) {
		return
	}
	r := w.care
	for _, doctor := range w.units[c].home {
		if w.staff[doctor].role != physician {
			continue
		}
		for range r.some(perDoctor * share * w.staff[doctor].pace) {
			p := w.panel(c, doctor)
			w.appoint(appointment{p, c, doctor, w.midnight(on) + 8*hour + int64(r.IntN(32))*15*minute}, now, true)
		}
	}
}

// panel picks one of a doctor's patients, or somebody new.
func (w *world) panel(c, doctor int) int {
	if list := w.panels[doctor]; len(list) > 0 && w.care.chance(0.75) {
		return pick(w.care, list)
	}
	p := w.somebody(w.units[c].specialty)
	if w.patients[p].doctor == none && w.care.chance(0.5) {
		w.patients[p].doctor = int32(doctor)
		w.panels[doctor] = append(w.panels[doctor], p)
		if w.care.chance(0.6) {
			w.know(p, tie{kind: teamTie, staff: int32(doctor), unit: none, from: w.midnight(w.today), to: w.midnight(w.today) + 300*day}, w.midnight(w.today))
		}
	}
	return p
}

// appoint makes an appointment; a clerk of the clinic or of registration enters it.
func (w *world) appoint(a appointment, now int64, byClerk bool) {
	r := w.care
	on := w.dayOf(a.at)
	w.booked[on] = append(w.booked[on], a)
	if !r.chance(unbooked) {
		w.know(a.patient, tie{kind: appointmentTie, staff: int32(a.doctor), unit: int16(a.clinic), from: a.at, to: a.at + 30*minute}, now)
	}
	if byClerk && r.chance(0.8) {
		in := a.clinic
		if r.chance(0.4) {
			in = w.registration
		}
		at := max(now, w.midnight(w.today)+8*hour) + int64(r.IntN(int(8*hour)))
		w.visit(w.anyone(in, clerk, at), a.patient, at, w.jobs.schedule, call{})
	}
}

// clinicDay is a day of all clinics.
func (w *world) clinicDay(d int) {
	now := w.midnight(d)
	for _, c := range w.clinics {
		for _, ahead := range []struct {
			days  int
			share float64
		}{{1, 0.1}, {3, 0.12}, {7, 0.2}, {14, 0.25}, {28, 0.15}} {
			if w.works(d) {
				w.book(c, w.nextWorking(d+ahead.days), ahead.share, now+8*hour)
			}
		}
	}
	for _, a := range w.booked[d] {
		w.attend(a, d)
	}
	delete(w.booked, d)
	if w.works(d) {
		w.schedules(d)
		w.prepareNext(d)
	}
}

// schedules are the day's lists that clinics open in the morning.
func (w *world) schedules(d int) {
	r := w.care
	lists := make(map[int][]int32)
	for _, a := range w.booked[w.nextWorking(d+1)] {
		lists[a.clinic] = append(lists[a.clinic], int32(a.patient))
	}
	for _, c := range w.clinics {
		at := w.midnight(d) + 14*hour + int64(r.IntN(int(2*hour)))
		if who := w.anyone(c, secretary, at); who != none {
			w.list(who, at, w.jobs.schedule, "Appointment", lists[c], call{})
		}
	}
}

// prepareNext is what clinics read in the afternoon for the next working day.
func (w *world) prepareNext(d int) {
	r := w.care
	for _, a := range w.booked[w.nextWorking(d+1)] {
		at := w.midnight(d) + 14*hour + int64(r.IntN(int(2*hour+20*minute)))
		if r.chance(0.4) && w.isOnDuty(a.doctor, at) {
			w.visit(a.doctor, a.patient, at, w.jobs.prepare, call{})
		}
		if r.chance(0.35) {
			w.visit(w.anyone(a.clinic, nurse, at), a.patient, at, w.jobs.prepare, call{factor: 0.6})
		}
	}
}

// attend is a visit that was booked, or not.
func (w *world) attend(a appointment, d int) {
	r := w.care
	if r.chance(noShow) {
		w.visit(w.anyone(a.clinic, clerk, a.at), a.patient, a.at+30*minute, w.jobs.schedule, call{})
		return
	}
	if r.chance(walkIn) { // beside the appointment somebody came without one
		other := a
		other.patient, other.at = w.somebody(w.units[a.clinic].specialty), a.at+10*minute
		if r.chance(0.7) {
			w.know(other.patient, tie{kind: encounterTie, staff: none, unit: int16(a.clinic), from: other.at, to: other.at + hour}, other.at)
		}
		w.see(other)
	}
	w.see(a)
}

// see is the visit itself: desk, nurse, doctor, and what they write afterwards.
func (w *world) see(a appointment) {
	r, p := w.care, a.patient
	if who := w.anyone(a.clinic, clerk, a.at); who != none {
		if r.chance(0.35) {
			w.list(who, a.at-12*minute, w.jobs.arrival, "Patient", w.namesakes(p), call{})
		}
		w.visit(who, p, a.at-11*minute, w.jobs.arrival, call{})
	}
	w.visit(w.anyone(a.clinic, nurse, a.at), p, a.at, w.jobs.bedside, call{})
	doctor := a.doctor
	if !w.isOnDuty(doctor, a.at) {
		doctor = w.anyone(a.clinic, physician, a.at)
	}
	end := w.visit(doctor, p, a.at+int64(r.between(5, 25))*minute, w.jobs.visit, call{})
	if r.chance(0.35) {
		w.visit(w.anyone(a.clinic, student, end), p, end, w.jobs.lesson, call{})
	}
	w.afterwards(a, doctor, end)
}

// namesakes is what a search by name at a desk shows: those of the name, with the one who stands there.
func (w *world) namesakes(p int) []int32 {
	list := []int32{int32(p)}
	same := w.town.named[w.patients[p].family]
	for range min(len(same)-1, w.care.some(1.5)) {
		if other := pick(w.care, same); other != p {
			list = append(list, int32(other))
		}
	}
	return list
}

// afterwards is what follows a visit: notes, letters, results, referrals, the next visit, the bill.
func (w *world) afterwards(a appointment, doctor int, end int64) {
	r, p := w.care, a.patient
	if doctor == none {
		return
	}
	switch {
	case r.chance(0.45):
		w.visit(doctor, p, end+int64(r.between(30, 420))*minute, w.jobs.document, call{})
	case r.chance(0.25):
		w.later(end, 1, task{job: w.jobs.document, who: doctor, patient: p})
	}
	if r.chance(0.3) {
		w.later(end, r.between(1, 4), task{job: w.jobs.letter, who: none, unit: a.clinic, as: secretary, patient: p})
	}
	if r.chance(0.25) {
		w.order(w.lab, p, doctor, end+20*minute)
		w.later(end, r.between(1, 3), task{job: w.jobs.prepare, who: doctor, patient: p})
	}
	if r.chance(0.1) {
		w.order(w.radiology, p, doctor, end+40*minute)
	}
	if r.chance(0.12) {
		w.order(w.pharmacy, p, doctor, end+30*minute)
	}
	if r.chance(0.06) {
		w.refer(p, end)
	}
	if on := w.nextWorking(w.today + r.between(10, 60)); r.chance(0.25) && on < w.cfg.Days+horizon {
		w.appoint(appointment{p, a.clinic, a.doctor, w.midnight(on) + 8*hour + int64(r.IntN(32))*15*minute}, end, true)
	}
	w.settleBill(p, end)
}

// refer sends a patient to another clinic.
func (w *world) refer(p int, at int64) {
	r := w.care
	c := pick(r, w.clinics)
	w.know(p, tie{kind: referralTie, staff: none, unit: int16(c), from: at, to: at + 60*day}, at)
	triage := task{job: w.jobs.prepare, who: none, unit: c, as: physician, patient: p}
	w.later(at, r.between(1, 3), triage)
	doctor := w.homeDoctor(c)
	if doctor == none {
		return
	}
	on := w.nextWorking(w.today + r.between(4, 25))
	w.appoint(appointment{p, c, doctor, w.midnight(on) + 8*hour + int64(r.IntN(32))*15*minute}, at+hour, true)
}

// homeDoctor picks one of a clinic's doctors.
func (w *world) homeDoctor(c int) int {
	var list []int
	for _, who := range w.units[c].home {
		if w.staff[who].role == physician {
			list = append(list, who)
		}
	}
	if len(list) == 0 {
		return none
	}
	return pick(w.care, list)
}
