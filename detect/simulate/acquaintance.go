package simulate

// This file holds the misuse that is about one person: those whom somebody knows, or wants to know about.

// look is a look into a chart for no reason of work: at times short, at times long.
func (w *world) look(s *scheme, _ int) bool {
	at, ok := w.during(s.who)
	if !ok {
		return false
	}
	c := s.call()
	c.factor = w.bad.around(1.1, 0.5)
	w.visit(s.who, pick(w.bad, s.targets), at, w.browse(w.staff[s.who].role), c)
	return true
}

func (w *world) beginSelf(s *scheme) bool {
	s.targets = []int{w.staff[s.who].chart}
	return s.targets[0] != none
}

// beginFamily: one of the same household, or a relative of the same name elsewhere.
func (w *world) beginFamily(s *scheme) bool {
	who := &w.staff[s.who]
	list := w.town.named[who.family]
	if who.home != none && w.bad.chance(0.7) {
		list = w.town.members[who.home]
	}
	if len(list) == 0 {
		return false
	}
	p := pick(w.bad, list)
	s.targets = []int{p}
	return p != who.chart
}

func (w *world) beginExPartner(s *scheme) bool {
	s.targets = []int{w.stranger(s.who)}
	return true
}

// beginCoWorker: somebody of the same unit, or of the house.
func (w *world) beginCoWorker(s *scheme) bool {
	other := w.bad.IntN(len(w.staff))
	if w.bad.chance(0.7) {
		other = pick(w.bad, w.units[w.staff[s.who].unit].home)
	}
	s.targets = []int{w.staff[other].chart}
	return other != s.who && s.targets[0] != none
}

func (w *world) beginNeighbour(s *scheme) bool {
	who := &w.staff[s.who]
	if who.block == none {
		return false
	}
	p := pick(w.bad, w.town.blocks[who.block])
	s.targets = []int{p}
	return w.patients[p].household != who.home
}

// beginVIP: the media tell of somebody, and several look within a few days.
func (w *world) beginVIP(s *scheme) bool {
	if w.famous.left == 0 || w.famous.from >= w.cfg.Days-6 {
		p := w.bad.IntN(len(w.patients))
		if !w.patients[p].vip {
			return false
		}
		w.famous = celebrity{patient: p, from: s.from, left: w.bad.between(2, 7)}
	}
	w.famous.left--
	s.from, s.targets = min(w.cfg.Days-1, w.famous.from+w.bad.IntN(5)), []int{w.famous.patient}
	return true
}

// celebrity is somebody of whom the media tell for some days.
type celebrity struct{ patient, from, left int }

func (w *world) beginWardCuriosity(s *scheme) bool {
	who := &w.staff[s.who]
	return w.units[who.unit].place == ward && clinical(who.role)
}

// browseWard reads the charts of the own ward from end to end, whoever tends those patients.
func (w *world) browseWard(s *scheme, _ int) bool {
	at, ok := w.during(s.who)
	stays := w.stays[w.staff[s.who].unit]
	if !ok || len(stays) == 0 {
		return false
	}
	c := s.call()
	c.factor = 3
	for range w.bad.between(2, 5) {
		at = w.visit(s.who, pick(w.bad, stays).patient, at, w.jobs.prepare, c) + int64(w.bad.between(1, 20))*minute
	}
	return true
}

func (w *world) beginAfterDischarge(s *scheme) bool {
	return w.beginWardCuriosity(s)
}

// followUp looks once more at those who have left the ward.
func (w *world) followUp(s *scheme, d int) bool {
	at, ok := w.during(s.who)
	if !ok {
		return false
	}
	if len(s.targets) == 0 {
		for _, g := range w.gone {
			if g.ward == w.staff[s.who].unit && g.at < w.midnight(d-4) {
				s.targets = append(s.targets, g.patient)
			}
		}
		if len(s.targets) == 0 {
			return false
		}
		s.targets = []int{pick(w.bad, s.targets), pick(w.bad, s.targets)}
	}
	c := s.call()
	c.factor = 1.3
	for _, p := range s.targets {
		at = w.visit(s.who, p, at, w.jobs.prepare, c) + 2*minute
	}
	return true
}
