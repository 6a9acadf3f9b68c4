package simulate

// task is work that waits for its day: a named person's, or of whoever of a role is there.
type task struct {
	job     *job
	who     int // or none
	unit    int
	as      role
	patient int
}

// departure is a discharge, of which quality and research choose charts.
type departure struct {
	patient, ward int
	at            int64
}

// later puts a task into the agenda, so many days after a time.
func (w *world) later(at int64, days int, t task) {
	d := max(w.today+1, w.dayOf(at)+days)
	w.agenda[d] = append(w.agenda[d], t)
}

// settleBill starts coding after days and billing after weeks.
func (w *world) settleBill(p int, at int64) {
	r := w.care
	coded, billed := r.between(1, 6), r.between(6, 35)
	if !r.chance(0.03) {
		w.know(p, tie{kind: billingTie, staff: none, unit: int16(w.coding), from: at, to: at + int64(coded+3)*day}, at)
		w.know(p, tie{kind: billingTie, staff: none, unit: int16(w.billing), from: at, to: at + int64(billed+10)*day}, at)
	}
	w.later(at, coded, task{job: w.jobs.code, who: none, unit: w.coding, as: coder, patient: p})
	for range 1 + r.some(0.4) {
		w.later(at, billed+r.IntN(4), task{job: w.jobs.claim, who: none, unit: w.billing, as: biller, patient: p})
	}
}

// officeDay does what the agenda has for a day; what finds nobody waits for the next.
func (w *world) officeDay(d int) {
	r := w.care
	for _, t := range w.agenda[d] {
		at := w.midnight(d) + 8*hour + 10*minute + int64(r.IntN(int(8*hour)))
		who := t.who
		if who == none {
			who = w.anyone(t.unit, t.as, at)
		}
		if who == none || t.who != none && !w.isOnDuty(who, at) {
			w.putOff(t, d)
			continue
		}
		w.visit(who, t.patient, at, t.job, call{})
	}
	delete(w.agenda, d)
	if w.works(d) {
		w.reviews(d)
		w.studies(d)
		w.supports(d)
		w.releases(d)
		w.recalls(d)
		w.doublets(d)
	}
	w.inquiries(d)
}

// putOff moves a task by a day; some are forgotten.
func (w *world) putOff(t task, d int) {
	if w.care.chance(0.9) {
		w.agenda[d+1] = append(w.agenda[d+1], t)
	}
}

// reviews are the quality department's: charts of late discharges, and some by chance. No system knows why.
func (w *world) reviews(d int) {
	r := w.care
	at := w.midnight(d) + 9*hour
	for _, who := range append([]int(nil), w.onDuty(w.quality, reviewer, at)...) {
		for range r.some(2.5) {
			p := r.IntN(len(w.patients))
			if len(w.gone) > 0 && r.chance(0.8) {
				p = pick(r, w.gone).patient
			}
			w.visit(who, p, at+int64(r.IntN(int(6*hour))), w.jobs.review, call{})
		}
	}
	if len(w.gone) > 3000 {
		w.gone = append(w.gone[:0], w.gone[len(w.gone)-2000:]...)
	}
}

// study is a research project with a cohort of one group of diagnoses.
type study struct {
	diagnosis uint8
	cohort    []int
	waiting   []int // who might be included
}

// enrol makes the studies: one for every two researchers.
func (w *world) enrol() {
	r := w.care
	for i := range w.staff {
		if w.staff[i].role != researcher {
			continue
		}
		if len(w.projects) == 0 || r.chance(0.5) {
			w.projects = append(w.projects, w.newStudy(uint8(r.zipf(diagnoses))))
		}
		w.member[i] = len(w.projects) - 1
	}
}

func (w *world) newStudy(of uint8) study {
	r, s := w.care, study{diagnosis: of}
	for p := range w.patients {
		switch {
		case w.patients[p].diagnosis != of || len(s.cohort) > 150:
		case r.chance(0.4):
			s.cohort = append(s.cohort, p)
			if r.chance(0.85) {
				w.know(p, tie{kind: teamTie, staff: none, unit: int16(w.research), from: w.midnight(0) - 100*day, to: w.midnight(w.cfg.Days) + 100*day}, w.midnight(0))
			}
		default:
			s.waiting = append(s.waiting, p)
		}
	}
	return s
}

// studies are a day of research: charts of the cohort, and some of those who might be included.
func (w *world) studies(d int) {
	r := w.care
	at := w.midnight(d) + 9*hour
	for _, who := range append([]int(nil), w.onDuty(w.research, researcher, at)...) {
		s := &w.projects[w.member[who]]
		for range r.some(7) {
			list := s.cohort
			if len(s.waiting) > 0 && r.chance(0.06) {
				list = s.waiting
			}
			if len(list) > 0 {
				w.visit(who, pick(r, list), at+int64(r.IntN(int(7*hour))), w.jobs.cohort, call{})
			}
		}
	}
}

// supports are calls for help: an engineer looks at the chart that the caller has open.
func (w *world) supports(d int) {
	r := w.care
	at := w.midnight(d) + 9*hour
	for _, who := range append([]int(nil), w.onDuty(w.it, engineer, at)...) {
		for range r.some(0.8) {
			if stays := w.stays[pick(r, w.wards)]; len(stays) > 0 {
				w.visit(who, pick(r, stays).patient, at+int64(r.IntN(int(7*hour))), w.jobs.support, call{})
			}
		}
	}
}

// inquiries are telephone calls to registration and clinics: bills, addresses, results, about anybody.
func (w *world) inquiries(d int) {
	r := w.care
	calls := w.cfg.Staff / 30
	if !w.works(d) {
		calls /= 5
	}
	for range r.some(float64(calls)) {
		at := w.midnight(d) + 8*hour + int64(r.IntN(int(9*hour)))
		in, as, job := w.registration, clerk, w.jobs.schedule
		switch {
		case r.chance(0.3):
			in, as, job = pick(r, w.clinics), nurse, w.jobs.call
		case r.chance(0.25):
			in, as, job = w.billing, biller, w.jobs.claim
		}
		who, p := w.anyone(in, as, at), r.IntN(len(w.patients))
		if who == none {
			continue
		}
		if as == clerk && r.chance(0.5) {
			w.list(who, at-20*second, job, "Patient", w.namesakes(p), call{})
		}
		w.visit(who, p, at, job, call{})
	}
}
