package baseline

import (
	"slices"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/roster"
)

// Times that decide how near a relation is, in minutes.
const (
	hour = roster.Minute(60)
	day  = 24 * hour

	running   = 12 * hour // a shift after its end a relation still counts as running
	justEnded = 2 * day
	aWeek     = 7 * day
	aMonth    = 35 * day
)

// care is how care explains one access to one chart.
type care struct {
	class   class
	unit    roster.Unit   // the unit that explains, when one does
	with    roster.Person // the colleague who does
	others  int           // how many people stand for team and active
	crowd   int           // people without a part in the care, of late
	returns bool          // the person was here before on another day, and nothing explained it
	haunts  bool          // the same on two days and more, and nothing was written
	wrote   bool
}

// care finds the best explanation of an access.
func (m *Model) care(s *scene, t *tutela.Touched) care {
	c := care{class: idle}
	m.byRelation(s, t.Patient, &c)
	if c.class > treated && (slices.Contains(t.Flags, "treated") || s.ev.Basis != nil && s.ev.Basis.Relationship != "") {
		c.class = treated
	}
	m.byVisits(s, t.Patient, &c)
	if c.class > emergency && (s.ev.BreakGlass != "" || slices.Contains(t.Flags, "emergency")) {
		c.byGlass()
	}
	if c.class == inHouse && s.tally.guest(c.unit).works() {
		c.class = guest
	}
	if c.class > wrote && (s.writes || c.wrote) {
		c.class = wrote
	}
	return c
}

// byGlass takes broken glass for an explanation where the patient is in somebody's care.
func (c *care) byGlass() {
	if c.class == idle || c.class == longEnded || c.class == lately {
		c.class = broken
		return
	}
	c.class = emergency
}

// better takes a class over when it explains better than what was found before.
func (c *care) better(found class, unit roster.Unit, with roster.Person) {
	if found < c.class {
		c.class, c.unit, c.with = found, unit, with
	}
}

// byRelation looks for the relation that explains best.
func (m *Model) byRelation(s *scene, p tutela.Bucket, c *care) {
	for _, t := range m.dir.Ties(p) {
		if s.at+lead(t.Kind) < t.From {
			continue
		}
		var since roster.Minute // since the relation ended
		if s.at > t.To {
			since = s.at - t.To
		}
		early := s.at+running < t.From
		switch {
		case since > aMonth:
		case t.Person == s.who && t.Person != 0:
			c.better(near(direct, since, early), t.Unit, 0)
		case s.within(t.Unit) || m.dir.Covers(s.who, t.Unit, s.at):
			c.better(near(unitCare, since, early), t.Unit, 0)
		case t.Person != 0 && s.within(m.unitOf(t.Person)):
			c.better(near(mates, since, early), 0, t.Person)
		case since <= justEnded && t.Kind != roster.Billing:
			c.better(inHouse, t.Unit, t.Person)
		default:
			c.better(lately, t.Unit, t.Person)
		}
	}
}

// near gives the class of a relation that joins the person to the patient, by when it holds.
func near(held class, since roster.Minute, early bool) class {
	switch {
	case early:
		return recent
	case since <= running:
		return held
	case since <= justEnded:
		return recent
	case since <= aWeek:
		return ended
	}
	return longEnded
}

// lead is how long before its beginning a relation explains an access: one prepares for what is
// planned.
func lead(k roster.Kind) roster.Minute {
	switch k {
	case roster.Appointment, roster.Referral, roster.Order:
		return aWeek
	}
	return day
}

// unitOf gives the unit in which somebody was last seen, or the roster's.
func (m *Model) unitOf(n roster.Person) roster.Unit {
	if int(n) < len(m.people) && m.people[n] != nil && m.people[n].unit != 0 {
		return m.people[n].unit
	}
	if posts := m.dir.Posts(n); len(posts) > 0 {
		return posts[len(posts)-1].Unit
	}
	return 0
}

// byVisits looks at who else opened the chart in these days. Visits that care explained stand for
// work; those that it did not stand for work only as far as relations are not delivered here.
func (m *Model) byVisits(s *scene, p tutela.Bucket, c *care) {
	const days = 3
	colleagues, others := 0.0, 0
	var with roster.Person
	for _, v := range m.visits[p] {
		if v.person == s.who {
			m.ownVisit(s, v, c)
			continue
		}
		doubtful := v.marks&(visitExplained|visitWrote) == 0
		if doubtful && v.last+aWeekOfDays >= s.day {
			c.crowd++
		}
		if v.last+days < s.day {
			continue
		}
		others++
		if !s.within(m.unitOf(v.person)) {
			continue
		}
		if doubtful {
			colleagues += m.uncovered
		} else {
			colleagues++
		}
		with = v.person
	}
	c.others = others
	switch {
	case colleagues >= 1.5:
		c.better(team, 0, with)
	case colleagues >= .75:
		c.better(colleague, 0, with)
	}
	if others >= 2 {
		c.better(active, 0, 0)
	}
}

const aWeekOfDays = 7

// ownVisit looks at the person's own earlier accesses to the chart. They explain nothing once a
// relation is known to have ended.
func (m *Model) ownVisit(s *scene, v visit, c *care) {
	const days = 14
	explained := v.marks&visitExplained != 0
	c.returns = !explained && v.last < s.day
	c.haunts = !explained && v.marks&visitWrote == 0 && v.days >= 2 && (v.last < s.day || v.days >= 3)
	c.wrote = v.marks&visitWrote != 0 && v.last+aWeekOfDays >= s.day
	if explained && v.last+days >= s.day && c.class != ended && c.class != longEnded {
		c.better(repeat, 0, 0)
	}
}
