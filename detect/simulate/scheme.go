package simulate

// misuse is a kind of misuse. A kind says who does it (begin) and what is done on a day (act).
type misuse struct {
	name   string
	weight float64 // share of all staff-days with misuse
	days   int     // the most staff-days of one scheme; it has half as many at least
	// stranger: the account is used by somebody whose it is not, so that the login is misuse too; guesses:
	// wrong passwords may come before it.
	stranger, guesses bool
	// begin finds an actor and what he is after; false when this one does not fit.
	begin func(w *world, s *scheme) bool
	// act drafts a day's misuse; false when it was not to be had that day, and is tried on the next.
	act func(w *world, s *scheme, d int) bool
}

// scheme is one misuse, by one account, over some days.
type scheme struct {
	kind    *misuse
	number  int32
	from    int // day
	left    int // staff-days still to come
	who     int
	targets []int
	address uint32 // where it is not the usual one
}

// call marks the visits of a scheme.
func (s *scheme) call() call { return call{scheme: s.number, address: s.address} }

// kinds are the twenty kinds of misuse. docs/simulation.md tells of each. Weights are invented: what is known of how
// often they occur are counts of complaints and penalties, not of deeds.
func kinds() []*misuse {
	return []*misuse{
		{name: "self", weight: 9, days: 2, begin: (*world).beginSelf, act: (*world).look},
		{name: "family", weight: 11, days: 3, begin: (*world).beginFamily, act: (*world).look},
		{name: "ex-partner", weight: 6, days: 5, begin: (*world).beginExPartner, act: (*world).look},
		{name: "co-worker", weight: 10, days: 2, begin: (*world).beginCoWorker, act: (*world).look},
		{name: "neighbour", weight: 6, days: 2, begin: (*world).beginNeighbour, act: (*world).look},
		{name: "vip", weight: 7, days: 1, begin: (*world).beginVIP, act: (*world).look},
		{name: "ward-curiosity", weight: 3, days: 3, begin: (*world).beginWardCuriosity, act: (*world).browseWard},
		{name: "after-discharge", weight: 4, days: 2, begin: (*world).beginAfterDischarge, act: (*world).followUp},
		{name: "identity-theft", weight: 4, days: 3, begin: (*world).beginIdentityTheft, act: (*world).harvest},
		{name: "list-selling", weight: 8, days: 12, begin: (*world).beginListSelling, act: (*world).collect},
		{name: "bulk-export", weight: 2, days: 1, begin: (*world).beginBulkExport, act: (*world).exportMany},
		{name: "sequential", weight: 2, days: 2, begin: (*world).beginSequential, act: (*world).walkRecords},
		{name: "night-browsing", weight: 5, days: 3, begin: (*world).beginNightBrowsing, act: (*world).browseAtNight},
		{name: "departed", weight: 2, days: 3, stranger: true, begin: (*world).beginDeparted, act: (*world).useDeparted},
		{name: "dormant", weight: 2, days: 3, stranger: true, begin: (*world).beginDormant, act: (*world).useDormant},
		{name: "stolen", weight: 4, days: 2, stranger: true, guesses: true, begin: (*world).beginStolen, act: (*world).useStolen},
		{name: "shared-account", weight: 5, days: 4, stranger: true, begin: (*world).beginShared, act: (*world).useShared},
		{name: "break-glass", weight: 4, days: 2, begin: (*world).beginGlass, act: (*world).breakIn},
		{name: "privilege", weight: 2, days: 2, begin: (*world).beginPrivilege, act: (*world).escalate},
		{name: "research", weight: 4, days: 4, begin: (*world).beginResearch, act: (*world).leaveCohort},
	}
}

// present is about how many of the staff work on a day, on the average of a week.
const present = 0.57

// plot plans the misuse of the whole time, before the first day.
func (w *world) plot() {
	if w.cfg.Misuse == 0 {
		return
	}
	var sum float64
	for _, k := range kinds() {
		sum += k.weight
	}
	budget := w.cfg.Misuse * present * float64(w.cfg.Staff) * float64(w.cfg.Days)
	for _, k := range kinds() {
		mean := float64(k.days+(k.days+1)/2) / 2
		for range w.whole(budget * k.weight / sum / mean) {
			w.conspire(k)
		}
	}
}

// whole rounds by chance, so that the mean stays.
func (w *world) whole(x float64) int {
	n := int(x)
	if w.bad.chance(x - float64(n)) {
		n++
	}
	return n
}

// conspire makes one scheme. One that finds nobody after many tries does not happen.
func (w *world) conspire(k *misuse) {
	s := &scheme{kind: k, number: int32(len(w.schemes) + 1)}
	for range 400 {
		s.who, s.targets, s.address = w.bad.IntN(len(w.staff)), nil, 0
		s.from, s.left = w.bad.between(w.cfg.Days/12, w.cfg.Days-1), w.bad.between((k.days+1)/2, k.days)
		if k.begin(w, s) {
			w.schemes = append(w.schemes, s)
			return
		}
	}
}

// misuseDay lets every scheme act that is under way. Between the days of one there are pauses.
func (w *world) misuseDay(d int) {
	for _, s := range w.schemes {
		if d < s.from || s.left == 0 || d > s.from && w.bad.chance(0.4) {
			continue
		}
		if s.kind.act(w, s, d) {
			s.left--
		}
	}
}

// during picks a time of somebody's duty today; false when there is none.
func (w *world) during(who int) (int64, bool) {
	d, ok := w.dutyOf(who)
	if !ok {
		return 0, false
	}
	return d.from + 15*minute + int64(w.bad.Float64()*float64(max(minute, d.to-d.from-hour))), true
}

// browse is how somebody of a role looks into a chart without a task: with the means of his work.
func (w *world) browse(as role) *job {
	switch as {
	case clerk, bedManager:
		return w.jobs.schedule
	case biller:
		return w.jobs.claim
	case coder:
		return w.jobs.code
	case laboratory:
		return w.jobs.labWork
	case radiographer:
		return w.jobs.imaging
	case pharmacist:
		return w.jobs.dispense
	case researcher:
		return w.jobs.cohort
	case secretary:
		return w.jobs.letter
	}
	return w.jobs.prepare
}

// clinical tells who may read whole charts.
func clinical(as role) bool {
	switch as {
	case nurse, physician, student, therapist:
		return true
	}
	return false
}

// stranger finds a patient whom nothing joins to somebody: another name, house and block, no tie.
func (w *world) stranger(who int) int {
	for range 50 {
		p := w.bad.IntN(len(w.patients))
		s, o := &w.staff[who], &w.patients[p]
		if o.family != s.family && o.block != s.block && o.employee == none {
			return p
		}
	}
	return 0
}
