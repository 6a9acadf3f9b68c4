package baseline

import "math"

// A person who opens one doubtful chart a day makes that the own usual. So persons are compared
// with peers of the role over the month: whoever lies far above them is looked at, however slowly
// it grew.

// habitOf is a person's share of doubtful patients in a month, as the square root (which makes
// counts of few and of many comparable), shrunk while there are few patients.
func habitOf(p *person, mean float64) float64 {
	const stands = 30
	return math.Sqrt((p.doubtful + stands*mean*mean) / (p.patients + stands))
}

// compare works out what is usual among persons and what each one's habit is worth.
func (m *Model) compare() {
	for _, g := range m.groups {
		g.habitMean, g.habitSpread, g.habitOf = 0, 0, 0
	}
	m.eachHabit(func(p *person, g *group) {
		x := habitOf(p, 0)
		g.habitMean += x
		g.habitSpread += x * x
		g.habitOf++
	})
	for _, g := range m.groups {
		if g.habitOf > 0 {
			g.habitMean /= g.habitOf
			g.habitSpread = math.Sqrt(max(g.habitSpread/g.habitOf-g.habitMean*g.habitMean, 0))
		}
	}
	table := steps()
	m.eachHabit(func(p *person, g *group) {
		p.habit = 0
		const least = 8 // peers without whom there is nothing to compare
		if g.habitOf < least {
			return
		}
		above := (habitOf(p, g.habitMean) - g.habitMean) / max(g.habitSpread, .03)
		m.everyone.habitDays++
		for at, s := range table {
			if above >= s.from {
				m.everyone.habitReached[at]++
				odds := math.Log(s.misuse / m.everyone.habitShare(at, &table))
				p.habit = max(p.habit, min(odds, habitMost))
			}
		}
	})
}

// habitMost is the log-odds that a habit counts for at most.
const habitMost = 1.5

// eachHabit calls f for everybody of whom enough is known, with the peers of the role.
func (m *Model) eachHabit(f func(*person, *group)) {
	const days, charts = 4, 20
	for _, p := range m.people {
		if p != nil && p.days >= days && p.patients >= charts {
			f(p, m.groupOf(groupKey{role: p.role}))
		}
	}
}
