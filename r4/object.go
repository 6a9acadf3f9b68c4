package r4

import "strings"

// checkObject reports what is wrong with a finished object as a whole.
func (p *parser) checkObject(at int) {
	obj := Node{p.doc, offset(at)}
	n := obj.node()
	if n.next == offset(at)+1 {
		if !p.emptied() {
			p.report(IssueStructure, "an empty object")
		}
		return
	}
	if !p.part {
		p.checkRequired(obj)
	}
	p.checkMembers(obj)
}

// checkRequired reports the elements that must be there and are not.
func (p *parser) checkRequired(obj Node) {
	def := &types[obj.node().typ]
	for _, id := range required[def.reqFirst:def.reqEnd] {
		if !obj.has(id) {
			p.reportMember(IssueRequired, "a required element is missing", elements[id].base())
		}
	}
}

// has reports whether the object has the element, or for a choice any of its alternatives.
func (n Node) has(id elementID) bool {
	want := &elements[id]
	for i := n.at + 1; i < n.node().next; i = n.doc.nodes[i].next {
		got := n.doc.nodes[i].elem
		if got == id || want.choice > 0 && elements[got].choice == want.choice && elements[got].base() == want.base() {
			return true
		}
	}
	return false
}

// checkMembers reports choices made twice, and primitives whose values and companions do not fit.
func (p *parser) checkMembers(obj Node) {
	for i := obj.at + 1; i < obj.node().next; i = obj.doc.nodes[i].next {
		m := &obj.doc.nodes[i]
		e := &elements[m.elem]
		if e.choice > 0 {
			p.checkChoice(obj, i, e)
		}
		if e.list && e.typ.primitive() && (m.companion || obj.holdsNull(i)) {
			p.checkAligned(obj, i)
		}
	}
}

// checkChoice reports an earlier member that answers the same choice with another type.
func (p *parser) checkChoice(obj Node, at int32, e *element) {
	for i := obj.at + 1; i < at; i = obj.doc.nodes[i].next {
		o := &elements[obj.doc.nodes[i].elem]
		if o != e && o.choice == e.choice && o.base() == e.base() {
			p.reportMember(IssueStructure, "more than one type of a choice element", e.base())
			return
		}
	}
}

func (n Node) holdsNull(list int32) bool {
	for i := list + 1; i < n.doc.nodes[list].next; i = n.doc.nodes[i].next {
		if n.doc.nodes[i].kind == 'n' {
			return true
		}
	}
	return false
}

// checkAligned makes sure that a list of primitives and the list of their companions are of one
// length and that every position has a value or a companion (FHIR R4, json.html#null).
func (p *parser) checkAligned(obj Node, at int32) {
	mate := obj.mate(at)
	name := elements[obj.doc.nodes[at].elem].name
	if mate < 0 {
		if obj.holdsNull(at) {
			p.reportMember(IssueStructure, "null without a value or extension", name)
		}
		return
	}
	a, b := at+1, mate+1
	for a < obj.doc.nodes[at].next && b < obj.doc.nodes[mate].next {
		if obj.doc.nodes[a].kind == 'n' && obj.doc.nodes[b].kind == 'n' {
			p.reportMember(IssueStructure, "null without a value or extension", name)
			return
		}
		a, b = obj.doc.nodes[a].next, obj.doc.nodes[b].next
	}
	if a < obj.doc.nodes[at].next || b < obj.doc.nodes[mate].next {
		p.reportMember(IssueStructure, "values and extensions differ in number", name)
	}
}

// mate finds the companion of a primitive member or the primitive of a companion, -1 if none.
func (n Node) mate(at int32) int32 {
	m := &n.doc.nodes[at]
	for i := n.at + 1; i < n.node().next; i = n.doc.nodes[i].next {
		if o := &n.doc.nodes[i]; o.elem == m.elem && o.companion != m.companion {
			return i
		}
	}
	return -1
}

// reportMember reports an issue at a member of the current path.
func (p *parser) reportMember(code IssueCode, diagnostics, member string) {
	if len(p.issues) >= maxIssues {
		return
	}
	p.reportAt(code, diagnostics, strings.TrimPrefix(p.expression()+"."+member, "."))
}
