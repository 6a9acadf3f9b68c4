package scim

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// Bounds on a filter (RFC 7644, 3.4.2.2): it is read by recursion and asked of every resource.
const (
	maxFilter  = 2 << 10 // bytes
	maxNesting = 16      // parentheses, not and brackets
	maxTerms   = 40      // comparisons
)

// filter is a question about an object.
type filter interface {
	asks(o object) bool
}

// parser reads filters and paths by recursive descent.
type parser struct {
	resource resource
	in       []attribute // what names mean here: those of the resource, or within brackets of an attribute
	words    []string
	depth    int
	terms    int
}

// parseFilter reads a filter on resources of a type.
func (r resource) parseFilter(text string) (filter, error) {
	p, err := r.parser(text)
	if err != nil {
		return nil, err
	}
	f, err := p.or()
	if err == nil && len(p.words) > 0 {
		err = badFilter()
	}
	return f, err
}

func (r resource) parser(text string) (*parser, error) {
	if len(text) > maxFilter {
		return nil, bad(invalidFilter, "a filter has at most %d bytes", maxFilter)
	}
	words, ok := split(text)
	if !ok {
		return nil, badFilter()
	}
	return &parser{resource: r, in: r.attributes, words: words}, nil
}

func badFilter() error {
	return bad(invalidFilter, `a filter compares attributes, as in: userName eq "ann" and active eq true`)
}

// split cuts a filter into words: names, operators, JSON values, parentheses and brackets.
func split(text string) ([]string, bool) {
	var words []string
	for text = strings.TrimLeft(text, " "); text != ""; text = strings.TrimLeft(text, " ") {
		n := 1
		switch text[0] {
		case '(', ')', '[', ']':
		case '"':
			if n = quoted(text); n == 0 {
				return nil, false
			}
		default:
			if n = strings.IndexAny(text, " ()[]\""); n < 0 {
				n = len(text)
			}
		}
		words = append(words, text[:n])
		text = text[n:]
	}
	return words, true
}

// quoted gives the length of the JSON string that a text begins with, 0 where it does not end.
func quoted(text string) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}

func (p *parser) peek() string {
	if len(p.words) == 0 {
		return ""
	}
	return p.words[0]
}

func (p *parser) next() string {
	w := p.peek()
	if len(p.words) > 0 {
		p.words = p.words[1:]
	}
	return w
}

func (p *parser) takes(word string) bool {
	if !strings.EqualFold(p.peek(), word) {
		return false
	}
	p.next()
	return true
}

type (
	anyOf   []filter
	allOf   []filter
	negated struct{ filter }
)

func (f anyOf) asks(o object) bool {
	return slices.ContainsFunc(f, func(g filter) bool { return g.asks(o) })
}

func (f allOf) asks(o object) bool {
	return !slices.ContainsFunc(f, func(g filter) bool { return !g.asks(o) })
}

func (f negated) asks(o object) bool { return !f.filter.asks(o) }

func (p *parser) or() (filter, error) {
	var list anyOf
	for {
		f, err := p.and()
		if err != nil {
			return nil, err
		}
		list = append(list, f)
		if !p.takes("or") {
			break
		}
	}
	if len(list) == 1 {
		return list[0], nil
	}
	return list, nil
}

func (p *parser) and() (filter, error) {
	var list allOf
	for {
		f, err := p.term()
		if err != nil {
			return nil, err
		}
		list = append(list, f)
		if !p.takes("and") {
			break
		}
	}
	if len(list) == 1 {
		return list[0], nil
	}
	return list, nil
}

// term reads a comparison, or what is in parentheses, perhaps negated.
func (p *parser) term() (filter, error) {
	if p.terms++; p.terms > maxTerms {
		return nil, bad(invalidFilter, "a filter makes at most %d comparisons", maxTerms)
	}
	if strings.EqualFold(p.peek(), "not") && len(p.words) > 1 && p.words[1] == "(" {
		p.next()
		f, err := p.within(")", p.or)
		return negated{f}, err
	}
	if p.peek() == "(" {
		return p.within(")", p.or)
	}
	return p.comparison()
}

// within reads what stands between a bracket, which comes next, and the one that closes it.
func (p *parser) within(end string, f func() (filter, error)) (filter, error) {
	if p.depth++; p.depth > maxNesting {
		return nil, bad(invalidFilter, "a filter nests at most %d levels", maxNesting)
	}
	p.next()
	inner, err := f()
	p.depth--
	if err == nil && p.next() != end {
		err = badFilter()
	}
	return inner, err
}

// comparison reads NAME pr, NAME OP VALUE or NAME[filter].
func (p *parser) comparison() (filter, error) {
	at, err := p.place(p.next())
	if err != nil {
		return nil, err
	}
	if p.peek() == "[" {
		return p.bracketed(at)
	}
	op := strings.ToLower(p.next())
	if op == "pr" {
		return present{at}, nil
	}
	if !slices.Contains([]string{"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"}, op) {
		return nil, badFilter()
	}
	return newCompare(at, op, p.next())
}

// bracketed reads a filter on one value of a list (RFC 7644, 3.4.2.2, "valuePath").
func (p *parser) bracketed(at place) (filter, error) {
	if at.sub.name != "" || !at.attribute.multi {
		return nil, badFilter()
	}
	outer := p.in
	p.in = at.attribute.sub
	f, err := p.within("]", p.or)
	p.in = outer
	return element{at.attribute.name, f}, err
}

// element asks whether one value of a list answers.
type element struct {
	name string
	filter
}

func (f element) asks(o object) bool { return slices.ContainsFunc(listOf(o, f.name), f.filter.asks) }

// literal reads a JSON string, number, true, false or null.
func literal(word string) (any, bool) {
	var v any
	if word == "" || json.Unmarshal([]byte(word), &v) != nil {
		return nil, false
	}
	switch v.(type) {
	case object, []any:
		return nil, false
	}
	return v, true
}
