package simulate

import (
	"fmt"

	"github.com/tutela-health/tutela"
)

// role is what somebody is employed as.
type role string

// The roles, as the roster and the ledger name them.
const (
	nurse        role = "nurse"
	physician    role = "physician"
	student      role = "student"
	laboratory   role = "laboratory"
	radiographer role = "radiographer"
	pharmacist   role = "pharmacist"
	therapist    role = "therapist"
	socialWorker role = "social-worker"
	clerk        role = "registration"
	secretary    role = "secretary"
	biller       role = "billing"
	coder        role = "coder"
	reviewer     role = "quality"
	researcher   role = "researcher"
	engineer     role = "admin"
	bedManager   role = "bed-manager"
)

// pattern is how somebody's weeks look.
type pattern int

// The patterns.
const (
	office   pattern = iota // working days
	rotating                // early, late and night shifts, weekends too
	onCall                  // working days, and every few nights or weekends
)

// staffer is somebody who works there.
type staffer struct {
	id      tutela.UserID
	role    role
	second  role // of those who have two
	unit    int  // where he belongs now
	listed  int  // where the roster has him
	pattern pattern
	phase   int // where in the pattern's cycle day 0 falls
	pace    float64
	chart   int // own chart, or none
	linked  bool
	home    int32 // household, or none
	family  int32
	block   int32
	known   bool // the roster has the address

	joins, leaves int // first and last day of employment; leaves is far off for most
	ended         int // last day as the roster has it: at times too early
	moves, told   int // day of a change of unit, and the day on which the roster has it
	next          int // unit after it
	away          [][2]int

	desks  [3]uint32 // workstations, the usual ones
	remote uint32    // address from home, 0 for who never works there
	linger float64   // how much longer than others he looks
}

// post is a kind of job that a share of the staff has.
type post struct {
	role    role
	pattern pattern
	share   float64
	units   []int
}

// posts say who is needed where. Shares are of the whole staff; they are invented, close to what hospitals report.
func (l *layout) posts() []post {
	return []post{
		{nurse, rotating, 0.23, l.wards}, {nurse, rotating, 0.055, []int{l.emergency}}, {nurse, office, 0.06, l.clinics},
		{nurse, rotating, 0.03, []int{l.float}}, {nurse, rotating, 0.05, []int{l.theatre}},
		{physician, onCall, 0.075, l.wards}, {physician, rotating, 0.025, []int{l.emergency}}, {physician, office, 0.07, l.clinics},
		{student, office, 0.04, l.wards}, {laboratory, rotating, 0.045, []int{l.lab}}, {radiographer, rotating, 0.04, []int{l.radiology}},
		{pharmacist, rotating, 0.035, []int{l.pharmacy}}, {therapist, office, 0.04, []int{l.therapy}}, {socialWorker, office, 0.015, []int{l.social}},
		{clerk, office, 0.03, l.clinics}, {clerk, rotating, 0.035, []int{l.registration}}, {secretary, office, 0.04, l.clinics},
		{biller, office, 0.04, []int{l.billing}}, {coder, office, 0.02, []int{l.coding}}, {reviewer, office, 0.01, []int{l.quality}},
		{researcher, office, 0.02, []int{l.research}}, {engineer, office, 0.015, []int{l.it}}, {bedManager, rotating, 0.008, []int{l.beds}},
	}
}

// hire fills the posts.
func (w *world) hire(r dice) {
	n := w.cfg.Staff
	ids := r.Perm(9 * n)
	posts := w.posts()
	for _, p := range posts {
		count := max(1, int(p.share*float64(n)+0.5))
		for i := range max(count, len(p.units)) {
			w.employ(r, p, p.units[i%len(p.units)], ids[len(w.staff)])
		}
	}
	for i := len(w.staff); i < n; i++ { // what rounding left
		p := posts[i%3]
		w.employ(r, p, p.units[i%len(p.units)], ids[i])
	}
}

func (w *world) employ(r dice, p post, in, number int) {
	s := staffer{
		id: tutela.UserID(fmt.Sprintf("u-%05d", 10_000+number)), role: p.role, pattern: p.pattern, unit: in, listed: in,
		phase: r.IntN(28), pace: r.around(1, 0.25), linger: r.around(1, 0.3), chart: none, home: none, block: none,
		joins: -1000, leaves: 1 << 20, ended: 1 << 20, moves: 1 << 20, told: 1 << 20, next: in, family: int32(r.zipf(len(w.town.families))),
	}
	if r.chance(0.02) {
		s.second = pick(r, []role{researcher, reviewer, secretary, physician})
	}
	w.house(r, &s)
	w.career(r, &s)
	w.seat(r, &s)
	w.units[in].home = append(w.units[in].home, len(w.staff))
	w.staff = append(w.staff, s)
}

// house says where somebody lives, and which chart is his.
func (w *world) house(r dice, s *staffer) {
	if r.chance(0.2) {
		return // lives where no patient does
	}
	p := r.IntN(len(w.patients))
	who := &w.patients[p]
	s.home, s.block, s.known = who.household, who.block, r.chance(0.92)
	if r.chance(0.85) {
		s.family = who.family
	}
	if who.employee == none && r.chance(0.7) {
		s.chart, s.family, s.linked = p, who.family, r.chance(0.9)
		who.employee = int32(len(w.staff))
	}
}

// career says who joins, leaves, moves, and is away when.
func (w *world) career(r dice, s *staffer) {
	days := w.cfg.Days
	switch {
	case r.chance(0.03):
		s.joins = r.IntN(days)
	case r.chance(0.03):
		s.leaves = r.IntN(days)
		s.ended = s.leaves
		if r.chance(0.25) { // stays some days longer than was agreed
			s.ended -= r.between(1, 7)
		}
	case r.chance(0.03) && len(w.wards) > 1 && (s.role == nurse || s.role == physician || s.role == student) && w.units[s.unit].place == ward:
		s.moves = r.IntN(days)
		s.told, s.next = s.moves+r.between(0, 20), pick(r, w.wards)
	case r.chance(0.02):
		s.away = append(s.away, [2]int{-30, r.between(days/3, days+60)}) // a long leave
	}
	for d := r.IntN(40); d < days; d += r.between(25, 70) {
		s.away = append(s.away, [2]int{d, d + pick(r, []int{1, 1, 2, 3, 5, 9, 14})})
	}
}

// seat gives somebody the usual workstations.
func (w *world) seat(r dice, s *staffer) {
	for i := range s.desks {
		s.desks[i] = w.units[s.unit].subnet | uint32(10+r.IntN(16))
	}
	share := 0.02
	switch s.role {
	case physician, coder, biller, researcher, engineer:
		share = 0.35
	}
	if r.chance(share) {
		s.remote = 10<<24 | 99<<16 | uint32(r.IntN(1<<16)) // by the hospital's own VPN
		if r.chance(0.3) {
			s.remote = outsider(r)
		}
	}
}

// roles are those that the roster and the ledger have.
func (s *staffer) roles() []string {
	if s.second == "" || s.second == s.role {
		return []string{string(s.role)}
	}
	return []string{string(s.role), string(s.second)}
}

// employed tells whether somebody works there on a day.
func (s *staffer) employed(d int) bool { return d >= s.joins && d <= s.leaves }

// absent tells whether somebody is on leave or ill.
func (s *staffer) absent(d int) bool {
	for _, a := range s.away {
		if d >= a[0] && d < a[1] {
			return true
		}
	}
	return false
}
