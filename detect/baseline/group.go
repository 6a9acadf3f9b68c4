package baseline

import (
	"math"

	"github.com/tutela-health/tutela/detect/roster"
	"github.com/tutela-health/tutela/detect/state"
)

// maxGroups bounds how many groups of peers are told apart; beyond it the role's group serves.
const maxGroups = 4000

// groupKey names a group: a role within a unit, a role anywhere (unit 0), everybody (0, 0).
type groupKey struct {
	role roster.Role
	unit roster.Unit
}

// group is what is learned of peers. The counts halve with Config.HalfLife.
type group struct {
	parent *group // whose figures stand in while there are few of one's own; nil for everybody
	trust  float64

	accesses  float64 // from which classes were learned
	class     [classes]float64
	state     [2]float64 // accesses that care does not explain, and that it does
	charts    [2]float64 // first accesses of a day to a chart, the same
	signals   [2][signals]float64
	depth     [2][depths]float64 // charts by how often they were opened in a day
	hour      [hourBins]float64
	hourTotal float64
	wrote     [2][depths]float64 // charts to which something was written, likewise
	kinds     [2]shares          // of action and type, in charts that care does not explain, and elsewhere
	purposes  shares
	bytes     [byteBins]float64
	byteTotal float64

	days    float64 // staff-days from which what follows was learned
	measure [measures]spread
	reached [measures][2][stepCount]float64 // how many days lay that far above the person's own past, and above peers'

	habitMean, habitSpread float64 // share of unexplained patients in a month, between persons
	habitOf                float64 // persons from whom
	habitReached           [stepCount]float64
	habitDays              float64
	strangeReached         [stepCount]float64
	strangeDays            float64
}

// spread is the sums from which mean and deviation of a measure follow, of ln(1+value).
type spread struct {
	sum, squares float64
	rest         float64 // squares of what a person's own past did not foretell
	restOf       float64
}

func newGroup(parent *group, trust float64) *group { return &group{parent: parent, trust: trust} }

// classShare is how often honest work of the group is of a class.
func (g *group) classShare(c class, table *[classes]classWeight) float64 {
	if g.parent == nil {
		return (table[c].honest*trust + g.class[c]) / (trust + g.accesses)
	}
	return (g.parent.classShare(c, table)*g.trust + g.class[c]) / (g.trust + g.accesses)
}

// signalShare is how often a signal holds in honest work, explained or not.
func (g *group) signalShare(s signal, explained int, table *[signals]signalWeight) float64 {
	of := g.state[explained]
	if s.ofPatient() {
		of = g.charts[explained]
	}
	if g.parent == nil {
		return (table[s].honest*trust + g.signals[explained][s]) / (trust + of)
	}
	return (g.parent.signalShare(s, explained, table)*g.trust + g.signals[explained][s]) / (g.trust + of)
}

// reachedShare is how often an honest day lies at least that far above the usual.
func (g *group) reachedShare(m measure, against, at int, table *[stepCount]step) float64 {
	const stands = 300
	if g.parent == nil {
		return (table[at].honest*stands + g.reached[m][against][at]) / (stands + g.days)
	}
	return (g.parent.reachedShare(m, against, at, table)*stands + g.reached[m][against][at]) / (stands + g.days)
}

// habitShare is the same for the share of unexplained patients in a month.
func (g *group) habitShare(at int, table *[stepCount]step) float64 {
	const stands = 300
	return (table[at].honest*stands + g.habitReached[at]) / (stands + g.habitDays)
}

// strangeShare is how often an honest day's logins speak that much for somebody else.
func (g *group) strangeShare(at int) float64 {
	const stands = 300
	table := strangeSteps()
	return (table[at].honest*stands + g.strangeReached[at]) / (stands + g.strangeDays)
}

// usual gives mean and deviation of a measure among the group's days, and the deviation of a
// person's day from the person's own mean.
func (g *group) usual(m measure) (mean, deviation, own float64) {
	const stands = 15
	if g.parent == nil {
		mean, deviation, own = 1.5, 1, 0.6
	} else {
		mean, deviation, own = g.parent.usual(m)
	}
	s := &g.measure[m]
	total := g.days + stands
	was := mean
	mean = (mean*stands + s.sum) / total
	second := ((deviation*deviation+was*was)*stands + s.squares) / total
	deviation = math.Sqrt(max(second-mean*mean, 0.04))
	own = math.Sqrt(max((own*own*stands+s.rest)/(s.restOf+stands), 0.0225))
	return mean, deviation, own
}

// fade lets what was learned lose a day's worth.
func (g *group) fade(by float64) {
	for _, list := range [][]float64{g.class[:], g.state[:], g.charts[:], g.signals[0][:], g.signals[1][:], g.depth[0][:], g.depth[1][:], g.hour[:], g.bytes[:], g.wrote[0][:], g.wrote[1][:], g.kinds[0].counts, g.kinds[1].counts, g.purposes.counts, g.habitReached[:], g.strangeReached[:]} {
		scale(list, by)
	}
	for m := range g.measure {
		s := &g.measure[m]
		s.sum, s.squares, s.rest, s.restOf = s.sum*by, s.squares*by, s.rest*by, s.restOf*by
		scale(g.reached[m][0][:], by)
		scale(g.reached[m][1][:], by)
	}
	for _, n := range []*float64{&g.accesses, &g.hourTotal, &g.byteTotal, &g.kinds[0].total, &g.kinds[1].total, &g.purposes.total, &g.days, &g.habitDays, &g.strangeDays} {
		*n *= by
	}
}

func scale(list []float64, by float64) {
	for i := range list {
		list[i] *= by
	}
}

// pass writes or reads everything but the parent.
func (g *group) pass(c state.Codec) {
	for _, list := range [][]float64{g.class[:], g.state[:], g.charts[:], g.signals[0][:], g.signals[1][:], g.depth[0][:], g.depth[1][:], g.wrote[0][:], g.wrote[1][:], g.hour[:], g.bytes[:], g.habitReached[:], g.strangeReached[:]} {
		c.Floats(list)
	}
	for m := range g.measure {
		s := &g.measure[m]
		c.Floats(g.reached[m][0][:])
		c.Floats(g.reached[m][1][:])
		for _, n := range []*float64{&s.sum, &s.squares, &s.rest, &s.restOf} {
			c.Float(n)
		}
	}
	for _, n := range []*float64{&g.accesses, &g.hourTotal, &g.byteTotal, &g.days, &g.habitDays, &g.strangeDays, &g.habitMean, &g.habitSpread, &g.habitOf} {
		c.Float(n)
	}
	g.kinds[0].pass(c)
	g.kinds[1].pass(c)
	g.purposes.pass(c)
}

// shares counts how a group's accesses fall on few kinds of something, by the kind's number.
type shares struct {
	counts []float64
	total  float64
}

func (s *shares) add(n int) {
	for len(s.counts) <= n {
		s.counts = append(s.counts, 0)
	}
	s.counts[n]++
	s.total++
}

func (s *shares) of(n int) float64 {
	if n < len(s.counts) {
		return s.counts[n]
	}
	return 0
}

func (s *shares) pass(c state.Codec) {
	state.List(c, &s.counts, maxKinds, c.Float)
	c.Float(&s.total)
}
