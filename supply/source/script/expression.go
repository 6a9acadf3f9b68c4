package script

import "github.com/tutela-health/tutela/supply/source/syntax"

// expression reads expressions with commas between.
func (p *parser) expression() *syntax.Node {
	n := p.assignment()
	if !p.is(",") {
		return n
	}
	all := from(n, syntax.Sequence, "", n)
	for p.accept(",") {
		all.Kids = append(all.Kids, p.assignment())
	}
	return all
}

// assignment reads an expression without commas: an assignment, an arrow function, a condition, yield.
func (p *parser) assignment() *syntax.Node {
	if !p.enter() {
		return p.node(syntax.Unknown, "")
	}
	defer p.leave()
	if p.says("yield") {
		return p.yield()
	}
	n := p.conditional()
	switch {
	case p.is("=>") && !p.tok.newline:
		return p.arrow(n)
	case p.tok.kind == mark && assigns(p.tok.text):
		op := p.tok.text
		p.next()
		value := p.assignment()
		return from(n, syntax.Assign, op, n, value)
	}
	return n
}

func assigns(op string) bool {
	switch op {
	case "=", "+=", "-=", "*=", "/=", "%=", "**=", "<<=", ">>=", ">>>=", "&=", "|=", "^=", "&&=", "||=", "??=":
		return true
	}
	return false
}

func (p *parser) yield() *syntax.Node {
	n := p.node(syntax.Unary, "yield")
	p.next()
	p.accept("*")
	if !p.tok.newline && !p.is(")") && !p.is("]") && !p.is("}") && !p.is(",") && !p.is(";") && !p.is(":") && p.tok.kind != end {
		n.Kids = append(n.Kids, p.assignment())
	}
	return n
}

// arrow makes what stood before => the parameters.
func (p *parser) arrow(head *syntax.Node) *syntax.Node {
	f := from(head, syntax.Function, "")
	for _, k := range heads(head) {
		f.Kids = append(f.Kids, parameter(k))
	}
	p.next()
	noIn := p.noIn
	if p.is("{") {
		f.Kids = append(f.Kids, p.braced())
		return f
	}
	p.noIn = noIn
	body := p.assignment()
	f.Kids = append(f.Kids, from(body, syntax.Block, "", from(body, syntax.Return, "", body)))
	return f
}

// heads are the parameters as they were read before it was known that they are some.
func heads(n *syntax.Node) []*syntax.Node {
	switch {
	case n.Is(syntax.Call) && n.Kid(0).Is(syntax.Name): // async (a, b)
		return n.Kids[1:]
	case n.Is(syntax.List) && n.Text == "(":
		return n.Kids
	}
	return []*syntax.Node{n}
}

// parameter lowers what was read as an expression.
func parameter(n *syntax.Node) *syntax.Node {
	f := from(n, syntax.Param, "", n)
	f.Type, n.Type = n.Type, ""
	if n.Is(syntax.Assign) {
		f.Kids = []*syntax.Node{n.Kid(0), n.Kid(1)}
		f.Type, n.Kid(0).Type = n.Kid(0).Type, ""
	}
	if t := f.Kid(0); t.Is(syntax.Name) {
		f.Text = t.Text
	}
	return f
}

// conditional reads a ? b : c and what binds closer.
func (p *parser) conditional() *syntax.Node {
	n := p.binary(0)
	if !p.is("?") || p.optional() {
		return n
	}
	p.next()
	p.choice++
	noIn := p.noIn
	p.noIn = false
	one := p.assignment()
	p.noIn = noIn
	p.choice--
	p.expect(":")
	return from(n, syntax.Choice, "", n, one, p.assignment())
}

// optional reports whether a question mark is that of an optional parameter.
func (p *parser) optional() bool {
	return p.dialect.Types && p.ahead(func() bool { p.next(); return p.is(":") || p.is(",") || p.is(")") || p.is("=") })
}

// strength is how close an operator binds; 0 is none.
func (p *parser) strength() int {
	switch p.tok.kind {
	case word:
		switch p.tok.text {
		case "in":
			if p.noIn {
				return 0
			}
			return 7
		case "instanceof":
			return 7
		case "as", "satisfies":
			if p.dialect.Types && !p.tok.newline {
				return 7
			}
		}
	case mark:
		return binds(p.tok.text)
	}
	return 0
}

func binds(op string) int {
	switch op {
	case "??", "||":
		return 1
	case "&&":
		return 2
	case "|":
		return 3
	case "^":
		return 4
	case "&":
		return 5
	case "==", "!=", "===", "!==":
		return 6
	case "<", ">", "<=", ">=":
		return 7
	case "<<", ">>", ">>>":
		return 8
	case "+", "-":
		return 9
	case "*", "/", "%":
		return 10
	case "**":
		return 11
	}
	return 0
}

// binary reads operators that bind closer than least.
func (p *parser) binary(least int) *syntax.Node {
	n := p.unary()
	for chain := 0; !p.broken; chain++ {
		s := p.strength()
		if s <= least {
			return n
		}
		if chain > syntax.MaxChain {
			p.fail("a chain of operators without end")
			p.dead = true
			return n
		}
		op := p.tok.text
		p.next()
		if p.tok.kind != end && (op == "as" || op == "satisfies") {
			p.skipType()
			continue
		}
		n = from(n, syntax.Binary, op, n, p.binary(s))
	}
	return n
}

// unary reads operators that come before.
func (p *parser) unary() *syntax.Node {
	if !p.enter() {
		return p.node(syntax.Unknown, "")
	}
	defer p.leave()
	op := p.tok.text
	if p.tok.kind == mark && (op == "!" || op == "~" || op == "+" || op == "-" || op == "++" || op == "--") ||
		p.tok.kind == word && (op == "typeof" || op == "void" || op == "delete" || op == "await" && p.awaits()) {
		n := p.node(syntax.Unary, op)
		p.next()
		n.Kids = append(n.Kids, p.unary())
		return n
	}
	n := p.postfix(p.primary(), true)
	if (p.is("++") || p.is("--")) && !p.tok.newline {
		n = from(n, syntax.Unary, p.tok.text, n)
		p.next()
	}
	return n
}

// awaits reports whether await is the operator and no name.
func (p *parser) awaits() bool {
	return p.ahead(func() bool {
		p.next()
		return !p.tok.newline && p.tok.kind != end && (p.tok.kind != mark || p.is("(") || p.is("[") || p.is("{") || p.is("<") || p.is("/"))
	})
}

// postfix reads members, calls and indexes of n.
func (p *parser) postfix(n *syntax.Node, calls bool) *syntax.Node {
	for chain := 0; !p.broken; chain++ {
		if chain > syntax.MaxChain {
			p.fail("a chain of members without end")
			p.dead = true
		}
		switch {
		case p.is("."):
			p.next()
			n = p.member(n)
		case p.is("?.") && calls:
			p.next()
			switch {
			case p.is("("):
				n = p.call(n)
			case p.is("["):
				n = p.index(n)
			case p.tok.kind == template:
			case p.dialect.Types && (p.is("<") || p.is("<<")) && p.instantiates():
			default:
				n = p.member(n)
			}
		case p.is("["):
			n = p.index(n)
		case p.is("(") && calls:
			n = p.call(n)
		case p.tok.kind == template:
			n = from(n, syntax.Tagged, "", n, p.template(false))
		case p.dialect.Types && p.is("!") && !p.tok.newline:
			p.next()
		case p.dialect.Types && (p.is("<") || p.is("<<")) && p.instantiates():
			p.typeArguments()
		default:
			return n
		}
	}
	return n
}

// instantiates reports whether < begins type arguments: by what follows their end.
func (p *parser) instantiates() bool {
	return p.ahead(func() bool {
		p.typeArguments()
		if p.broken {
			return false
		}
		return p.is("(") || p.tok.kind == template || p.is(")") || p.is("]") || p.is(",") || p.is(";") || p.is(":") || p.is("}") || p.is("=") || p.is("?.") || p.is(".") || p.tok.newline || p.tok.kind == end
	})
}

func (p *parser) member(n *syntax.Node) *syntax.Node {
	m := p.node(syntax.Member, p.tok.text, n)
	if p.tok.kind != word && p.tok.kind != private {
		p.fail("no member where one belongs")
		return m
	}
	p.next()
	return m
}

func (p *parser) index(n *syntax.Node) *syntax.Node {
	i := from(n, syntax.Index, "", n)
	p.next()
	i.Kids = append(i.Kids, p.inside())
	p.expect("]")
	return i
}

// inside reads an expression within brackets, where in and : have their usual meaning again.
func (p *parser) inside() *syntax.Node {
	noIn, choice := p.noIn, p.choice
	p.noIn, p.choice = false, 0
	n := p.expression()
	p.noIn, p.choice = noIn, choice
	return n
}

func (p *parser) call(n *syntax.Node) *syntax.Node {
	c := p.node(syntax.Call, "", n)
	c.Line, c.Column = n.Line, n.Column
	c.Kids = append(c.Kids, p.list("(", ")")...)
	if n.Is(syntax.Name) && n.Text == "async" && p.dialect.Types && p.is(":") && p.choice == 0 && p.returns() {
		p.annotation()
	}
	return c
}

// list reads expressions between brackets, as arguments, elements or what may turn out to be parameters.
func (p *parser) list(open, close string) []*syntax.Node {
	var all []*syntax.Node
	p.expect(open)
	noIn, choice := p.noIn, p.choice
	p.noIn, p.choice = false, 0
	for !p.broken && !p.is(close) {
		if p.is(",") { // a hole
			p.next()
			continue
		}
		all = append(all, p.item())
		if !p.accept(",") {
			break
		}
	}
	p.noIn, p.choice = noIn, choice
	p.expect(close)
	return all
}

// item reads one expression of a list, with what parameters may have: ..., ?, a type, a default.
func (p *parser) item() *syntax.Node {
	if p.is("...") {
		s := p.node(syntax.Spread, "")
		p.next()
		s.Kids = append(s.Kids, p.assignment())
		s.Type = p.annotation()
		return s
	}
	n := p.assignment()
	p.accept("?")
	if kind := p.annotation(); kind != "" {
		n.Type = kind
		if p.accept("=") {
			n = from(n, syntax.Assign, "=", n, p.assignment())
		}
	}
	return n
}
