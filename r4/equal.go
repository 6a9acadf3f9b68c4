package r4

import "bytes"

// Equal reports whether two resources have the same content: the same elements with the same
// values, lists in order, objects in any order. What a server sets is left aside: meta.versionId and
// meta.lastUpdated, and a meta that holds nothing else. Numbers are equal when their digits are, since
// FHIR decimals carry their precision.
func Equal(a, b *Resource) bool { return equalNodes(a.Root(), b.Root()) }

func equalNodes(a, b Node) bool {
	x, y := a.node(), b.node()
	if x.kind != y.kind || x.typ != y.typ {
		return false
	}
	switch x.kind {
	case '{':
		return equalObjects(a, b)
	case '[':
		return equalLists(a, b)
	}
	return bytes.Equal(a.JSON(), b.JSON())
}

func equalLists(a, b Node) bool {
	i, j := a.at+1, b.at+1
	for i < a.node().next && j < b.node().next {
		if !equalNodes(Node{a.doc, i}, Node{b.doc, j}) {
			return false
		}
		i, j = a.doc.nodes[i].next, b.doc.nodes[j].next
	}
	return i >= a.node().next && j >= b.node().next
}

// equalObjects looks for each member of a in b, and then whether b has as many.
func equalObjects(a, b Node) bool {
	n := 0
	for c := range a.children() {
		if c.ofServer() {
			continue
		}
		other, ok := b.member(c.node())
		if !ok || !equalNodes(c, other) {
			return false
		}
		n++
	}
	for c := range b.children() {
		if !c.ofServer() {
			n--
		}
	}
	return n == 0
}

// member finds the member of n that has the name of m.
func (n Node) member(m *node) (Node, bool) {
	for c := range n.children() {
		if v := c.node(); v.elem == m.elem && v.companion == m.companion {
			return c, true
		}
	}
	return Node{}, false
}

// ofServer reports whether the member is meta.versionId, meta.lastUpdated, or a meta of only these.
func (n Node) ofServer() bool {
	e := &elements[n.node().elem]
	if e.typ == typeMeta && n.node().kind == '{' {
		for c := range n.children() {
			if !c.ofServer() {
				return false
			}
		}
		return true
	}
	id := n.node().elem
	return id >= types[typeMeta].first && id < types[typeMeta].end && (e.name == "versionId" || e.name == "lastUpdated")
}
