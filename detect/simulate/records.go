package simulate

import "strings"

// This file holds honest work that goes through many charts, or takes copies of them: it looks like theft.

// releases are copies of charts: for patients who ask, and of cohorts. Beside them accounts are kept.
func (w *world) releases(d int) {
	r := w.care
	at := w.midnight(d) + 9*hour
	for range r.some(float64(w.cfg.Staff) / 250) {
		when := at + int64(r.IntN(int(6*hour)))
		if who := w.anyone(pick(r, w.clinics), secretary, when); who != none {
			w.export(who, r.IntN(len(w.patients)), when, call{})
		}
	}
	for range r.some(float64(w.cfg.Staff) / 1000) {
		when := at + int64(r.IntN(int(6*hour)))
		if who := w.anyone(w.it, engineer, when); who != none {
			whose := r.IntN(len(w.staff))
			roles := strings.Join(w.staff[whose].roles(), " ")
			if r.chance(0.3) {
				roles += " " + string(pick(r, []role{researcher, reviewer, physician, secretary}))
			}
			w.changeRoles(who, whose, when, roles, call{})
		}
	}
	if !r.chance(0.06) {
		return
	}
	if who := w.anyone(w.research, researcher, at); who != none {
		at += int64(r.IntN(int(3 * hour)))
		for i, p := range w.projects[w.member[who]].cohort {
			if i < 40 {
				at += 3*second + int64(r.ExpFloat64()*float64(15*second))
				w.export(who, p, at, call{})
			}
		}
	}
}

// recalls are lists of patients who are due for a visit, and telephone calls to some of them.
func (w *world) recalls(d int) {
	r := w.care
	for _, c := range w.clinics {
		doctor, at := w.homeDoctor(c), w.midnight(d)+9*hour+int64(r.IntN(int(6*hour)))
		who := w.anyone(c, secretary, at)
		if who == none || doctor == none || len(w.panels[doctor]) == 0 || !r.chance(0.15) {
			continue
		}
		var due []int32
		for range r.between(10, 45) {
			due = append(due, int32(pick(r, w.panels[doctor])))
		}
		w.list(who, at, w.jobs.schedule, "Condition", due, call{})
		for _, p := range due {
			if r.chance(0.4) {
				at = w.visit(who, int(p), at+30*second, w.jobs.schedule, call{}) + 2*minute
			}
		}
	}
}

// doublets are patients who were entered twice: a clerk goes through names that occur more than once.
func (w *world) doublets(d int) {
	r := w.care
	at := w.midnight(d) + 9*hour + int64(r.IntN(int(5*hour)))
	who := w.anyone(w.registration, clerk, at)
	if who == none || !r.chance(0.25) {
		return
	}
	for range r.between(5, 30) {
		p := r.IntN(len(w.patients))
		w.list(who, at, w.jobs.arrival, "Patient", w.namesakes(p), call{})
		at = w.visit(who, p, at+minute, w.jobs.arrival, call{factor: 0.4})
	}
}
