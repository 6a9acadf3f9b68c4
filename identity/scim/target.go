package scim

import (
	"maps"
	"slices"
	"strings"
)

// target is where an operation of a PATCH acts.
type target struct {
	place
	filter  filter // of a list, on these values only
	equals  object // what the filter's comparisons say that a value is, where it says nothing else
	ignored bool   // the standard's, and not kept
}

// target reads a path: NAME, NAME.SUB, NAME[filter] or NAME[filter].SUB (RFC 7644, 3.5.2, figure 7).
func (r resource) target(path string) (target, error) {
	p, err := r.parser(path)
	if err != nil || len(p.words) == 0 {
		return target{}, bad(invalidPath, "a path names an attribute")
	}
	if err := r.kept(p.peek()); err != nil {
		return target{}, err
	}
	if r.leftOut(p.peek()) {
		return target{ignored: true}, nil
	}
	var t target
	if t.place, err = p.place(p.next()); err == nil && p.peek() == "[" {
		err = p.elements(&t)
	}
	if err != nil || len(p.words) > 0 {
		return target{}, bad(invalidPath, "the path leads to no attribute that is kept")
	}
	return t, nil
}

// elements reads the brackets of a path, and what follows them.
func (p *parser) elements(t *target) error {
	f, err := p.bracketed(t.place)
	if err != nil {
		return err
	}
	e, _ := f.(element)
	t.filter, t.equals = e.filter, equalities(e.filter)
	if name, dotted := strings.CutPrefix(p.peek(), "."); dotted {
		p.next()
		var known bool
		if t.sub, known = find(t.attribute.sub, name); !known {
			return badFilter()
		}
	}
	return nil
}

// kept refuses what carries credentials or rights: nothing of SCIM gives them.
func (r resource) kept(name string) error {
	_, rest := r.withoutURN(name)
	head, _, _ := strings.Cut(rest, ".")
	if holds(r.refused, head) {
		return bad(mutability, "%s is not given through SCIM", canonicalOf(r.refused, head))
	}
	return nil
}

// leftOut reports whether a name is the standard's, and its values are not kept: a directory that
// sends a telephone number must still get through that somebody left.
func (r resource) leftOut(name string) bool {
	_, rest := r.withoutURN(name)
	head, _, _ := strings.Cut(rest, ".")
	return holds(r.ignored, head)
}

func canonicalOf(list []string, name string) string {
	i := slices.IndexFunc(list, func(n string) bool { return strings.EqualFold(n, name) })
	return list[i]
}

// equalities gives what a value must be to answer a conjunction of eq; nil for any other filter.
func equalities(f filter) object {
	switch f := f.(type) {
	case compare:
		if f.op == "eq" && f.want != nil && f.sub.name == "" {
			return object{f.attribute.name: f.want}
		}
	case allOf:
		all := object{}
		for _, g := range f {
			one := equalities(g)
			if one == nil {
				return nil
			}
			maps.Copy(all, one)
		}
		return all
	}
	return nil
}

// onElements carries out an operation on those values of a list that the filter asks for. Where there
// is none, what is added or replaced makes one, if the filter says what it is: Entra ID sets
// emails[type eq "work"].value that way.
func (t target) onElements(o object, op operation) error {
	all := listOf(o, t.attribute.name)
	kept := make([]any, 0, len(all))
	met := false
	for _, item := range all {
		if !t.filter.asks(item) {
			kept = append(kept, item)
			continue
		}
		met = true
		if op.op == "remove" && t.sub.name == "" {
			continue
		}
		if err := t.change(item, op); err != nil {
			return err
		}
		kept = append(kept, item)
	}
	if !met && op.op != "remove" {
		if t.equals == nil {
			return bad(noTarget, "no value of %s answers the filter", t.attribute.name)
		}
		made := cloned(t.equals)
		if err := t.change(made, op); err != nil {
			return err
		}
		kept = append(kept, made)
	}
	o[t.attribute.name] = kept
	return nil
}

// change carries out an operation on one value of a list.
func (t target) change(item object, op operation) error {
	if t.sub.name != "" {
		return set(item, t.sub, op)
	}
	v, err := t.attribute.one(op.value)
	if err == nil {
		maps.Copy(item, asObject(v))
	}
	return err
}

// onEvery carries out an operation on a part of every value of a list.
func (t target) onEvery(o object, op operation) error {
	for _, item := range listOf(o, t.attribute.name) {
		if err := set(item, t.sub, op); err != nil {
			return err
		}
	}
	return nil
}
