package sigma

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// detection is what a rule looks for: named searches, and the condition that joins them.
type detection struct {
	searches  map[string]search
	order     []string // names, sorted
	condition condition
}

// search is one search identifier: some alternatives, of which one must hold.
type search []conjunction

// conjunction is what must all hold.
type conjunction []item

// item asks one thing of one field.
type item struct {
	name  string // of the field; empty for the whole line
	get   getter
	tests []test
	all   bool // every test must hold, not one
	not   bool // none of them may
	raw   []string

	special special
	other   getter // of a comparison with another field
	cased   bool
	fold    func(s, t string) bool

	number, second int // of the fields, in the set that the rule is compiled into
	shared         int // number among the items of the set: items that ask the same share it
	key            string
}

// special is what is asked of a field beside its values.
type special int

const (
	byValue special = iota
	isNull
	exists
	missing
	sameAs // as another field's
)

// readDetection reads the searches and the condition.
func readDetection(n *yaml.Node, s logsource) (*detection, error) {
	d := &detection{searches: map[string]search{}}
	var condition *yaml.Node
	err := eachMember(n, func(key string, v *yaml.Node) error {
		if key == "condition" {
			condition = v
			return nil
		}
		found, err := readSearch(v, s)
		d.searches[key] = found
		d.order = append(d.order, key)
		return err
	})
	if err != nil {
		return nil, err
	}
	if condition == nil {
		return nil, flaw(n, "has no condition")
	}
	slices.Sort(d.order)
	d.condition, err = d.readCondition(condition)
	return d, err
}

// readSearch reads a map, a list of maps, or keywords.
func readSearch(n *yaml.Node, s logsource) (search, error) {
	switch n.Kind {
	case yaml.MappingNode:
		c, err := readConjunction(n, s)
		return search{c}, err
	case yaml.ScalarNode:
		i, err := readItem("", n, s)
		return search{conjunction{i}}, err
	case yaml.SequenceNode:
		return readAlternatives(n, s)
	}
	return nil, flaw(n, "is no search: give a map, or a list")
}

// readAlternatives reads a list of maps and keywords; keywords are alternatives too.
func readAlternatives(n *yaml.Node, s logsource) (search, error) {
	var out search
	for _, c := range n.Content {
		one, err := readSearch(c, s)
		if err != nil {
			return nil, err
		}
		out = append(out, one...)
	}
	if len(out) == 0 {
		return nil, flaw(n, "is empty")
	}
	return out, nil
}

func readConjunction(n *yaml.Node, s logsource) (conjunction, error) {
	var c conjunction
	err := eachMember(n, func(key string, v *yaml.Node) error {
		i, err := readItem(key, v, s)
		c = append(c, i)
		return err
	})
	if err == nil && len(c) == 0 {
		err = flaw(n, "is empty")
	}
	return c, err
}

// readItem reads "field|modifier|modifier: values"; without a field the values are keywords.
func readItem(key string, v *yaml.Node, s logsource) (item, error) {
	name, rest, _ := strings.Cut(key, "|")
	c := chain{line: v}
	if rest != "" {
		c.names = strings.Split(rest, "|")
	}
	if err := c.check(); err != nil {
		return item{}, err
	}
	i := item{name: name, get: wholeLine, all: c.has("all"), not: c.has("neq"), key: key}
	if name != "" {
		known := false
		if i.get, known = s.field(name); !known {
			return item{}, flaw(v, "there is no field %q: docs/detection-rules.md lists them", name)
		}
	} else if !c.has("re") && !slices.ContainsFunc(c.names, anchors) {
		c.names = append(c.names, "contains") // keywords stand anywhere
	}
	list := []*yaml.Node{v}
	if v.Kind == yaml.SequenceNode {
		list = v.Content
	}
	return i, i.fill(c, v, list, s)
}

func anchors(modifier string) bool { return modifier == "startswith" || modifier == "endswith" }

// fill reads the values.
func (i *item) fill(c chain, v *yaml.Node, list []*yaml.Node, s logsource) error {
	switch {
	case len(list) == 0:
		return flaw(v, "has no values")
	case i.all && len(list) < 2:
		return flaw(v, "has the modifier all for a single value")
	case c.has("exists"):
		return i.existence(v)
	case c.has("fieldref"):
		return i.reference(c, v, s)
	case len(list) == 1 && list[0].Tag == "!!null":
		i.special = isNull
		return nil
	}
	for _, n := range list {
		if n.Tag == "!!null" {
			return flaw(n, "null cannot stand in a list: make a search of its own")
		}
		tests, err := c.compile(n)
		if err != nil {
			return err
		}
		if i.all && len(tests) > 1 {
			tests = []test{either(tests)}
		}
		i.tests = append(i.tests, tests...)
		i.raw = append(i.raw, n.Value)
		i.key += "\x00" + n.Value
	}
	if len(c.names) > 0 && !slices.Equal(c.names, []string{"cased"}) {
		i.raw = nil // not the values as they stand
	}
	return nil
}

func either(tests []test) test {
	return func(value, lower string) bool {
		return slices.ContainsFunc(tests, func(t test) bool { return t(value, lower) })
	}
}

// existence reads "field|exists: true".
func (i *item) existence(v *yaml.Node) error {
	var want bool
	if v.Decode(&want) != nil {
		return flaw(v, "exists is true or false")
	}
	if i.special = missing; want {
		i.special = exists
	}
	return nil
}

// reference reads "field|fieldref: other".
func (i *item) reference(c chain, v *yaml.Node, s logsource) error {
	if v.Kind != yaml.ScalarNode {
		return flaw(v, "fieldref names one field")
	}
	other, known := s.field(v.Value)
	if !known {
		return flaw(v, "there is no field %q: docs/detection-rules.md lists them", v.Value)
	}
	i.special, i.other, i.raw = sameAs, other, []string{v.Value}
	switch {
	case c.has("contains"):
		i.fold = strings.Contains
	case c.has("startswith"):
		i.fold = strings.HasPrefix
	case c.has("endswith"):
		i.fold = strings.HasSuffix
	default:
		i.fold = func(s, t string) bool { return s == t }
	}
	i.cased = c.has("cased")
	return nil
}

// prepare gives the item its fields' numbers.
func (i *item) prepare(f *fields, s logsource) {
	space := "entry "
	if s.log {
		space = "log "
	}
	i.number = f.number(space+i.name, i.get)
	i.shared = f.share(space + i.key)
	if i.special == sameAs {
		i.second = f.number(space+i.raw[0], i.other)
	}
}

// holds reports whether an event is as the item wants it. What several rules ask is answered once.
func (i *item) holds(v *view) bool {
	if i.special != byValue {
		return i.asks(v)
	}
	a := &v.answers[i.shared]
	if a.turn != v.turn {
		a.turn, a.holds = v.turn, i.asks(v)
	}
	return a.holds
}

func (i *item) asks(v *view) bool {
	there := v.of(i.number, i.get)
	switch i.special {
	case isNull:
		return !slices.ContainsFunc(there, func(s string) bool { return s != "" })
	case exists:
		return len(there) > 0
	case missing:
		return len(there) == 0
	case sameAs:
		return i.same(v) != i.not
	}
	lower := v.lower(i.number, i.get)
	if i.all {
		return !slices.ContainsFunc(i.tests, func(t test) bool { return !meets(t, there, lower) }) != i.not
	}
	return slices.ContainsFunc(i.tests, func(t test) bool { return meets(t, there, lower) }) != i.not
}

// meets reports whether one of a field's values passes. A field that is not there has the empty value for nobody.
func meets(t test, there, lower []string) bool {
	for i := range there {
		if t(there[i], lower[i]) {
			return true
		}
	}
	return false
}

func (i *item) same(v *view) bool {
	of := v.lower
	if i.cased {
		of = v.of
	}
	others := of(i.second, i.other)
	return slices.ContainsFunc(of(i.number, i.get), func(s string) bool {
		return slices.ContainsFunc(others, func(o string) bool { return i.fold(s, o) })
	})
}

// holds reports whether one alternative holds whole.
func (s search) holds(v *view) bool {
	for _, c := range s {
		if c.holds(v) {
			return true
		}
	}
	return false
}

func (c conjunction) holds(v *view) bool {
	for i := range c {
		if !c[i].holds(v) {
			return false
		}
	}
	return true
}
