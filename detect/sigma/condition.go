package sigma

import (
	"fmt"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"
)

// condition is an expression over searches (specification, "Condition"). It is built once and then only asked.
type condition interface {
	holds(v *view) bool
	// needs gives values of which the field must have one for the condition to hold; false when it can hold without.
	needs(field string) ([]string, bool)
}

type (
	oneSearch struct{ search }
	anyOf     []condition
	allOf     []condition
	negation  struct{ condition }
)

func (o oneSearch) holds(v *view) bool { return o.search.holds(v) }

func (a anyOf) holds(v *view) bool {
	for _, c := range a {
		if c.holds(v) {
			return true
		}
	}
	return false
}

func (a allOf) holds(v *view) bool {
	for _, c := range a {
		if !c.holds(v) {
			return false
		}
	}
	return true
}

func (n negation) holds(v *view) bool { return !n.condition.holds(v) }

func (n negation) needs(string) ([]string, bool) { return nil, false }

func (a allOf) needs(field string) ([]string, bool) {
	for _, c := range a {
		if values, ok := c.needs(field); ok {
			return values, true
		}
	}
	return nil, false
}

func (a anyOf) needs(field string) ([]string, bool) {
	var all []string
	for _, c := range a {
		values, ok := c.needs(field)
		if !ok {
			return nil, false
		}
		all = append(all, values...)
	}
	return all, len(a) > 0
}

func (o oneSearch) needs(field string) ([]string, bool) {
	var all []string
	for _, c := range o.search {
		values, ok := c.needs(field)
		if !ok {
			return nil, false
		}
		all = append(all, values...)
	}
	return all, true
}

func (c conjunction) needs(field string) ([]string, bool) {
	for i := range c {
		if it := &c[i]; it.name == field && it.special == byValue && !it.not && len(it.raw) > 0 && plain(it.raw) {
			return it.raw, true
		}
	}
	return nil, false
}

func plain(values []string) bool {
	for _, s := range values {
		if strings.ContainsAny(s, `*?\`) {
			return false
		}
	}
	return true
}

// readCondition reads an expression, or a list of them of which one must hold.
func (d *detection) readCondition(n *yaml.Node) (condition, error) {
	if n.Kind == yaml.SequenceNode {
		var any anyOf
		for _, c := range n.Content {
			one, err := d.readCondition(c)
			if err != nil {
				return nil, err
			}
			any = append(any, one)
		}
		return any, nil
	}
	var text string
	if err := scalar(n, &text); err != nil {
		return nil, err
	}
	p := &conditionParser{d: d, words: words(text)}
	c, err := p.or(0)
	if err == nil && len(p.words) > 0 {
		err = fmt.Errorf("has %q where the expression is over", p.words[0])
	}
	if err != nil {
		return nil, flaw(n, "condition %v", err)
	}
	return c, nil
}

// words cuts an expression into names, operators and brackets.
func words(s string) []string {
	return strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ").Replace(s))
}

// conditionParser reads by recursive descent: or binds least, then and, not, "x of", brackets.
type conditionParser struct {
	d     *detection
	words []string
}

func (p *conditionParser) peek() string {
	if len(p.words) == 0 {
		return ""
	}
	return p.words[0]
}

func (p *conditionParser) next() string {
	w := p.peek()
	if len(p.words) > 0 {
		p.words = p.words[1:]
	}
	return w
}

// takes is next if it is the word.
func (p *conditionParser) takes(word string) bool {
	if !strings.EqualFold(p.peek(), word) {
		return false
	}
	p.next()
	return true
}

func (p *conditionParser) or(depth int) (condition, error) {
	var list anyOf
	for {
		c, err := p.and(depth)
		if err != nil {
			return nil, err
		}
		if list = append(list, c); !p.takes("or") {
			break
		}
	}
	if len(list) == 1 {
		return list[0], nil
	}
	return list, nil
}

func (p *conditionParser) and(depth int) (condition, error) {
	var list allOf
	for {
		c, err := p.not(depth)
		if err != nil {
			return nil, err
		}
		if list = append(list, c); !p.takes("and") {
			break
		}
	}
	if len(list) == 1 {
		return list[0], nil
	}
	return list, nil
}

func (p *conditionParser) not(depth int) (condition, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("is nested deeper than %d", maxDepth)
	}
	if p.takes("not") {
		c, err := p.not(depth + 1)
		return negation{c}, err
	}
	if p.takes("(") {
		c, err := p.or(depth + 1)
		if err == nil && !p.takes(")") {
			err = fmt.Errorf("lacks a closing bracket")
		}
		return c, err
	}
	return p.operand()
}

// operand reads a search's name, or "1 of" and "all of" some.
func (p *conditionParser) operand() (condition, error) {
	word := p.next()
	if (word == "1" || strings.EqualFold(word, "any") || strings.EqualFold(word, "all")) && p.takes("of") {
		return p.quantified(strings.EqualFold(word, "all"))
	}
	s, ok := p.d.searches[word]
	switch {
	case word == "":
		return nil, fmt.Errorf("ends where a search is expected")
	case !ok:
		return nil, fmt.Errorf("names %q, and there is no such search", word)
	}
	return oneSearch{s}, nil
}

// quantified reads "them" or a pattern of names. What begins with an underscore is not among "them".
func (p *conditionParser) quantified(all bool) (condition, error) {
	wanted := p.next()
	var list []condition
	for _, name := range p.d.order {
		hit := !strings.HasPrefix(name, "_")
		if !strings.EqualFold(wanted, "them") {
			var err error
			if hit, err = path.Match(wanted, name); err != nil || strings.ContainsAny(wanted, `[]\?`) {
				return nil, fmt.Errorf("has a pattern %q; only * stands for others", wanted)
			}
		}
		if hit {
			list = append(list, oneSearch{p.d.searches[name]})
		}
	}
	switch {
	case len(list) == 0:
		return nil, fmt.Errorf("asks for some of %q, and there are none", wanted)
	case all:
		return allOf(list), nil
	}
	return anyOf(list), nil
}
