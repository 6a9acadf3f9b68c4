package simulate

import "github.com/tutela-health/tutela"

// This file holds the misuse that is about many charts.

func (w *world) beginIdentityTheft(s *scheme) bool {
	as := w.staff[s.who].role
	return as == clerk || as == biller || as == secretary
}

// harvest opens the demographics of many, between the day's work.
func (w *world) harvest(s *scheme, _ int) bool {
	at, ok := w.during(s.who)
	if !ok {
		return false
	}
	c := s.call()
	c.factor, c.quick = 0.6, w.bad.chance(0.5)
	for range w.bad.between(15, 90) {
		at = w.visit(s.who, w.bad.IntN(len(w.patients)), at, w.browse(w.staff[s.who].role), c) + 5*second
	}
	return true
}

// beginListSelling: somebody collects who has a disease. He takes a few each day, so that it does not show.
func (w *world) beginListSelling(s *scheme) bool {
	switch w.staff[s.who].role {
	case physician, nurse, coder, biller, laboratory, pharmacist:
	default:
		return false
	}
	of := uint8(w.bad.IntN(diagnoses))
	for range 4000 {
		if p := w.bad.IntN(len(w.patients)); w.patients[p].diagnosis == of {
			s.targets = append(s.targets, p)
		}
	}
	s.from = w.bad.IntN(max(1, w.cfg.Days*2/3))
	return len(s.targets) > 20
}

func (w *world) collect(s *scheme, _ int) bool {
	at, ok := w.during(s.who)
	if !ok {
		return false
	}
	c := s.call()
	c.factor = 0.7
	for range w.bad.between(3, 8) {
		at = w.visit(s.who, pick(w.bad, s.targets), at, w.browse(w.staff[s.who].role), c) + int64(w.bad.between(1, 25))*minute
	}
	return true
}

func (w *world) beginBulkExport(s *scheme) bool {
	switch w.staff[s.who].role {
	case researcher, physician, engineer, secretary:
		return true
	}
	return false
}

// exportMany takes whole copies of charts, one after another.
func (w *world) exportMany(s *scheme, _ int) bool {
	at, ok := w.during(s.who)
	if !ok {
		return false
	}
	c := s.call()
	c.address = w.desk(w.bad, s.who, at)
	for range w.bad.between(10, 90) {
		w.export(s.who, w.bad.IntN(len(w.patients)), at, c)
		at += 3*second + int64(w.bad.ExpFloat64()*float64(20*second))
	}
	return true
}

// export drafts a copy of one patient's chart.
func (w *world) export(who, p int, at int64, c call) {
	r := w.rng(c)
	if c.address == 0 {
		c.address = w.desk(r, who, at)
	}
	w.add(draft{at: at, who: int32(who), patient: int32(p), action: tutela.ActionExport, typ: "Patient", job: w.browse(w.staff[who].role), status: 200,
		address: c.address, scheme: c.scheme, opened: r.between(20, 120), bytes: int64(r.around(180_000, 0.7))})
}

func (w *world) beginSequential(s *scheme) bool {
	switch w.staff[s.who].role {
	case engineer, clerk, researcher, secretary, student:
		s.targets = []int{w.bad.IntN(len(w.patients))}
		return true
	}
	return false
}

// walkRecords tries one record number after another; many do not exist.
func (w *world) walkRecords(s *scheme, _ int) bool {
	at, ok := w.during(s.who)
	if !ok {
		return false
	}
	address := w.desk(w.bad, s.who, at)
	from, j := s.targets[0], w.browse(w.staff[s.who].role)
	gap := int64(w.bad.between(700, 6000))
	for i := range w.bad.between(40, 200) {
		f := draft{at: at, who: int32(s.who), patient: none, action: tutela.ActionRead, typ: "Patient", job: j, address: address, scheme: s.number, status: 404}
		if !w.bad.chance(0.3) {
			f.patient, f.status, f.opened = int32(w.byRecord[(from+i)%len(w.byRecord)]), 200, 1
			f.bytes = int64(w.bad.around(900, 0.4))
		}
		w.add(f)
		at += gap + int64(w.bad.ExpFloat64()*float64(gap)/3)
	}
	s.targets[0] = from + 200
	return true
}

func (w *world) beginNightBrowsing(s *scheme) bool {
	who := &w.staff[s.who]
	return who.pattern != office && (clinical(who.role) || who.role == clerk)
}

// browseAtNight goes through charts of the whole house in a quiet night.
func (w *world) browseAtNight(s *scheme, d int) bool {
	duty, ok := w.dutyOf(s.who)
	if !ok || duty.to < w.midnight(d+1)+3*hour {
		return false
	}
	at := w.midnight(d+1) + int64(w.bad.IntN(int(3*hour)))
	c := s.call()
	c.factor = 0.5
	for range w.bad.between(6, 25) {
		p := w.bad.IntN(len(w.patients))
		if stays := w.stays[pick(w.bad, w.wards)]; len(stays) > 0 && w.bad.chance(0.6) {
			p = pick(w.bad, stays).patient
		}
		at = w.visit(s.who, p, at, w.browse(w.staff[s.who].role), c) + int64(w.bad.between(5, 120))*second
	}
	return true
}

func (w *world) beginResearch(s *scheme) bool { return w.staff[s.who].role == researcher }

// leaveCohort opens charts under research that no study is about: sensitive ones, or of one disease.
func (w *world) leaveCohort(s *scheme, _ int) bool {
	at, ok := w.during(s.who)
	if !ok {
		return false
	}
	for range w.bad.between(4, 16) {
		p := w.stranger(s.who)
		for range 20 {
			if w.patients[p].sensitive {
				break
			}
			p = w.stranger(s.who)
		}
		at = w.visit(s.who, p, at, w.jobs.cohort, s.call()) + int64(w.bad.between(1, 10))*minute
	}
	return true
}
