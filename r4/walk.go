package r4

import (
	"iter"
	"strings"
)

// Nodes yields the elements that the branch selects in the resource, in order; none in a resource of
// another type.
func (b *Branch) Nodes(r *Resource) iter.Seq[Node] {
	return func(yield func(Node) bool) {
		root, _, _ := strings.Cut(b.key, ".")
		if root == baseType || root == r.Type() {
			walk(r.Root(), b.steps, yield)
		}
	}
}

// walk follows the steps from n and reports whether to go on.
func walk(n Node, steps []step, yield func(Node) bool) bool {
	if len(steps) == 0 {
		return yield(n)
	}
	s := &steps[0]
	for c := range n.children() {
		if !s.names(c) {
			continue
		}
		for item := range c.Items() {
			if item.node().kind != 'n' && s.keeps(item) && !walk(item, steps[1:], yield) {
				return false
			}
			if s.first {
				break
			}
		}
	}
	return true
}

// names reports whether the step goes to the member.
func (s *step) names(member Node) bool {
	v := member.node()
	e := &elements[v.elem]
	if v.companion || s.choice && e.choice == 0 {
		return false
	}
	if s.choice {
		return e.base() == s.name
	}
	return e.name == s.name
}

// keeps reports whether the item passes the step's filter.
func (s *step) keeps(item Node) bool {
	return s.field == "" || item.Child(s.field).Text() == s.value
}
