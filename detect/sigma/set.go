package sigma

import (
	"fmt"
	"slices"
	"strings"
)

// Set is rules that may refer to one another, ready for an Engine. It does not change.
type Set struct {
	rules    []*compiled
	byAction map[string][]int // entries' rules that need one of some actions
	entries  []int            // entries' rules that take any
	logs     []int
	fields   fields
}

// compiled is a rule with what it leads to.
type compiled struct {
	*Rule
	alone bool   // it is reported by itself
	feeds []feed // correlations that count it
	group []grouping
}

// feed leads a rule's events to a correlation.
type feed struct {
	to    int // the correlation, by its place in the set
	as    []int
	group []grouping
	value []grouping // whose values count
}

// grouping is a field of the rule's events.
type grouping struct {
	number int
	get    getter
}

// NewSet joins rules. Those that refer to what is not there, or to themselves, are Problems; the others count. Later
// rules with an id or a name that is taken are Problems too.
func NewSet(rules []*Rule) (*Set, []*Problem) {
	b := &builder{set: &Set{byAction: map[string][]int{}}, at: map[string]int{}}
	for _, r := range rules {
		b.add(r)
	}
	for b.drop() { // a correlation of one that was dropped goes too
	}
	b.join()
	b.index()
	return b.set, b.problems
}

// builder makes a set.
type builder struct {
	set      *Set
	at       map[string]int // by id and by name
	problems []*Problem
}

func (b *builder) fail(r *Rule, err error) {
	b.problems = append(b.problems, &Problem{r.place, r.Title, err})
}

func (b *builder) add(r *Rule) {
	for _, key := range []string{r.ID, r.Name} {
		if _, taken := b.at[key]; taken && key != "" {
			b.fail(r, fmt.Errorf("another rule is called %q too", key))
			return
		}
	}
	for _, key := range []string{r.ID, r.Name} {
		if key != "" {
			b.at[key] = len(b.set.rules)
		}
	}
	b.set.rules = append(b.set.rules, &compiled{Rule: r, alone: true})
}

// drop takes correlations out that cannot be, and reports whether there were any.
func (b *builder) drop() bool {
	for i, c := range b.set.rules {
		if c == nil || c.relates == nil {
			continue
		}
		if err := b.sound(c.Rule, nil); err != nil {
			b.fail(c.Rule, err)
			b.set.rules[i] = nil
			return true
		}
	}
	return false
}

// sound holds that what a correlation refers to is there, and does not lead back to it.
func (b *builder) sound(r *Rule, above []string) error {
	if slices.Contains(above, r.key()) {
		return fmt.Errorf("refers to itself, by way of %s", strings.Join(above, ", "))
	}
	if len(above) > maxDepth {
		return fmt.Errorf("refers to rules that refer to others more than %d deep", maxDepth)
	}
	for _, name := range r.relates.rules {
		at, ok := b.at[name]
		if !ok || b.set.rules[at] == nil {
			return fmt.Errorf("refers to %q, and there is no such rule", name)
		}
		other := b.set.rules[at].Rule
		if err := b.grouped(r, other); err != nil {
			return err
		}
		if other.relates == nil {
			continue
		}
		if other.relates.closing() {
			return fmt.Errorf("refers to %q, whose condition is judged only when its timespan is over", name)
		}
		if err := b.sound(other, append(above, r.key())); err != nil {
			return err
		}
	}
	return nil
}

// grouped holds that the events of every rule below have the fields that a correlation asks for.
func (b *builder) grouped(r, other *Rule) error {
	for _, base := range b.bases(other, 0) {
		for _, name := range append(slices.Clone(r.relates.groupBy), r.relates.fields...) {
			field := r.relates.fieldFor(name, other)
			if _, known := base.source.field(field); !known {
				return fmt.Errorf("asks for the field %q, which the events of %q do not have", field, base.key())
			}
		}
	}
	return nil
}

// bases are the detections that a rule comes down to.
func (b *builder) bases(r *Rule, depth int) []*Rule {
	if r.relates == nil {
		return []*Rule{r}
	}
	var list []*Rule
	for _, name := range r.relates.rules {
		if at, ok := b.at[name]; ok && b.set.rules[at] != nil && depth < maxDepth {
			list = append(list, b.bases(b.set.rules[at].Rule, depth+1)...)
		}
	}
	return list
}

// join leads rules to the correlations that count them.
func (b *builder) join() {
	for i, c := range b.set.rules {
		if c == nil {
			continue
		}
		if c.relates == nil {
			b.prepare(c)
			continue
		}
		for place, name := range c.relates.rules {
			below := b.set.rules[b.at[name]]
			below.alone = below.alone && c.relates.generate
			b.lead(below, i, place)
		}
	}
}

// lead adds a feed, or another place to the one that is there.
func (b *builder) lead(below *compiled, to, place int) {
	if n := slices.IndexFunc(below.feeds, func(f feed) bool { return f.to == to }); n >= 0 {
		below.feeds[n].as = append(below.feeds[n].as, place)
		return
	}
	rel := b.set.rules[to].relates
	below.feeds = append(below.feeds, feed{
		to: to, as: []int{place}, group: b.groupings(below.Rule, rel, rel.groupBy), value: b.groupings(below.Rule, rel, rel.fields),
	})
}

// groupings are the fields that names stand for in a rule's events.
func (b *builder) groupings(below *Rule, rel *correlation, names []string) []grouping {
	var list []grouping
	base := b.bases(below, 0)[0]
	for _, name := range names {
		list = append(list, b.field(base, rel.fieldFor(name, below)))
	}
	return list
}

func (b *builder) field(base *Rule, name string) grouping {
	get, _ := base.source.field(name)
	space := "entry "
	if base.source.log {
		space = "log "
	}
	return grouping{b.set.fields.number(space+name, get), get}
}

// prepare numbers the fields of a detection.
func (b *builder) prepare(c *compiled) {
	for _, s := range c.detects.searches {
		for _, all := range s {
			for i := range all {
				all[i].prepare(&b.set.fields, c.source)
			}
		}
	}
	for _, name := range c.Group {
		if _, known := c.source.field(name); known {
			c.group = append(c.group, b.field(c.Rule, name))
		}
	}
}

// index sorts detections by what an event must be for them to look at it.
func (b *builder) index() {
	for i, c := range b.set.rules {
		switch {
		case c == nil || c.detects == nil:
		case c.source.log:
			b.set.logs = append(b.set.logs, i)
		default:
			actions, bound := c.detects.condition.needs("metadata.event_code")
			if !bound {
				b.set.entries = append(b.set.entries, i)
			}
			slices.Sort(actions)
			for _, a := range slices.Compact(actions) {
				a = strings.ToLower(a)
				b.set.byAction[a] = append(b.set.byAction[a], i)
			}
		}
	}
}

// Rules are the rules in force.
func (s *Set) Rules() []*Rule {
	var list []*Rule
	for _, c := range s.rules {
		if c != nil {
			list = append(list, c.Rule)
		}
	}
	return list
}
