package scim

import (
	"strings"
	"time"
)

// place is where a filter or path leads: an attribute, or a part of a complex one.
type place struct {
	schema    string // the extension that holds it
	attribute attribute
	sub       attribute // its name is empty where the whole attribute is meant
}

// place reads a name, as in userName, name.familyName or URN:department.
func (p *parser) place(name string) (place, error) {
	schema, rest := p.resource.withoutURN(name)
	in := p.in
	var at place
	if schema != "" {
		extension, _ := find(p.resource.attributes, schema)
		if rest == "" {
			return place{attribute: extension}, nil
		}
		at.schema, in = extension.name, extension.sub
	}
	head, tail, dotted := strings.Cut(rest, ".")
	var known bool
	if at.attribute, known = find(in, head); !known {
		return at, bad(invalidFilter, "the filter names an attribute that is not kept")
	}
	if dotted {
		if at.sub, known = find(at.attribute.sub, tail); !known {
			return at, bad(invalidFilter, "the filter names an attribute that is not kept")
		}
	}
	return at, nil
}

// leaf is the attribute whose values are compared: of a list of objects, their value.
func (at place) leaf() attribute {
	if at.sub.name != "" {
		return at.sub
	}
	if value, ok := find(at.attribute.sub, "value"); ok {
		return value
	}
	return at.attribute
}

// values gives what is there, of a list everything.
func (at place) values(o object) []any {
	if at.schema != "" {
		o = partOf(o, at.schema)
	}
	v, there := o[at.attribute.name]
	if !there {
		return nil
	}
	list, many := v.([]any)
	if !many {
		list = []any{v}
	}
	leaf := at.leaf()
	if leaf.name == at.attribute.name && at.sub.name == "" {
		return list
	}
	var out []any
	for _, item := range list {
		if part, ok := item.(object); ok && part[leaf.name] != nil {
			out = append(out, part[leaf.name])
		}
	}
	return out
}

// present asks whether there is a value that is not empty.
type present struct{ place }

func (f present) asks(o object) bool {
	for _, v := range f.values(o) {
		if part, complex := v.(object); v != "" && (!complex || len(part) > 0) {
			return true
		}
	}
	return false
}

// compare asks how a value compares with a literal.
type compare struct {
	place
	op   string
	want any
}

func newCompare(at place, op, word string) (filter, error) {
	want, ok := literal(word)
	leaf := at.leaf()
	_, isText := want.(string)
	_, isTruth := want.(bool)
	switch {
	case !ok:
		return nil, badFilter()
	case want == nil && (op == "eq" || op == "ne"):
	case leaf.kind == complexed:
		return nil, bad(invalidFilter, "the filter compares a whole object")
	case leaf.kind == truth:
		// "True" is what Entra ID sends for true
		b, err := leaf.boolean(want)
		if err != nil || op != "eq" && op != "ne" {
			return nil, bad(invalidFilter, "%s is compared with true or false by eq and ne", leaf.name)
		}
		want = b
	case !isText || isTruth:
		return nil, bad(invalidFilter, "%s is compared with a string", leaf.name)
	case leaf.kind == moment:
		if _, err := time.Parse(time.RFC3339, want.(string)); err != nil {
			return nil, bad(invalidFilter, "%s is compared with a time of RFC 3339", leaf.name)
		}
	}
	return compare{at, op, want}, nil
}

func (f compare) asks(o object) bool {
	values := f.values(o)
	if f.want == nil {
		return (len(values) == 0) == (f.op == "eq")
	}
	if f.op == "ne" {
		return !f.some(values, "eq")
	}
	return f.some(values, f.op)
}

func (f compare) some(values []any, op string) bool {
	for _, v := range values {
		if f.one(v, op) {
			return true
		}
	}
	return false
}

func (f compare) one(v any, op string) bool {
	want, isText := f.want.(string)
	have, ok := v.(string)
	if !isText || !ok {
		return op == "eq" && v == f.want
	}
	leaf := f.leaf()
	if leaf.kind == moment {
		return ordered(op, compareTimes(have, want))
	}
	if !leaf.exact {
		have, want = strings.ToLower(have), strings.ToLower(want)
	}
	switch op {
	case "co":
		return strings.Contains(have, want)
	case "sw":
		return strings.HasPrefix(have, want)
	case "ew":
		return strings.HasSuffix(have, want)
	default:
		return ordered(op, strings.Compare(have, want))
	}
}

func ordered(op string, c int) bool {
	switch op {
	case "eq":
		return c == 0
	case "gt":
		return c > 0
	case "ge":
		return c >= 0
	case "lt":
		return c < 0
	case "le":
		return c <= 0
	default:
		return false
	}
}

// compareTimes orders two times of RFC 3339; what is none comes first.
func compareTimes(a, b string) int {
	x, _ := time.Parse(time.RFC3339, a)
	y, _ := time.Parse(time.RFC3339, b)
	return x.Compare(y)
}
