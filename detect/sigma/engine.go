package sigma

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/finding"
)

// Engine holds a stream against the rules of a Set. It goes by the events' own time, and gives the same hits for the
// same events. Not safe for concurrent use.
type Engine struct {
	set      *Set
	view     view
	trackers map[int]*tracker
	items    int   // what all trackers remember
	now      int64 // the latest time of an event, in milliseconds since 1970
	forgot   uint64
}

// New returns an Engine that has seen nothing.
func New(s *Set) *Engine {
	e := &Engine{set: s, trackers: map[int]*tracker{}}
	for i, c := range s.rules {
		if c != nil && c.relates != nil {
			e.trackers[i] = newTracker(c.relates)
		}
	}
	return e
}

// Set is what the Engine goes by.
func (x *Engine) Set() *Set { return x.set }

// Forgotten counts the groups that were forgotten before their time, for want of room.
func (x *Engine) Forgotten() uint64 { return x.forgot }

// Observe takes the next event and gives the hits that it completes, and those whose time has run out with it.
func (x *Engine) Observe(e *event.Event) []finding.Hit {
	var hits []finding.Hit
	if t := e.Time.UnixMilli(); t > x.now {
		x.now = t
		hits = x.close(hits)
	}
	x.view.begin(e, &x.set.fields)
	if e.Log != nil {
		return x.try(x.set.logs, hits)
	}
	hits = x.try(x.set.byAction[strings.ToLower(string(e.Action))], hits)
	return x.try(x.set.entries, hits)
}

// try asks some detections.
func (x *Engine) try(rules []int, hits []finding.Hit) []finding.Hit {
	for _, i := range rules {
		c := x.set.rules[i]
		if c.source.takes(x.view.e) && c.detects.condition.holds(&x.view) {
			hits = x.fire(i, shown(x.view.e), hits)
		}
	}
	return hits
}

// proof is what shows a hit: the events behind it, within bounds.
type proof struct {
	entries   []string
	patients  []tutela.Bucket
	sensitive []tutela.Bucket
	n         float64 // what was counted
	group     string
}

// The bounds of what a hit shows.
const (
	maxEntries  = 100
	maxPatients = 1000
)

// shown is the proof of one event.
func shown(e *event.Event) proof {
	p := proof{entries: []string{e.ID}}
	for _, t := range e.Patients[:min(len(e.Patients), maxPatients)] {
		p.patients = append(p.patients, t.Patient)
		if flagged(t, "sensitive") || flagged(t, "vip") {
			p.sensitive = append(p.sensitive, t.Patient)
		}
	}
	return p
}

// join adds another proof.
func (p *proof) join(o proof) {
	p.entries = append(p.entries, o.entries[:min(len(o.entries), max(0, maxEntries-len(p.entries)))]...)
	p.patients = append(p.patients, o.patients[:min(len(o.patients), max(0, maxPatients-len(p.patients)))]...)
	p.sensitive = append(p.sensitive, o.sensitive[:min(len(o.sensitive), max(0, maxPatients-len(p.sensitive)))]...)
}

// fire reports a rule that holds, where it is reported by itself, and counts it where others count it.
func (x *Engine) fire(i int, p proof, hits []finding.Hit) []finding.Hit {
	c := x.set.rules[i]
	if c.alone {
		hits = append(hits, x.hit(c, p))
	}
	for _, f := range c.feeds {
		t := x.trackers[f.to]
		for _, key := range x.keys(f.group) {
			before := t.items
			done, complete := t.add(key, f.as, x.sample(t, f, p))
			x.items += t.items - before
			if complete {
				done.group = strings.ReplaceAll(key, "\x1f", " ")
				hits = x.fire(f.to, done, hits)
			}
		}
	}
	x.tidy()
	return hits
}

// hit is a rule's hit by the event at hand.
func (x *Engine) hit(c *compiled, p proof) finding.Hit {
	e := x.view.e
	h := finding.Hit{
		Rule: c.key(), Title: c.Title, Level: c.Level, Likelihood: c.Likelihood, Group: p.group, Actor: e.Actor.ID,
		Patients: distinct(p.patients), Sensitive: distinct(p.sensitive), Entries: p.entries, Answer: c.Answer, At: e.Time,
		Reasons: reasons(c, p),
	}
	if len(c.group) > 0 {
		var parts []string
		for _, g := range c.group {
			parts = append(parts, strings.Join(x.view.of(g.number, g.get), ","))
		}
		h.Group = strings.Join(parts, " ")
	}
	return h
}

func distinct(list []tutela.Bucket) []tutela.Bucket {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}

// reasons say in words why: what the rule is about, and what was counted.
func reasons(c *compiled, p proof) []string {
	text := c.Description
	if text == "" {
		text = c.Title
	}
	list := []string{strings.TrimSpace(text)}
	if c.relates != nil && c.relates.kind != temporal && c.relates.kind != temporalOrdered {
		list = append(list, fmt.Sprintf("%.6g within %s", p.n, c.relates.spanText()))
	}
	return list
}

// keys are the groups that the event at hand is of: one for each combination of values. An event without a value for
// one of the fields is of none.
func (x *Engine) keys(by []grouping) []string {
	keys := []string{""}
	for n, g := range by {
		there := x.view.of(g.number, g.get)
		var next []string
		for _, k := range keys {
			for _, v := range there {
				if n > 0 {
					v = k + "\x1f" + v
				}
				if next = append(next, v); len(next) == maxKeys {
					break
				}
			}
		}
		keys = next
	}
	return keys
}

// maxKeys bounds the groups of one event.
const maxKeys = 256

// sample is what a tracker is to remember of the event at hand.
func (x *Engine) sample(t *tracker, f feed, p proof) sample {
	e := x.view.e
	s := sample{At: e.Time.UnixMilli(), Weight: int64(max(1, e.Count)), Actor: e.Actor.ID, proof: p}
	if t.rel.kind == eventCount || len(f.value) == 0 {
		return s
	}
	s.Values = x.keys(f.value)
	return s
}

// close judges the groups whose time is over.
func (x *Engine) close(hits []finding.Hit) []finding.Hit {
	for i, c := range x.set.rules {
		t := x.trackers[i]
		if t == nil || len(t.closings) == 0 {
			continue
		}
		before := t.items
		for _, done := range t.close(x.now) {
			hits = append(hits, finding.Hit{
				Rule: c.key(), Title: c.Title, Level: c.Level, Likelihood: c.Likelihood, Group: done.group,
				Patients: distinct(done.patients), Sensitive: distinct(done.sensitive), Entries: done.entries, Answer: c.Answer,
				At: done.at, Actor: done.actor, Reasons: reasons(c, done.proof),
			})
		}
		x.items += t.items - before
	}
	return hits
}

// maxItems bounds what all correlations remember together, at some 200 bytes each.
const maxItems = 200_000

// tidy forgets what is oldest when there is too much.
func (x *Engine) tidy() {
	if x.items <= maxItems {
		return
	}
	x.items = 0
	for i := range x.set.rules {
		if t := x.trackers[i]; t != nil {
			x.forgot += uint64(t.halve(x.now))
			x.items += t.items
		}
	}
}
