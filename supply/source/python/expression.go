package python

import (
	"strings"

	"github.com/tutela-health/tutela/supply/source/syntax"
)

// expressions reads one or several with commas between.
func (p *parser) expressions() *syntax.Node {
	n := p.starred()
	if !p.is(",") {
		return n
	}
	all := from(n, syntax.List, "", n)
	for p.accept(",") {
		if p.ends() {
			break
		}
		all.Kids = append(all.Kids, p.starred())
	}
	return all
}

// ends reports whether no expression can begin here.
func (p *parser) ends() bool {
	t := p.tok()
	switch t.kind {
	case newline, end, indent, dedent:
		return true
	case mark:
		return strings.Contains(" ) ] } = : ; += -= *= /= |= &= ", " "+t.text+" ")
	case word:
		return t.text == "in" || t.text == "for"
	}
	return false
}

// starred reads *x, **x or an expression.
func (p *parser) starred() *syntax.Node {
	if p.is("*") || p.is("**") {
		n := p.node(syntax.Spread, p.tok().text)
		p.next()
		n.Kids = append(n.Kids, p.expression())
		return n
	}
	return p.named()
}

// named reads an expression, or name := expression.
func (p *parser) named() *syntax.Node {
	n := p.expression()
	if p.accept(":=") {
		return from(n, syntax.Assign, ":=", n, p.expression())
	}
	return n
}

// expression reads a if b else c, lambda, and what binds closer.
func (p *parser) expression() *syntax.Node {
	if !p.enter() {
		return p.node(syntax.Unknown, "")
	}
	defer p.leave()
	switch {
	case p.says("lambda"):
		return p.lambda()
	case p.says("yield"):
		return p.yield()
	}
	n := p.binary(0)
	if !p.says("if") {
		return n
	}
	p.next()
	when := p.binary(0)
	if !p.acceptWord("else") {
		p.fail("no else where one belongs")
		return n
	}
	return from(n, syntax.Choice, "", when, n, p.expression())
}

func (p *parser) lambda() *syntax.Node {
	n := p.node(syntax.Function, "")
	p.next()
	n.Kids = p.parameters(":")
	p.expect(":")
	body := p.expression()
	n.Kids = append(n.Kids, from(body, syntax.Block, "", from(body, syntax.Return, "", body)))
	return n
}

func (p *parser) yield() *syntax.Node {
	n := p.node(syntax.Unary, "yield")
	p.next()
	p.acceptWord("from")
	if !p.ends() {
		n.Kids = append(n.Kids, p.expressions())
	}
	return n
}

// operator gives the operator that is here, and how close it binds; 0 is none.
func (p *parser) operator() (op string, strength int) {
	t := p.tok()
	switch {
	case t.kind == word:
		return p.wordOperator(t.text)
	case t.kind == mark:
		return t.text, binds(t.text)
	}
	return "", 0
}

func (p *parser) wordOperator(w string) (string, int) {
	switch w {
	case "or":
		return w, 1
	case "and":
		return w, 2
	case "in", "is":
		return w, 3
	case "not":
		if p.peek().text == "in" {
			return "not in", 3
		}
	}
	return "", 0
}

func binds(op string) int {
	switch op {
	case "==", "!=", "<", ">", "<=", ">=", "<>":
		return 3
	case "|":
		return 4
	case "^":
		return 5
	case "&":
		return 6
	case "<<", ">>":
		return 7
	case "+", "-":
		return 8
	case "*", "/", "//", "%", "@":
		return 9
	case "**":
		return 11
	}
	return 0
}

// binary reads operators that bind closer than least.
func (p *parser) binary(least int) *syntax.Node {
	n := p.unary()
	for chain := 0; !p.broken; chain++ {
		op, s := p.operator()
		if s <= least {
			return n
		}
		if chain > syntax.MaxChain {
			p.fail("a chain of operators without end")
			p.dead = true
			return n
		}
		p.next()
		if op == "not in" || op == "is" && p.says("not") {
			p.next()
		}
		n = from(n, syntax.Binary, op, n, p.binary(s))
	}
	return n
}

// targets reads what a for assigns to.
func (p *parser) targets() *syntax.Node {
	n := p.targetOne()
	if !p.is(",") {
		return n
	}
	all := from(n, syntax.List, "", n)
	for p.accept(",") && !p.says("in") {
		all.Kids = append(all.Kids, p.targetOne())
	}
	return all
}

func (p *parser) targetOne() *syntax.Node {
	p.accept("*")
	return p.binary(3)
}

func (p *parser) unary() *syntax.Node {
	if !p.enter() {
		return p.node(syntax.Unknown, "")
	}
	defer p.leave()
	t := p.tok()
	if t.kind == mark && (t.text == "-" || t.text == "+" || t.text == "~") || t.kind == word && (t.text == "not" || t.text == "await") {
		n := p.node(syntax.Unary, t.text)
		p.next()
		operand := p.unary()
		if t.text == "not" { // binds less close than comparing does
			operand = p.compared(operand)
		}
		n.Kids = append(n.Kids, operand)
		return n
	}
	return p.postfix(p.primary())
}

// compared goes on with what not is applied to.
func (p *parser) compared(n *syntax.Node) *syntax.Node {
	for chain := 0; !p.broken && chain < syntax.MaxChain; chain++ {
		op, s := p.operator()
		if s < 3 {
			return n
		}
		p.next()
		if op == "not in" || op == "is" && p.says("not") {
			p.next()
		}
		n = from(n, syntax.Binary, op, n, p.binary(s))
	}
	return n
}

// postfix reads members, calls and indexes of n.
func (p *parser) postfix(n *syntax.Node) *syntax.Node {
	for chain := 0; !p.broken; chain++ {
		if chain > syntax.MaxChain {
			p.fail("a chain of members without end")
			p.dead = true
		}
		switch {
		case p.accept("."):
			m := p.node(syntax.Member, "", n)
			m.Text = p.identifier()
			n = m
		case p.accept("("):
			n = from(n, syntax.Call, "", append([]*syntax.Node{n}, p.arguments()...)...)
			p.expect(")")
		case p.accept("["):
			n = from(n, syntax.Index, "", n, p.subscript())
			p.expect("]")
		default:
			return n
		}
	}
	return n
}

// arguments reads what a call is given, up to its bracket.
func (p *parser) arguments() []*syntax.Node {
	var list []*syntax.Node
	for !p.broken && !p.is(")") {
		if p.tok().kind == word && p.peek().kind == mark && p.peek().text == "=" {
			n := p.node(syntax.Argument, p.tok().text)
			p.next()
			p.next()
			n.Kids = append(n.Kids, p.expression())
			list = append(list, n)
		} else {
			list = append(list, p.comprehended(p.starred()))
		}
		if !p.accept(",") {
			break
		}
	}
	return list
}

// subscript reads an index, or slices.
func (p *parser) subscript() *syntax.Node {
	n := p.node(syntax.List, "")
	for !p.broken && !p.is("]") {
		if !p.is(":") && !p.is(",") {
			n.Kids = append(n.Kids, p.starred())
		}
		if !p.accept(":") && !p.accept(",") {
			break
		}
	}
	if len(n.Kids) == 1 {
		return n.Kids[0]
	}
	return n
}
