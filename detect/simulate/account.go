package simulate

import "github.com/tutela-health/tutela"

// This file holds the misuse of accounts and of powers.

// beginDeparted: somebody has left, and the account still works.
func (w *world) beginDeparted(s *scheme) bool {
	left := w.staff[s.who].leaves
	if left >= w.cfg.Days-2 {
		return false
	}
	s.from = w.bad.between(max(0, left)+2, w.cfg.Days-1)
	return true
}

func (w *world) useDeparted(s *scheme, d int) bool {
	at := w.midnight(d) + 7*hour + int64(w.bad.IntN(int(15*hour)))
	c := s.call()
	if w.bad.chance(0.5) {
		c.address = w.outside()
	}
	w.rummage(s, at, c, w.bad.between(3, 20))
	return true
}

// beginDormant: an account that nobody has used for weeks.
func (w *world) beginDormant(s *scheme) bool {
	for _, a := range w.staff[s.who].away {
		if a[0] < 0 && a[1] > 25 {
			s.from = w.bad.between(min(20, w.cfg.Days-1), w.cfg.Days-1)
			return s.from < a[1]-2
		}
	}
	return false
}

func (w *world) useDormant(s *scheme, d int) bool {
	if !w.staff[s.who].absent(d) {
		return false
	}
	w.rummage(s, w.midnight(d)+7*hour+int64(w.bad.IntN(int(15*hour))), s.call(), w.bad.between(4, 20))
	return true
}

// rummage opens some charts, of strangers mostly.
func (w *world) rummage(s *scheme, at int64, c call, n int) {
	if c.address == 0 {
		c.address = w.desk(w.bad, s.who, at)
	}
	for range n {
		p := w.stranger(s.who)
		if stays := w.stays[pick(w.bad, w.wards)]; len(stays) > 0 && w.bad.chance(0.3) {
			p = pick(w.bad, stays).patient
		}
		at = w.visit(s.who, p, at, w.browse(w.staff[s.who].role), c) + int64(w.bad.between(5, 90))*second
	}
}

// outside is an address that is not the hospital's (RFC 5737). Those who work at home without the VPN have such ones too.
func (w *world) outside() uint32 {
	return outsider(w.bad)
}

func outsider(r dice) uint32 {
	return pick(r, []uint32{192<<24 | 0<<16 | 2<<8, 198<<24 | 51<<16 | 100<<8, 203<<24 | 0<<16 | 113<<8}) | uint32(1+r.IntN(254))
}

func (w *world) beginStolen(s *scheme) bool {
	switch w.staff[s.who].role {
	case physician, nurse, coder, biller, researcher, secretary, clerk:
	default:
		return false
	}
	s.address = w.outside()
	return w.staff[s.who].employed(s.from)
}

// useStolen reads as much as is to be had, at any hour.
func (w *world) useStolen(s *scheme, d int) bool {
	c := s.call()
	c.quick = w.bad.chance(0.6)
	w.rummage(s, w.midnight(d)+int64(w.bad.IntN(int(20*hour))), c, w.bad.between(8, 60))
	return true
}

func (w *world) beginShared(s *scheme) bool {
	who := &w.staff[s.who]
	return w.units[who.unit].place == ward && (who.role == nurse || who.role == physician)
}

// useShared is honest work under a colleague's badge, who is at home.
func (w *world) useShared(s *scheme, d int) bool {
	in := w.staff[s.who].unit
	if _, ok := w.dutyOf(s.who); ok || len(w.stays[in]) == 0 || !w.staff[s.who].employed(d) {
		return false
	}
	from := w.midnight(d) + 7*hour
	c := s.call()
	c.address = w.units[in].subnet | uint32(10+w.bad.IntN(16))
	for range w.bad.between(3, 9) {
		w.visit(s.who, pick(w.bad, w.stays[in]).patient, from+int64(w.bad.IntN(int(7*hour))), w.jobs.bedside, c)
	}
	return true
}

func (w *world) beginGlass(s *scheme) bool {
	as := w.staff[s.who].role
	return as == nurse || as == physician
}

// breakIn opens an emergency where there is none.
func (w *world) breakIn(s *scheme, _ int) bool {
	at, ok := w.during(s.who)
	if !ok {
		return false
	}
	for range w.bad.between(1, 3) {
		p, c := w.stranger(s.who), s.call()
		c.address = w.desk(w.bad, s.who, at)
		c.glass = w.emergencyOpened(s.who, p, at, c)
		at = w.visit(s.who, p, at+10*second, w.jobs.prepare, c) + int64(w.bad.between(3, 60))*minute
	}
	return true
}

func (w *world) beginPrivilege(s *scheme) bool { return w.staff[s.who].role == engineer }

// escalate gives the own account a clinical role, reads, and takes it back.
func (w *world) escalate(s *scheme, _ int) bool {
	at, ok := w.during(s.who)
	if !ok {
		return false
	}
	c := s.call()
	c.address = w.desk(w.bad, s.who, at)
	w.changeRoles(s.who, s.who, at, "admin physician", c)
	c.also = physician
	for range w.bad.between(2, 10) {
		at = w.visit(s.who, w.stranger(s.who), at+30*second, w.jobs.prepare, c) + int64(w.bad.between(10, 300))*second
	}
	c.also = ""
	w.changeRoles(s.who, s.who, at, "admin", c)
	return true
}

// changeRoles drafts that an engineer changes an account's roles.
func (w *world) changeRoles(who, whose int, at int64, roles string, c call) {
	if c.address == 0 {
		c.address = w.desk(w.rng(c), who, at)
	}
	w.add(draft{at: at, who: int32(who), patient: none, action: tutela.ActionUserRoles, job: w.jobs.support, status: 200, address: c.address,
		scheme: c.scheme, subject: &tutela.Subject{Kind: "user", ID: string(w.staff[whose].id), Detail: roles}})
}
