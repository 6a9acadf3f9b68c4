package sigma

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
)

// tracker is what one correlation remembers, by group.
type tracker struct {
	rel      *correlation
	span     int64 // milliseconds
	groups   map[string]*group
	closings []closing // by time and key; only of conditions that are judged at the end
	items    int       // samples in all groups
	keep     int       // how many samples of one group can decide
}

// sample is one event as a correlation remembers it.
type sample struct {
	At     int64 // milliseconds since 1970
	Weight int64 // how many alike it stands for
	Values []string
	Actor  tutela.UserID
	proof
}

// closing is a group that is judged at a moment.
type closing struct {
	at  int64
	key string
}

// done is a group that fulfilled a condition at the end of its time.
type done struct {
	proof
	at    time.Time
	actor tutela.UserID
}

func newTracker(rel *correlation) *tracker {
	return &tracker{rel: rel, span: rel.span.Milliseconds(), groups: map[string]*group{}, keep: rel.keep()}
}

// maxKept bounds the samples of one group.
const maxKept = 10_000

// keep is how many samples of a group can decide.
func (c *correlation) keep() int {
	most := 0.0
	for _, l := range c.limits {
		most = max(most, l.value)
	}
	if c.kind == eventCount && c.rising() {
		return int(min(most, maxKept-1)) + 1
	}
	return maxKept
}

// add counts an event in a group, in the places of the rules that it is of. When that fulfils the condition, it gives
// the proof, and the group begins anew.
func (t *tracker) add(key string, places []int, s sample) (proof, bool) {
	g := t.group(key, s.At)
	before := g.size()
	t.take(g, places, s)
	t.items += g.size() - before
	if t.rel.closing() {
		return proof{}, false
	}
	p, ok := t.complete(g)
	if ok {
		t.forget(key)
	}
	return p, ok
}

func (t *tracker) group(key string, at int64) *group {
	g := t.groups[key]
	if g == nil {
		g = &group{opened: at}
		t.groups[key] = g
		if t.rel.closing() {
			t.schedule(closing{at + t.span, key})
		}
	}
	return g
}

// take remembers a sample in the way that the type of correlation needs.
func (t *tracker) take(g *group, places []int, s sample) {
	switch {
	case t.rel.kind == temporalOrdered:
		for _, place := range slices.Backward(places) { // one event is one link of a chain
			g.link(place, len(t.rel.rules), s, t.span)
		}
	case t.rel.kind == temporal:
		for _, place := range places {
			g.latest(strconv.Itoa(place), s)
		}
	case t.rel.kind == valueCount:
		for _, v := range s.Values[:min(len(s.Values), maxKept)] {
			g.latest(v, s)
		}
	default:
		g.insert(s, t.keep)
	}
	g.seen = max(g.seen, s.At)
}

func (t *tracker) forget(key string) {
	if g := t.groups[key]; g != nil {
		t.items -= g.size()
		delete(t.groups, key)
	}
}

// complete judges a group. What has run out counts no more; a condition that is judged at the end counts everything
// since the beginning.
func (t *tracker) complete(g *group) (proof, bool) {
	before := g.size()
	defer func() { t.items += g.size() - before }()
	switch {
	case t.rel.kind == temporalOrdered:
		return t.ordered(g)
	case !t.rel.closing() && t.ripe(g):
		g.expire(g.seen - t.span)
	}
	n := t.measure(g)
	if t.rel.kind == temporal && len(t.rel.limits) == 0 {
		if len(g.newest) < len(t.rel.rules) {
			return proof{}, false
		}
	} else if !t.rel.holds(n) {
		return proof{}, false
	}
	p := joined(g.all())
	p.n = n
	return p, true
}

// ripe reports whether it is worth while to look for what has run out: where distinct values are too few even with
// those, it is not.
func (t *tracker) ripe(g *group) bool {
	return t.rel.kind != valueCount || t.rel.holds(float64(len(g.newest))) || len(g.newest) >= maxKept
}

// measure is the number that a condition is about.
func (t *tracker) measure(g *group) float64 {
	switch t.rel.kind {
	case valueCount, temporal:
		return float64(len(g.newest))
	case eventCount:
		n := int64(0)
		for _, s := range g.samples {
			n += s.Weight
		}
		return float64(n)
	}
	return aggregate(t.rel, numbers(g.samples))
}

// ordered reports whether events of all rules follow one another in the rules' order.
func (t *tracker) ordered(g *group) (proof, bool) {
	if len(g.chains) < len(t.rel.rules) || g.chains[len(t.rel.rules)-1] == nil {
		return proof{}, false
	}
	p := joined(g.chains[len(t.rel.rules)-1])
	p.n = float64(len(t.rel.rules))
	return p, true
}

// joined is the proof of samples, of the newest where there are too many.
func joined(samples []sample) proof {
	var p proof
	for _, s := range samples[max(0, len(samples)-maxEntries):] {
		p.join(s.proof)
	}
	return p
}

// schedule has a group judged at a moment.
func (t *tracker) schedule(c closing) {
	at, _ := slices.BinarySearchFunc(t.closings, c, closing.compare)
	t.closings = slices.Insert(t.closings, at, c)
}

func (c closing) compare(o closing) int {
	return cmp.Or(cmp.Compare(c.at, o.at), strings.Compare(c.key, o.key))
}

// close judges the groups whose time is over.
func (t *tracker) close(now int64) []done {
	var list []done
	for len(t.closings) > 0 && t.closings[0].at <= now {
		c := t.closings[0]
		t.closings = slices.Delete(t.closings, 0, 1)
		g := t.groups[c.key]
		if g == nil {
			continue
		}
		if p, ok := t.complete(g); ok {
			p.group = strings.ReplaceAll(c.key, "\x1f", " ")
			list = append(list, done{p, time.UnixMilli(c.at).UTC(), oneActor(g.all())})
		}
		t.forget(c.key)
	}
	return list
}

// oneActor is whose doing all samples are; empty when several people's.
func oneActor(samples []sample) tutela.UserID {
	if len(samples) == 0 {
		return ""
	}
	for _, s := range samples {
		if s.Actor != samples[0].Actor {
			return ""
		}
	}
	return samples[0].Actor
}

// halve forgets the groups that have run out, and then the older half of the rest. It gives how many of those there
// were.
func (t *tracker) halve(now int64) int {
	maps.DeleteFunc(t.groups, func(_ string, g *group) bool {
		over := g.seen < now-t.span
		if over {
			t.items -= g.size()
		}
		return over
	})
	keys := slices.Collect(maps.Keys(t.groups))
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(cmp.Compare(t.groups[a].seen, t.groups[b].seen), strings.Compare(a, b))
	})
	keys = keys[:len(keys)/2]
	for _, key := range keys {
		t.forget(key)
	}
	return len(keys)
}
