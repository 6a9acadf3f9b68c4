package simulate

// unordered is the share of orders that the systems do not know: by telephone, on paper. Invented.
const unordered = 0.03

// order asks a department for something; those on duty there open the chart.
func (w *world) order(in, p, by int, at int64) {
	r := w.care
	done := at + int64(r.around(float64(90*minute), 0.7))
	if !r.chance(unordered) {
		w.know(p, tie{kind: orderTie, staff: none, unit: int16(in), from: at, to: done}, at)
	}
	job, as := w.workOf(in)
	for range 1 + r.some(0.6) {
		when := at + int64(r.IntN(int(done-at)))
		who := w.anyone(in, as, when)
		if who == none { // nobody at this hour: in the morning
			when = w.midnight(w.dayOf(when)) + 9*hour + int64(r.IntN(int(3*hour)))
			if when < at {
				when += day
			}
			if w.dayOf(when) > w.today {
				w.later(at, w.dayOf(when)-w.today, task{job: job, who: none, unit: in, as: as, patient: p})
				continue
			}
			who = w.anyone(in, as, when)
		}
		w.visit(who, p, when, job, call{})
	}
	if by != none && r.chance(0.3) && w.isOnDuty(by, done) {
		w.visit(by, p, done, w.jobs.peek, call{})
	}
}

// workOf says who does what in a department.
func (w *world) workOf(in int) (*job, role) {
	switch in {
	case w.lab:
		return w.jobs.labWork, laboratory
	case w.radiology:
		return w.jobs.imaging, radiographer
	case w.pharmacy:
		return w.jobs.dispense, pharmacist
	case w.therapy:
		return w.jobs.therapy, therapist
	case w.social:
		return w.jobs.social, socialWorker
	}
	return w.jobs.theatre, nurse
}

// inpatientOrders are a day's orders for somebody in a ward.
func (w *world) inpatientOrders(s *stay, at int64) {
	r := w.care
	for _, o := range []struct {
		in   int
		mean float64
	}{{w.lab, 0.8}, {w.radiology, 0.2}, {w.pharmacy, 0.6}, {w.therapy, 0.25}, {w.social, 0.06}} {
		for range r.some(o.mean) {
			w.order(o.in, s.patient, s.attending, at+int64(r.IntN(int(8*hour))))
		}
	}
}

// operate sends a patient to the operating theatre.
func (w *world) operate(p int, at int64) {
	w.know(p, tie{kind: orderTie, staff: none, unit: int16(w.theatre), from: at - hour, to: at + 4*hour}, at-hour)
	for range 2 + w.care.some(1) {
		when := at + int64(w.care.IntN(int(3*hour)))
		w.visit(w.anyone(w.theatre, nurse, when), p, when, w.jobs.theatre, call{})
	}
}

// consultation asks another field's doctor about somebody in a ward, at times.
func (w *world) consultation(s *stay, at int64) {
	if w.care.chance(0.08) {
		w.advise(s.patient, pick(w.care, w.clinics), at+int64(w.care.between(60, 300))*minute)
	}
}

// informal is the share of consultations that nobody writes down. Invented.
const informal = 0.3

// advise is another doctor's look at a chart, asked for in writing or in passing.
func (w *world) advise(p, c int, at int64) {
	r := w.care
	who := w.anyone(c, physician, at)
	if who == none {
		return
	}
	if r.chance(informal) {
		w.visit(who, p, at, w.jobs.consult, call{factor: 0.5})
		return
	}
	w.know(p, tie{kind: referralTie, staff: int32(who), unit: int16(c), from: at - 30*minute, to: at + 3*day}, at-30*minute)
	w.visit(who, p, at, w.jobs.consult, call{})
	if r.chance(0.5) {
		w.later(at, 1, task{job: w.jobs.consult, who: who, patient: p})
	}
}
