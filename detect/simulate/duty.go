package simulate

// duty is a shift that somebody works in a unit.
type duty struct {
	who, unit int
	from, to  int64
}

// shift is a part of the day: from, and how long, in milliseconds.
type shift struct{ from, long int64 }

// The shifts.
func early() shift     { return shift{6*hour + 45*minute, 8*hour + 30*minute} }
func late() shift      { return shift{14*hour + 45*minute, 8*hour + 15*minute} }
func night() shift     { return shift{22*hour + 45*minute, 8*hour + 15*minute} }
func officeDay() shift { return shift{8 * hour, 8*hour + 30*minute} }
func doctorDay() shift { return shift{7 * hour, 10 * hour} }
func callNight() shift { return shift{17 * hour, 14 * hour} }

// rota is the cycle of rotating shifts: two early weeks, a late one, a night one. A dot is a day off.
const rota = "EEELL..EEEE.LL.LLLL..NNNN..."

// plan says who works where on a day.
func (w *world) plan(d int) {
	for i := range w.rosters {
		w.rosters[i], w.nights[i] = w.nights[i][:0], w.rosters[i]
	}
	for i := range w.staff {
		s := &w.staff[i]
		if d == s.moves {
			s.unit = s.next
			w.seat(w.hr, s)
		}
		if d == s.told {
			s.listed = s.next
		}
		if !s.employed(d) || s.absent(d) {
			continue
		}
		if sh, ok := w.shiftOf(s, d); ok {
			w.assign(i, d, sh)
		}
	}
}

// shiftOf gives somebody's shift on a day.
func (w *world) shiftOf(s *staffer, d int) (shift, bool) {
	working := w.works(d)
	switch s.pattern {
	case rotating:
		switch rota[(d+s.phase)%len(rota)] {
		case 'E':
			return early(), true
		case 'L':
			return late(), true
		case 'N':
			return night(), true
		}
		return shift{}, false
	case onCall:
		switch turn := (d + s.phase) % 9; {
		case turn == 0:
			return callNight(), true
		case turn == 1:
			return shift{}, false // sleeps
		case !working:
			return shift{8 * hour, 5 * hour}, turn < 3
		}
		return doctorDay(), true
	}
	return officeDay(), working
}

// assign puts somebody on a day's roster, in another unit when he is lent to it.
func (w *world) assign(who, d int, sh shift) {
	s, r := &w.staff[who], w.hr
	in := s.unit
	switch {
	case in == w.float:
		in = w.neediest(sh)
		w.cover(who, d, sh, in, 0.7)
	case w.units[in].place == ward && s.role == nurse && r.chance(0.03):
		in = pick(r, w.wards)
		w.cover(who, d, sh, in, 0.6)
	}
	if sh == callNight() { // stands in for several wards
		for _, other := range w.neighboursOf(in) {
			w.cover(who, d, sh, other, 0.85)
			w.put(who, d, sh, other)
		}
	}
	w.put(who, d, sh, in)
}

// put enters a duty; people come some minutes early or late.
func (w *world) put(who, d int, sh shift, in int) {
	from := w.midnight(d) + sh.from + int64(w.hr.NormFloat64()*float64(7*minute))
	w.rosters[in] = append(w.rosters[in], duty{who, in, from, from + sh.long + int64(w.hr.around(float64(12*minute), 0.8))})
}

// neediest is the ward with the fewest nurses so far, for its beds.
func (w *world) neediest(sh shift) int {
	best, least := w.wards[0], 1<<20
	for _, u := range w.wards {
		if n := len(w.rosters[u])*8 + w.hr.IntN(16); n < least {
			best, least = u, n
		}
	}
	return best
}

// neighboursOf gives the wards that one doctor on call covers beside his own.
func (w *world) neighboursOf(u int) []int {
	var list []int
	for _, other := range w.wards {
		if other != u && other/3 == u/3 {
			list = append(list, other)
		}
	}
	return list
}

// cover notes that somebody stands in for a unit; a share of such arrangements is written down.
func (w *world) cover(who, d int, sh shift, in int, written float64) {
	if !w.hr.chance(written) {
		return
	}
	from := w.midnight(d) + sh.from
	w.know(none, tie{kind: coverTie, staff: int32(who), unit: int16(in), from: from, to: from + sh.long + hour}, from)
}

// onDuty gives those of a role who work in a unit at a time; an empty role means everybody.
func (w *world) onDuty(in int, as role, at int64) []int {
	list := w.scratch[:0]
	for _, roster := range [][]duty{w.rosters[in], w.nights[in]} {
		for _, d := range roster {
			if d.from <= at && at < d.to && (as == "" || w.staff[d.who].role == as) {
				list = append(list, d.who)
			}
		}
	}
	w.scratch = list
	return list
}

// anyone picks one of those on duty, or none.
func (w *world) anyone(in int, as role, at int64) int {
	if list := w.onDuty(in, as, at); len(list) > 0 {
		return pick(w.care, list)
	}
	return none
}

// dutyOf gives somebody's duty of the day.
func (w *world) dutyOf(who int) (duty, bool) {
	for _, d := range w.rosters[w.staff[who].unit] {
		if d.who == who {
			return d, true
		}
	}
	for _, list := range w.rosters {
		for _, d := range list {
			if d.who == who {
				return d, true
			}
		}
	}
	return duty{}, false
}
