package baseline

import (
	"math"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/roster"
	"github.com/tutela-health/tutela/detect/state"
)

const (
	maxOpen  = 4 // days of one person that may be open at once: clocks differ, and midnight is somewhere
	maxShown = 6 // accesses that are kept to show why a day was flagged
	maxWords = 16
)

// tally is one person's day while it lasts.
type tally struct {
	day         date
	last        time.Time // access
	values      [measures]float64
	clock       uint32   // hours with activity, a bit each
	places      []uint64 // addresses
	peak        float64  // the highest log-odds of an access by itself, without the day around it
	charts      []dayChart
	crowded     float64 // the odds of charts for which there was no room
	guests      [maxGuests]guestUnit
	shown       []shownAccess
	certain     string // why the day is flagged whatever the budget says, unless it looks like work
	dormant     bool
	logins      int     // times somebody sat down, the first ones
	strange     float64 // log-odds that it was somebody else
	strangeOdds float64 // what that is worth here
	taught      int     // accesses from which shares were learned
	charted     int     // charts from which

	usual [measures]usual
}

// maxGuests bounds how many foreign units are followed in one person's day.
const maxGuests = 4

// guestUnit is a unit in which a person who does not belong to it was active that day.
type guestUnit struct {
	unit     roster.Unit
	charts   int
	written  int
	doubtful int // charts that were counted as unexplained before it showed that the person works there
}

// guest follows a person's work in a foreign unit, and tells whether it looks like work by now.
func (t *tally) guest(u roster.Unit) *guestUnit {
	for i := range t.guests {
		if g := &t.guests[i]; u != 0 && (g.unit == u || g.unit == 0) {
			g.unit = u
			return g
		}
	}
	return nil
}

// works tells whether somebody who is active in a foreign unit works there.
func (g *guestUnit) works() bool { return g != nil && g.charts >= 3 && g.written >= 1 }

// maxCharts bounds how many charts of one person's day are kept to be judged again at its end.
const maxCharts = 48

// dayChart is a chart that somebody opened that day.
type dayChart struct {
	patient tutela.Bucket
	class   class
	odds    float64 // of the access by itself, without its class
	by      float64 // of the class
	times   int     // it was opened
	style   float64 // log-odds that this is no errand, added up over the parts that were read
	parts   uint64  // those parts, a bit each; some share one
	wrote   bool
	inRow   bool // one of many, one after the other
	known   bool // care explained it in the end
}

// chart keeps how an access to a chart was judged. A better explanation that comes later in the day
// stands for the whole of it. It gives what is kept of the chart.
func (t *tally) chart(v *view, by, odds float64) *dayChart {
	least := 0
	for i := range t.charts {
		one := &t.charts[i]
		if one.patient == v.patient {
			if v.care.class < one.class {
				one.class, one.by = v.care.class, by
			}
			one.odds = max(one.odds, odds-by)
			one.known = one.known || v.explained
			return one
		}
		if one.total() < t.charts[least].total() {
			least = i
		}
	}
	one := dayChart{patient: v.patient, class: v.care.class, odds: odds - by, by: by, known: v.explained}
	switch {
	case len(t.charts) < maxCharts:
		t.charts = append(t.charts, one)
		return &t.charts[len(t.charts)-1]
	case one.total() > t.charts[least].total():
		t.crowded += math.Exp(t.charts[least].total())
		t.charts[least] = one
		return &t.charts[least]
	}
	t.crowded += math.Exp(one.total())
	return &one
}

func (one *dayChart) total() float64 { return one.odds + one.by }

func (one *dayChart) pass(c state.Codec) {
	state.Integer(c, &one.patient)
	state.Integer(c, &one.class)
	state.Integer(c, &one.times)
	c.Float(&one.style)
	state.Hash(c, &one.parts)
	c.Bool(&one.wrote)
	c.Bool(&one.inRow)
	c.Bool(&one.known)
	c.Float(&one.odds)
	c.Float(&one.by)
}

// atWork tells whether a day looks like work: care explains nearly all charts, and something was
// written. Rosters come late, and people work on for some days after they have left on paper.
func (t *tally) atWork() bool {
	honest, wrote := 0, false
	for i := range t.charts {
		if t.charts[i].known {
			honest++
		}
		wrote = wrote || t.charts[i].wrote
	}
	return wrote && 4*honest >= 3*len(t.charts)
}

// usual is what is usual for a measure of one person's day, and what each step above it is worth.
type usual struct {
	peers, deviation float64 // of ln(1+value)
	own, within      float64 // the person's own, and how far single days lie from it
	steps            [2][stepCount]float64
}

// shownAccess is an access that says most about a day.
type shownAccess struct {
	entry     string
	odds      float64
	patient   tutela.Bucket
	sensitive bool
	reasons   []string
}

// open gives a person's tally of a day, a new one for a day that has none.
func (m *Model) tallyOf(s *scene) *tally {
	p := s.person
	for _, t := range p.open {
		if t.day == s.day {
			return t
		}
	}
	if len(p.open) >= maxOpen {
		return p.open[len(p.open)-1]
	}
	t := &tally{day: s.day, dormant: m.slept(s), peak: priorEvent - classLimit}
	m.expect(t, p, s.group)
	p.open = append(p.open, t)
	return t
}

// expect fills in what is usual for the person's day.
func (m *Model) expect(t *tally, p *person, g *group) {
	table := steps()
	for i := range t.usual {
		u := &t.usual[i]
		u.peers, u.deviation, u.within = g.usual(measure(i))
		u.own = p.usual(measure(i), u.peers)
		if !m.settled(p, g) {
			continue
		}
		for against := range 2 {
			highest := 0.0
			for at := range table {
				term := math.Log(table[at].misuse / g.reachedShare(measure(i), against, at, &table))
				highest = max(highest, term)
				u.steps[against][at] = highest
			}
		}
	}
}

// settled tells whether enough days were seen to say what is usual. Before that nothing is far
// above it: a cold start is no flood.
func (m *Model) settled(p *person, g *group) bool {
	const days, ofRole, own = 300, 25, 3
	role := m.groupOf(groupKey{role: p.role})
	return m.everyone.days >= days && (role.days >= ofRole || p.days >= own) && g != nil
}

// above tells how many deviations a value lies above the person's own past and above peers. tide
// is by how much everybody of the role does more that day.
func (u *usual) above(value, tide float64) (own, peers float64) {
	x := math.Log1p(value) - tide
	return (x - u.own) / u.within, (x - u.peers) / u.deviation
}

// worth is the log-odds of a measure that has reached a value. What is above peers counts by half
// of what it adds: some people do more than others. One or two of anything are no burst.
func (u *usual) odds(value, tide float64) float64 {
	if value < 3 {
		return 0
	}
	own, peers := u.above(value, tide)
	a, b := u.stepped(0, own), u.stepped(1, peers)
	return max(a, b) + peerShare*min(a, b)
}

func (u *usual) stepped(against int, deviations float64) float64 {
	odds := 0.0
	for at, s := range steps() {
		if deviations >= s.from {
			odds = u.steps[against][at]
		}
	}
	return odds
}

// count takes an access into the day's measures.
func (t *tally) count(s *scene) {
	t.values[events]++
	t.last = s.ev.Time.UTC().Truncate(time.Second)
	t.values[kilobytes] += float64(s.ev.Bytes) / 1024
	if s.has(denied) {
		t.values[refusals] += float64(max(s.ev.Count, 1))
	}
	if t.clock |= 1 << s.hourOfDay; true {
		t.values[hours] = float64(ones(t.clock))
	}
	if s.place != 0 && len(t.places) < 64 && !contains(t.places, s.place) {
		t.places = append(t.places, s.place)
		t.values[addresses] = float64(len(t.places))
	}
}

// show keeps an access when it says more about the day than another one.
func (t *tally) show(one shownAccess) {
	if len(t.shown) < maxShown {
		t.shown = append(t.shown, one)
		return
	}
	least := 0
	for i := range t.shown {
		if t.shown[i].odds < t.shown[least].odds {
			least = i
		}
	}
	if one.odds > t.shown[least].odds {
		t.shown[least] = one
	}
}

func (t *tally) pass(c state.Codec) {
	state.Integer(c, &t.day)
	state.Time(c, &t.last)
	c.Floats(t.values[:])
	state.Integer(c, &t.clock)
	state.List(c, &t.places, 64, func(h *uint64) { state.Hash(c, h) })
	c.Float(&t.peak)
	c.Float(&t.crowded)
	state.List(c, &t.charts, maxCharts, func(one *dayChart) { one.pass(c) })
	for i := range t.guests {
		g := &t.guests[i]
		state.Integer(c, &g.unit)
		state.Integer(c, &g.charts)
		state.Integer(c, &g.written)
		state.Integer(c, &g.doubtful)
	}
	c.Text(&t.certain)
	c.Bool(&t.dormant)
	state.Integer(c, &t.logins)
	c.Float(&t.strange)
	c.Float(&t.strangeOdds)
	state.Integer(c, &t.taught)
	state.Integer(c, &t.charted)
	state.List(c, &t.shown, maxShown, func(a *shownAccess) {
		c.Text(&a.entry)
		c.Float(&a.odds)
		state.Integer(c, &a.patient)
		c.Bool(&a.sensitive)
		state.List(c, &a.reasons, maxWords, c.Text)
	})
	for i := range t.usual {
		u := &t.usual[i]
		for _, n := range []*float64{&u.peers, &u.deviation, &u.own, &u.within} {
			c.Float(n)
		}
		c.Floats(u.steps[0][:])
		c.Floats(u.steps[1][:])
	}
}
