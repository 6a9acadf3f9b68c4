package r4

import (
	"iter"

	"github.com/go-json-experiment/json/jsontext"
)

// Resource is a valid FHIR R4 resource. It is immutable and safe for concurrent use.
type Resource struct {
	doc  *document
	root int32
}

// document is a parsed JSON text: compact, its strings minimally escaped, and a node for each
// value in pre-order.
type document struct {
	buf   []byte
	nodes []node
}

// node is one JSON value. Its children are the nodes from its own index + 1 up to next.
type node struct {
	start, end int32 // the value's bytes in buf
	next       int32 // the first node after the subtree
	elem       elementID
	typ        typeID
	kind       byte // jsontext.Kind: { [ " 0 t f n
	companion  bool // member "_x", which carries the id and extensions of primitive x
}

// Node is one element of a Resource, list or JSON value. The zero Node is absent.
type Node struct {
	doc *document
	at  int32
}

// Type returns the resource type.
func (r *Resource) Type() string { return r.doc.nodes[r.root].typ.name() }

// ID returns the logical id, empty where the resource has none.
func (r *Resource) ID() string { return r.Root().Child("id").Text() }

// JSON returns the resource as compact JSON with its elements in the order and its numbers in the
// digits that they came in. The bytes must not be modified.
func (r *Resource) JSON() []byte { return r.Root().JSON() }

// Root returns the resource as a Node.
func (r *Resource) Root() Node { return Node{r.doc, r.root} }

// Exists reports whether the node is there.
func (n Node) Exists() bool { return n.doc != nil }

func (n Node) node() *node { return &n.doc.nodes[n.at] }

// JSON returns the node's compact JSON, nil when absent. The bytes must not be modified.
func (n Node) JSON() []byte {
	if !n.Exists() {
		return nil
	}
	v := n.node()
	return n.doc.buf[v.start:v.end:v.end]
}

// Text returns the value of a string, the digits of a number, "true" or "false"; empty for others.
func (n Node) Text() string {
	if !n.Exists() {
		return ""
	}
	v := n.node()
	switch v.kind {
	case '{', '[', 'n':
		return ""
	case '"':
		return unquote(n.JSON())
	}
	return string(n.JSON())
}

// unquote returns the value of a valid JSON string.
func unquote(raw []byte) string {
	inner := raw[1 : len(raw)-1]
	for _, c := range inner {
		if c == '\\' {
			b, _ := jsontext.AppendUnquote(nil, raw) // valid since it was parsed
			return string(b)
		}
	}
	return string(inner)
}

// Type returns the FHIR type of the node, as in "HumanName" or "Observation.component".
func (n Node) Type() string {
	if !n.Exists() {
		return ""
	}
	return n.node().typ.name()
}

// Child returns the member with the JSON name, or the absent Node. Companions ("_birthDate") are not
// reached: they carry no value.
func (n Node) Child(name string) Node {
	for c := range n.children() {
		if v := c.node(); !v.companion && elements[v.elem].name == name {
			return c
		}
	}
	return Node{}
}

// Items returns the items of a list, or the node itself when it is none.
func (n Node) Items() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		if !n.Exists() {
			return
		}
		if n.node().kind != '[' {
			yield(n)
			return
		}
		for c := range n.children() {
			if !yield(c) {
				return
			}
		}
	}
}

// children returns the members of an object or the items of a list.
func (n Node) children() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		if !n.Exists() {
			return
		}
		for i := n.at + 1; i < n.node().next; i = n.doc.nodes[i].next {
			if !yield(Node{n.doc, i}) {
				return
			}
		}
	}
}

// Members returns the members of an object by JSON name, in order; none of another node. Companions
// ("_birthDate") are left out: they carry no value.
func (n Node) Members() iter.Seq2[string, Node] {
	return func(yield func(string, Node) bool) {
		if !n.Exists() || n.node().kind != '{' {
			return
		}
		for c := range n.children() {
			if v := c.node(); !v.companion && v.elem != 0 && !yield(elements[v.elem].name, c) {
				return
			}
		}
	}
}

// List reports whether the node is a list.
func (n Node) List() bool { return n.Exists() && n.node().kind == '[' }

// Object reports whether the node is an object.
func (n Node) Object() bool { return n.Exists() && n.node().kind == '{' }

// Bound reports whether the specification lists every code that the node's element may have: then the
// node holds one of them, since it was parsed.
func (n Node) Bound() bool { return n.Exists() && elements[n.node().elem].codes != 0 }

// Resource returns the node as a resource of its own, sharing its memory, or nil when it holds none:
// an entry's resource, a contained one.
func (n Node) Resource() *Resource {
	if !n.Exists() || n.node().kind != '{' || !n.node().typ.resource() {
		return nil
	}
	return &Resource{n.doc, n.at}
}
