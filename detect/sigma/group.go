package sigma

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// group is what is remembered of one combination of values, in one of three ways.
type group struct {
	opened int64 // when its first event was
	seen   int64 // and its newest

	samples []sample          // each event, by time
	newest  map[string]sample // the newest event of each value, or place: repetition takes no room
	chains  [][]sample        // the chain that began last and has come to each place of an order
}

// size is how many samples it holds.
func (g *group) size() int {
	n := len(g.samples) + len(g.newest)
	for _, c := range g.chains {
		n += len(c)
	}
	return n
}

// insert puts a sample in its place in time: what arrives late counts too.
func (g *group) insert(s sample, keep int) {
	at := len(g.samples)
	for at > 0 && g.samples[at-1].At > s.At {
		at--
	}
	if g.samples = slices.Insert(g.samples, at, s); len(g.samples) > keep {
		g.samples = slices.Delete(g.samples, 0, 1)
	}
}

// latest remembers the newest sample of a value.
func (g *group) latest(value string, s sample) {
	if g.newest == nil {
		g.newest = map[string]sample{}
	}
	if old, there := g.newest[value]; !there || s.At >= old.At {
		s.Values = nil
		g.newest[value] = s
	}
}

// link makes a chain longer by an event of the rule at a place, where the one before came to the place before it, not
// later and not longer ago than the timespan. Of two chains the one that began later lasts longer.
func (g *group) link(place, places int, s sample, span int64) {
	if g.chains == nil {
		g.chains = make([][]sample, places)
	}
	if place == 0 {
		g.chains[0] = []sample{s}
		return
	}
	before := g.chains[place-1]
	if len(before) == 0 {
		return
	}
	last := before[len(before)-1]
	if last.At > s.At || s.At-before[0].At > span || slices.Equal(last.entries, s.entries) {
		return
	}
	if now := g.chains[place]; len(now) == 0 || now[0].At <= before[0].At {
		g.chains[place] = append(slices.Clone(before), s)
	}
}

// expire takes out what lies before a moment.
func (g *group) expire(before int64) {
	n := 0
	for n < len(g.samples) && g.samples[n].At < before {
		n++
	}
	g.samples = slices.Delete(g.samples, 0, n)
	maps.DeleteFunc(g.newest, func(_ string, s sample) bool { return s.At < before })
}

// all are the samples by time; of values, each event once.
func (g *group) all() []sample {
	if g.newest == nil {
		return g.samples
	}
	var list []sample
	for _, v := range slices.Sorted(maps.Keys(g.newest)) {
		list = append(list, g.newest[v])
	}
	slices.SortStableFunc(list, func(a, b sample) int {
		return cmp.Or(cmp.Compare(a.At, b.At), strings.Compare(a.entries[0], b.entries[0]))
	})
	return slices.CompactFunc(list, func(a, b sample) bool { return a.entries[0] == b.entries[0] })
}

// numbers are the values that are numbers.
func numbers(samples []sample) []float64 {
	var list []float64
	for _, s := range samples {
		for _, v := range s.Values {
			if n, err := strconv.ParseFloat(v, 64); err == nil && !math.IsNaN(n) && !math.IsInf(n, 0) {
				list = append(list, n)
			}
		}
	}
	return list
}

// aggregate is the sum, mean or percentile (nearest rank) of numbers; NaN, which fulfils nothing, of none.
func aggregate(rel *correlation, list []float64) float64 {
	if len(list) == 0 {
		return math.NaN()
	}
	sum := 0.0
	for _, n := range list {
		sum += n
	}
	switch rel.kind {
	case valueSum:
		return sum
	case valueAverage:
		return sum / float64(len(list))
	}
	slices.Sort(list)
	return list[max(0, int(math.Ceil(rel.share/100*float64(len(list))))-1)]
}
