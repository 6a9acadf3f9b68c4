package baseline

import (
	"math"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/roster"
)

// Day is what came of one person's day.
type Day struct {
	Staff     tutela.UserID
	Day       time.Time // its midnight, in the tenant's time zone
	Last      time.Time // the last access of it
	Score     float64   // how likely there was misuse in it, 0 to 1
	Flagged   bool
	Certain   bool // flagged whatever the budget says
	Reasons   []string
	Events    []string // ids of the accesses that say most, the strongest first
	Patients  []tutela.Bucket
	Sensitive []tutela.Bucket // those of Patients whose chart is sensitive or of public interest
}

// closing is a day about to be judged.
type closing struct {
	who    roster.Person
	person *person
	group  *group
	tally  *tally
	odds   float64
	sum    sum
}

// judge adds up the days that are closed, each beside what its role did that day.
func (m *Model) judge(closed []closing) {
	tides := tidesOf(closed)
	for i := range closed {
		c := &closed[i]
		m.add(c, tides[tideKey{c.person.role, c.tally.day}])
	}
}

// add adds up a person's day: the chance that any access was misuse, and how far the day lies
// above the person's own past and above peers.
func (m *Model) add(c *closing, role *tide) {
	t := c.tally
	mass := t.crowded
	for i := range t.charts {
		mass += math.Exp(m.reconsidered(c, &t.charts[i]))
	}
	chance := ordinary / max(t.values[patients], least)
	c.sum.odds = math.Log(math.Exp(t.peak) + mass*chance)
	for f := range families {
		of := m.strongest(t, f, role)
		w := &m.measures[of]
		odds := min(w.scale*t.usual[of].odds(t.values[of], role.of(of)), w.most)
		text := ""
		if odds >= worthWords {
			text = m.measureText(t, of)
		}
		c.sum.add(odds*dayShare, text)
	}
	c.sum.add(t.strangeOdds, textStrange)
	c.odds = c.sum.odds
}

// dayShare is what a measure counts for beside the accesses, which it has raised already.
const dayShare = .6

// A day holds misuse no sooner because it is full, and among many honest charts one looks odd by
// chance. So the odds of a day's charts are added up and divided by their number, against that of an
// ordinary day; least keeps a day of one chart from weighing too much.
const ordinary, least = 8.0, 2.0

// reconsidered is what an access to a chart is worth at the end of the day, when relations may have
// come in that nobody had written down when it happened, and colleagues have been there too.
func (m *Model) reconsidered(c *closing, one *dayChart) float64 {
	role := m.groupOf(groupKey{role: c.person.role})
	if m.classes[one.class].strong || one.known {
		return one.total() + one.explainedStyle(role)
	}
	depth := role.lookAtEnd(one) + one.reading()
	if one.total() < priorEvent {
		return one.total() + depth
	}
	s := m.lastScene(c)
	found := m.care(&s, &tutela.Touched{Patient: one.patient})
	if found.class >= one.class {
		return one.total() + depth
	}
	return one.odds + depth + min(m.classOdds(&s, found.class), one.by)
}

// lastScene is the end of somebody's day, as an access at that moment would be seen.
func (m *Model) lastScene(c *closing) scene {
	s := scene{ev: &event.Event{}, who: c.who, person: c.person, role: c.person.role, group: c.group, tally: c.tally, day: c.tally.day}
	s.ev.Actor.Unit = m.dir.UnitName(c.person.unit)
	s.at = roster.MinuteOf(c.tally.last)
	m.place(&s)
	s.role = c.person.role
	return s
}

// home gives the peers of somebody at the end of a day.
func (m *Model) home(p *person) *group {
	return m.groupOf(groupKey{p.role, p.unit})
}

// flag judges a day's closings together: who lies highest comes first, as far as the budget goes.
func (m *Model) flag(closed []closing) []Day {
	days := make([]Day, len(closed))
	order := make([]int, len(closed))
	for i := range closed {
		days[i] = m.dayOf(&closed[i])
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case closed[a].odds > closed[b].odds:
			return -1
		case closed[a].odds < closed[b].odds:
			return 1
		}
		return 0
	})
	m.budget.earn(len(closed))
	for _, certain := range []bool{true, false} {
		for _, i := range order {
			if days[i].Certain == certain {
				days[i].Flagged = m.budget.spend(closed[i].odds, certain)
			}
		}
	}
	for i := range closed {
		m.budget.learn(closed[i].odds)
	}
	return days
}

// dayOf tells a closing in words.
func (m *Model) dayOf(c *closing) Day {
	t := c.tally
	d := Day{Staff: m.dir.PersonName(c.who), Day: m.cfg.midnight(t.day), Last: t.last, Score: logistic(c.odds), Certain: t.certain != "" && !t.atWork()}
	if d.Certain {
		d.Score = max(d.Score, .99)
		d.Reasons = append(d.Reasons, t.certain)
	}
	slices.SortStableFunc(t.shown, func(a, b shownAccess) int {
		switch {
		case a.odds > b.odds:
			return -1
		case a.odds < b.odds:
			return 1
		}
		return 0
	})
	for _, one := range t.shown {
		if one.odds < priorEvent+1 {
			break
		}
		d.Events = append(d.Events, one.entry)
		for _, r := range one.reasons {
			d.say(r)
		}
		if one.patient != 0 && !slices.Contains(d.Patients, one.patient) {
			d.Patients = append(d.Patients, one.patient)
			if one.sensitive {
				d.Sensitive = append(d.Sensitive, one.patient)
			}
		}
	}
	for _, r := range c.sum.words() {
		d.say(r)
	}
	return d
}

func (d *Day) say(reason string) {
	if len(d.Reasons) < maxWords && !slices.Contains(d.Reasons, reason) {
		d.Reasons = append(d.Reasons, reason)
	}
}

// teach takes a closed day into what is usual.
func (m *Model) teach(c *closing) {
	t, p, table := c.tally, c.person, steps()
	for of := range measures {
		x := math.Log1p(t.values[of])
		own, peers := t.usual[of].above(t.values[of], 0)
		rest := x - t.usual[of].own
		for g := c.group; g != nil; g = g.parent {
			s := &g.measure[of]
			s.sum += x
			s.squares += x * x
			if p.days >= 3 {
				s.rest += rest * rest
				s.restOf++
			}
			for at := range table {
				if own >= table[at].from {
					g.reached[of][0][at]++
				}
				if peers >= table[at].from {
					g.reached[of][1][at]++
				}
			}
		}
		p.measure[of] += x
	}
	for g := c.group; g != nil; g = g.parent {
		g.days++
		for i := range t.charts {
			side := known(t.charts[i].known)
			bin := depthBin(t.charts[i].times)
			g.depth[side][bin]++
			g.wrote[side][bin] += oneIf(t.charts[i].wrote)
		}
	}
	if t.logins >= 2 {
		m.everyone.strangeDays++
		for at, s := range strangeSteps() {
			if t.strange >= s.from {
				m.everyone.strangeReached[at]++
			}
		}
	}
	p.days++
	p.patients += t.values[patients]
	p.doubtful += t.values[unexplained]
}

// grow ends a day for what is learned: it fades, what is old is forgotten, and persons are
// compared with each other over the month.
func (m *Model) grow(last date) {
	by := m.cfg.decay()
	m.everyone.fade(by)
	for _, g := range m.groups {
		g.fade(by)
	}
	for _, p := range m.people {
		if p != nil {
			p.fade(by)
		}
	}
	keep := date(m.cfg.Keep.Hours() / 24)
	if last > keep {
		m.visits.forget(last - keep)
		for place, seen := range m.house {
			if seen < last-keep {
				delete(m.house, place)
			}
		}
	}
	m.dir.Forget(m.cfg.midnight(last).Add(-m.cfg.Keep))
	m.budget.fade(by)
	covered := m.everyone.class[direct] + m.everyone.class[unitCare] + m.everyone.class[mates] + m.everyone.class[treated]
	m.uncovered = max(0, 1-2*covered/max(m.everyone.accesses, 1))
	m.compare()
}
