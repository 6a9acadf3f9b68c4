// Package syntax is the tree that the front ends of several languages lower source into: as much of it as
// rules about faults need. It keeps what is called on what, with which arguments, and what is assigned where;
// it drops types, operators' exact meaning and everything else.
//
// The invariant: a front end gives a tree of bounded depth (MaxDepth) for any bytes, so that whoever walks it
// may recurse.
package syntax

// MaxDepth bounds how deep expressions and statements nest in a tree: far beyond what people write, and far
// from what a stack holds.
const MaxDepth = 500

// MaxChain bounds how long one chain of operators, calls or members is, which makes a tree deep without nesting.
const MaxChain = 3000

// Kind says what a Node is.
type Kind uint8

// The kinds. Each says what its Text and Kids are.
const (
	Unknown  Kind = iota // Kids: what it is made of
	Block                // Kids: statements
	Sequence             // Kids: expressions, whose value is the last one's
	Name                 // Text: the identifier
	Text                 // Text: what a string literal says
	Constant             // Text: a number, true, null …
	Regex                // Text: the pattern
	Template             // Kids: Text and the expressions that are put between
	Member               // Text: the member; Kids: what it is of
	Index                // Kids: what it is of, the index
	Call                 // Kids: what is called, Arguments
	New                  // Kids: the class, arguments
	Tagged               // Kids: the function, the Template
	Argument             // Text: the keyword; Kids: the value
	Spread               // Kids: what is spread
	Object               // Kids: Pairs and Spreads
	Pair                 // Text: the key, if it is known; Kids: the value, then the key if it is computed
	List                 // Kids: elements
	Binary               // Text: the operator; Kids: both sides
	Unary                // Text: the operator; Kids: the operand
	Choice               // Kids: the condition, one value, the other
	Assign               // Text: the operator, or "var" of a declaration; Kids: the target, the value
	Function             // Text: the name; Kids: Params, and the body last; Marks: decorators
	Param                // Text: the name, empty for a pattern; Kids: the target, then the default; Marks: decorators
	Class                // Text: the name; Kids: what it extends, and last a Block of members; Marks: decorators
	Import               // Text: module, or module.name; Kids: the local Name
	Return               // Kids: the value, if any
	Throw                // Kids: what is thrown
	If                   // Kids: the condition, a Block, and if there is one the other Block
	Loop                 // Kids: in the order in which they run
	Element              // Text: the tag; Kids: Pairs of attributes, Spreads, children
)

// Node is a part of the tree.
type Node struct {
	Kind   Kind
	Line   int // from 1
	Column int // from 1, in bytes
	Text   string
	Type   string // of a parameter, as the source writes it; empty where it does not say
	Kids   []*Node
	Marks  []*Node
}

// Kid gives the i-th kid, or nil.
func (n *Node) Kid(i int) *Node {
	if n == nil || i < 0 || i >= len(n.Kids) {
		return nil
	}
	return n.Kids[i]
}

// Is reports whether there is a node of this kind.
func (n *Node) Is(k Kind) bool { return n != nil && n.Kind == k }

// Body is the last kid: of a function its body, of a class its members.
func (n *Node) Body() *Node { return n.Kid(len(n.Kids) - 1) }

// Params are a function's parameters.
func (n *Node) Params() []*Node {
	if len(n.Kids) == 0 {
		return nil
	}
	return n.Kids[:len(n.Kids)-1]
}

// Walk visits n and all below it, in the order of the source, as long as visit wants what is below.
func (n *Node) Walk(visit func(*Node) bool) {
	if n == nil || !visit(n) {
		return
	}
	for _, m := range n.Marks {
		m.Walk(visit)
	}
	for _, k := range n.Kids {
		k.Walk(visit)
	}
}

// Key finds the value of a key of an object, or of a keyword argument of a call; nil where there is none.
func (n *Node) Key(name string) *Node {
	if n == nil {
		return nil
	}
	for _, k := range n.Kids {
		if k != nil && (k.Kind == Pair || k.Kind == Argument) && k.Text == name {
			return k.Kid(0)
		}
	}
	return nil
}

// Dotted writes a name with its members, such as "req.query"; empty for what is not one.
func (n *Node) Dotted() string {
	switch {
	case n.Is(Name):
		return n.Text
	case n.Is(Member):
		if of := n.Kid(0).Dotted(); of != "" {
			return of + "." + n.Text
		}
	}
	return ""
}

// Last is the last word of a name, or of what is called.
func (n *Node) Last() string {
	switch {
	case n.Is(Name), n.Is(Member):
		return n.Text
	case n.Is(Call), n.Is(New), n.Is(Index), n.Is(Unary):
		return n.Kid(0).Last()
	}
	return ""
}
