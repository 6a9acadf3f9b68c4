package simulate

import "github.com/tutela-health/tutela"

// arrivalsByHour is when people come to an emergency department: few before dawn, most from noon to evening.
func arrivalsByHour() []float64 {
	return []float64{2.6, 2.1, 1.8, 1.6, 1.5, 1.7, 2.2, 3, 4.2, 5.4, 6, 6.2, 6, 5.8, 5.6, 5.5, 5.4, 5.5, 5.6, 5.4, 5.1, 4.6, 4, 3.2}
}

// perStaffEmergency is how many come in a day for each of the hospital's staff.
const perStaffEmergency = 0.075

// emergencyDay is a day of the emergency department.
func (w *world) emergencyDay(d int) {
	for h, share := range arrivalsByHour() {
		for range w.care.some(perStaffEmergency * float64(w.cfg.Staff) * share / 100) {
			w.arrive(w.care.IntN(len(w.patients)), w.midnight(d)+int64(h)*hour+int64(w.care.IntN(int(hour))))
		}
	}
}

// arrive is one patient's hours there.
func (w *world) arrive(p int, at int64) {
	if w.patients[p].stay != nil {
		return
	}
	r, in := w.care, w.emergency
	long := int64(r.around(float64(4*hour), 0.5))
	if !r.chance(missingADT * 2) {
		known := at
		if r.chance(lateADT) {
			known += int64(r.around(float64(hour), 0.6))
		}
		w.know(p, tie{kind: encounterTie, staff: none, unit: int16(in), from: known, to: max(known, at) + long}, known)
	}
	if who := w.anyone(w.registration, clerk, at); who != none {
		w.list(who, at, w.jobs.arrival, "Patient", w.namesakes(p), call{})
		w.visit(who, p, at+minute, w.jobs.arrival, call{})
	}
	who := w.anyone(in, nurse, at)
	glass := w.breakGlass(who, p, at+4*minute)
	w.visit(who, p, at+4*minute+second, w.jobs.bedside, glass)
	for range 1 + r.some(2) {
		when := at + int64(r.IntN(int(long)))
		w.visit(w.anyone(in, nurse, when), p, when, w.jobs.bedside, call{})
	}
	w.treat(p, at, long)
}

// breakGlass lets somebody open a sensitive chart that would not open otherwise, at times.
func (w *world) breakGlass(who, p int, at int64) call {
	if who == none || !w.patients[p].sensitive || !w.care.chance(0.25) {
		return call{}
	}
	c := call{address: w.desk(w.care, who, at)}
	c.glass = w.emergencyOpened(who, p, at, c)
	return c
}

// emergencyOpened drafts the entry that opens an emergency access, and gives its id.
func (w *world) emergencyOpened(who, p int, at int64, c call) string {
	if who == none {
		return ""
	}
	if c.address == 0 {
		c.address = w.desk(w.rng(c), who, at)
	}
	id := w.ids.id()
	w.add(draft{at: at, who: int32(who), patient: int32(p), action: tutela.ActionBreakGlassOpen, job: w.jobs.round, status: 201,
		address: c.address, scheme: c.scheme, glass: id, subject: &tutela.Subject{Kind: "break-glass", ID: id,
			Detail: "until " + instant(at+15*minute).Format("2006-01-02T15:04:05Z")}})
	return id
}

// treat is what the doctors do, and how it ends.
func (w *world) treat(p int, at, long int64) {
	r := w.care
	who := w.anyone(w.emergency, physician, at+20*minute)
	glass := w.breakGlass(who, p, at+20*minute)
	w.visit(who, p, at+20*minute+second, w.jobs.visit, glass)
	for range r.some(1.2) {
		w.visit(who, p, at+20*minute+int64(r.IntN(int(long))), w.jobs.round, call{})
	}
	if r.chance(0.6) {
		w.order(w.lab, p, who, at+30*minute)
	}
	if r.chance(0.35) {
		w.order(w.radiology, p, who, at+40*minute)
	}
	if r.chance(0.3) {
		w.order(w.pharmacy, p, who, at+hour)
	}
	if r.chance(0.12) {
		w.advise(p, pick(r, w.clinics), at+90*minute)
	}
	if who != none && r.chance(0.25) {
		w.later(at, 1, task{job: w.jobs.document, who: who, patient: p})
	}
	if r.chance(0.2) {
		w.admitFrom(p, at+long)
		return
	}
	if r.chance(0.15) {
		w.refer(p, at+long)
	}
	w.settleBill(p, at+long)
}

// admitFrom finds a bed.
func (w *world) admitFrom(p int, at int64) {
	for range 4 {
		if u := pick(w.care, w.wards); len(w.stays[u]) < w.units[u].beds {
			w.admit(p, u, at)
			return
		}
	}
}
