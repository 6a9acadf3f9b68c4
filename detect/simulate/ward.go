package simulate

// stay is a patient's time in a ward.
type stay struct {
	patient, ward int
	since, until  int64
	attending     int // physicians, or none
	resident      int
	recorded      bool // the admission is in the hospital's systems
	told          int  // the ward that they have
}

// The noise of admissions: shares of them that come late, name a wrong ward, or never come. Invented.
const (
	lateADT    = 0.06
	wrongADT   = 0.015
	missingADT = 0.01
)

// admit lets a patient lie in a ward from a time on.
func (w *world) admit(p, ward int, at int64) {
	if w.patients[p].stay != nil {
		return
	}
	r := w.care
	s := &stay{patient: p, ward: ward, since: at, until: at + int64(r.around(float64(3*day), 0.7)), attending: none, resident: none}
	w.patients[p].stay = s
	w.stays[ward] = append(w.stays[ward], s)
	w.record(s, at)
	w.team(s, at)
	w.expect(s, at)
}

// record tells the hospital's systems where a patient lies: mostly at once.
func (w *world) record(s *stay, at int64) {
	r := w.care
	known := at + int64(r.around(float64(6*minute), 0.8))
	s.told, s.recorded = s.ward, !r.chance(missingADT)
	switch {
	case !s.recorded:
		return
	case r.chance(lateADT):
		known += int64(r.around(float64(5*hour), 0.7))
	case r.chance(wrongADT):
		s.told = pick(r, w.wards)
	}
	w.know(s.patient, tie{kind: admissionTie, staff: none, unit: int16(s.told), from: known}, known)
}

// team gives a stay its doctors; the systems know of most of them.
func (w *world) team(s *stay, at int64) {
	r := w.care
	doctors := w.scratch[:0]
	for _, who := range w.units[s.ward].home {
		if w.staff[who].role == physician && w.staff[who].unit == s.ward && w.staff[who].employed(w.today) {
			doctors = append(doctors, who)
		}
	}
	if w.scratch = doctors; len(doctors) == 0 {
		return
	}
	s.attending, s.resident = pick(r, doctors), pick(r, doctors)
	for _, doctor := range []struct {
		who     int
		written float64
	}{{s.attending, 0.9}, {s.resident, 0.5}} {
		if s.recorded && r.chance(doctor.written) {
			w.know(s.patient, tie{kind: teamTie, staff: int32(doctor.who), unit: none, from: at, to: s.until}, at)
		}
	}
}

// expect is what is done around an arrival: the ward looks before the patient is there, beds are found, papers made.
func (w *world) expect(s *stay, at int64) {
	r := w.care
	if r.chance(0.6) {
		w.visit(w.anyone(s.ward, nurse, at-40*minute), s.patient, at-int64(r.between(10, 60))*minute, w.jobs.peek, call{})
	}
	if r.chance(0.7) {
		w.visit(w.anyone(w.beds, "", at-30*minute), s.patient, at-int64(r.between(15, 90))*minute, w.jobs.bed, call{})
	}
	w.visit(w.anyone(w.registration, clerk, at), s.patient, at-int64(r.between(0, 30))*minute, w.jobs.arrival, call{})
	if s.attending != none {
		w.visit(s.attending, s.patient, at+int64(r.between(10, 120))*minute, w.jobs.visit, call{})
	}
}

// wardDay is a day of all wards.
func (w *world) wardDay(d int) {
	for _, u := range w.wards {
		w.leaveWard(u, d)
		w.rounds(u, d)
		w.nursing(u, d)
		w.elective(u, d)
	}
}

// leaveWard discharges and transfers.
func (w *world) leaveWard(u, d int) {
	r := w.care
	kept := w.stays[u][:0:0]
	for _, s := range w.stays[u] {
		switch at := w.midnight(d) + 9*hour + int64(r.IntN(int(9*hour))); {
		case s.until < w.midnight(d+1) && s.since < at-2*hour:
			w.discharge(s, at)
		case s.since < at-day && r.chance(0.05):
			w.transfer(s, w.otherWard(u), at)
		default:
			kept = append(kept, s)
		}
	}
	w.stays[u] = kept
}

// otherWard picks a ward that is not u. There are always two.
func (w *world) otherWard(u int) int {
	for {
		if other := pick(w.care, w.wards); other != u {
			return other
		}
	}
}

// discharge ends a stay, with what follows in the days and weeks after.
func (w *world) discharge(s *stay, at int64) {
	r, p := w.care, s.patient
	w.visit(w.anyone(s.ward, nurse, at), p, at-20*minute, w.jobs.bedside, call{})
	w.visit(s.attending, p, at-int64(r.between(30, 200))*minute, w.jobs.document, call{})
	if s.recorded {
		w.over(p, admissionTie, s.told, at+int64(r.around(float64(15*minute), 1)))
	}
	w.patients[p].stay = nil
	w.gone = append(w.gone, departure{p, s.ward, at})
	if s.attending != none && r.chance(0.55) {
		w.later(at, r.between(1, 4), task{job: w.jobs.document, who: s.attending, patient: p})
	}
	if r.chance(0.3) {
		w.later(at, r.between(2, 4), task{job: w.jobs.call, who: none, unit: s.ward, as: nurse, patient: p})
	}
	w.settleBill(p, at)
}

// transfer moves a stay to another ward.
func (w *world) transfer(s *stay, to int, at int64) {
	r, from := w.care, s.told
	w.visit(w.anyone(to, nurse, at-30*minute), s.patient, at-int64(r.between(20, 90))*minute, w.jobs.peek, call{})
	w.visit(w.anyone(w.beds, "", at), s.patient, at-int64(r.between(20, 120))*minute, w.jobs.bed, call{})
	s.ward = to
	w.stays[to] = append(w.stays[to], s)
	w.move(s, from, at)
	w.team(s, at)
}

// move tells of a transfer; one that is never told leaves the patient in the old ward, as far as anybody knows.
func (w *world) move(s *stay, from int, at int64) {
	r := w.care
	if !s.recorded || r.chance(missingADT) {
		return
	}
	known := at + int64(r.around(float64(6*minute), 0.8))
	if r.chance(lateADT) {
		known += int64(r.around(float64(5*hour), 0.7))
	}
	for i := range w.patients[s.patient].ties {
		if t := &w.patients[s.patient].ties[i]; t.kind == admissionTie && t.to == 0 && int(t.unit) == from {
			t.to = max(known, t.from+minute)
			before := w.relation(s.patient, *t)
			next := tie{kind: admissionTie, staff: none, unit: int16(s.ward), from: t.to}
			s.told = s.ward
			w.tell(t.to, Notice{Step: Moves, Relation: w.relation(s.patient, next), Before: before})
			w.patients[s.patient].ties = append(w.patients[s.patient].ties, next)
			return
		}
	}
}

// rounds are the doctors' visits.
func (w *world) rounds(u, d int) {
	r := w.care
	for _, s := range w.stays[u] {
		start := w.midnight(d) + 8*hour + int64(r.IntN(int(3*hour)))
		for _, who := range []int{s.attending, s.resident} {
			if who == none || !w.isOnDuty(who, start) {
				who = w.anyone(u, physician, start)
			}
			w.visit(who, s.patient, start+int64(r.IntN(int(20*minute))), w.jobs.round, call{})
			if r.chance(0.5) {
				w.visit(who, s.patient, start+int64(r.between(3, 7))*hour, w.jobs.document, call{})
			}
		}
		if at := start + 12*hour + int64(r.IntN(int(10*hour))); r.chance(0.15) {
			w.visit(w.anyone(u, physician, at), s.patient, at, w.jobs.round, call{})
		}
		w.inpatientOrders(s, start)
		w.consultation(s, start)
	}
}

// isOnDuty tells whether somebody works anywhere at a time.
func (w *world) isOnDuty(who int, at int64) bool {
	d, ok := w.dutyOf(who)
	return ok && d.from <= at && at < d.to
}

// nursing is what nurses and students of a ward do in each shift.
func (w *world) nursing(u, d int) {
	r, stays := w.care, w.stays[u]
	if len(stays) == 0 {
		return
	}
	for _, sh := range []shift{early(), late(), night()} {
		from := w.midnight(d) + sh.from
		nurses := w.onDuty(u, nurse, from+hour)
		nurses = append([]int(nil), nurses...)
		for _, who := range nurses {
			w.list(who, from+int64(r.IntN(int(20*minute))), w.jobs.bedside, "Encounter", w.lying(u), call{})
		}
		for i, s := range stays {
			if len(nurses) > 0 {
				w.tend(s, nurses, i*len(nurses)/len(stays), from)
			}
		}
	}
	w.students(u, d)
}

// lying gives a ward's patients.
func (w *world) lying(u int) []int32 {
	list := make([]int32, 0, len(w.stays[u]))
	for _, s := range w.stays[u] {
		list = append(list, int32(s.patient))
	}
	return list
}

// tend is a patient's care in one shift: by his nurse, and when others help.
func (w *world) tend(s *stay, nurses []int, mine int, from int64) {
	r := w.care
	for range 1 + r.some(1.6) {
		who := nurses[mine]
		if r.chance(0.12) {
			who = pick(r, nurses)
		}
		w.visit(who, s.patient, from+20*minute+int64(r.IntN(int(7*hour+30*minute))), w.jobs.bedside, call{})
	}
}

// students look after a few patients of their ward, and learn from others.
func (w *world) students(u, d int) {
	r, stays := w.care, w.stays[u]
	at := w.midnight(d) + 9*hour
	for _, who := range append([]int(nil), w.onDuty(u, student, at)...) {
		for range 1 + r.some(3) {
			w.visit(who, pick(r, stays).patient, at+int64(r.IntN(int(6*hour))), w.jobs.lesson, call{})
		}
		if r.chance(0.02) { // shown a case elsewhere
			if other := w.stays[pick(r, w.wards)]; len(other) > 0 {
				w.visit(who, pick(r, other).patient, at+int64(r.IntN(int(6*hour))), w.jobs.peek, call{factor: 2})
			}
		}
	}
}

// elective admits those who were to come, up to most of the beds.
func (w *world) elective(u, d int) {
	r := w.care
	free := int(0.86*float64(w.units[u].beds)) - len(w.stays[u])
	if !w.works(d) {
		free /= 3
	}
	for range min(free, r.some(float64(max(0, free))*0.6)) {
		at := w.midnight(d) + 7*hour + int64(r.IntN(int(7*hour)))
		p := w.somebody(w.units[u].specialty)
		w.admit(p, u, at)
		if r.chance(0.4) {
			w.operate(p, at+int64(r.between(1, 4))*hour)
		}
	}
}

// somebody picks a patient, of a specialty mostly.
func (w *world) somebody(specialty int) int {
	if list := w.town.fields[specialty]; len(list) > 0 && w.care.chance(0.8) {
		return pick(w.care, list)
	}
	return w.care.IntN(len(w.patients))
}
