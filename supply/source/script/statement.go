package script

import "github.com/tutela-health/tutela/supply/source/syntax"

// statements reads statements until a brace closes or the source ends, and recovers from faults in them.
func (p *parser) statements() []*syntax.Node {
	var list []*syntax.Node
	for !p.is("}") && (p.tok.kind != end || p.broken) && !p.dead {
		if p.broken {
			p.recover()
			continue
		}
		if n := p.statement(); n != nil {
			list = append(list, n)
		}
	}
	return list
}

// braced reads { statements }.
func (p *parser) braced() *syntax.Node {
	n := p.node(syntax.Block, "")
	p.expect("{")
	choice, noIn := p.choice, p.noIn
	p.choice, p.noIn = 0, false
	if !p.broken {
		n.Kids = p.statements()
	}
	p.choice, p.noIn = choice, noIn
	p.expect("}")
	return n
}

// statement reads one; nil for what holds nothing.
func (p *parser) statement() *syntax.Node {
	if !p.enter() {
		return nil
	}
	defer p.leave()
	switch {
	case p.is("{"):
		return p.braced()
	case p.is(";"):
		p.next()
		return nil
	case p.is("@"):
		return p.decorated()
	case p.tok.kind == word:
		if n, ok := p.keyword(); ok {
			return n
		}
		if n, ok := p.typeStatement(); ok {
			return n
		}
		if p.label() {
			return p.statement()
		}
	}
	n := p.expression()
	p.semicolon()
	return n
}

// semicolon ends a statement, where a line's end does as well.
func (p *parser) semicolon() {
	if p.accept(";") || p.is("}") || p.tok.newline || p.tok.kind == end {
		return
	}
	p.fail("a statement does not end")
}

// label moves over a label.
func (p *parser) label() bool {
	found := p.ahead(func() bool { p.next(); return p.is(":") })
	if found {
		p.next()
		p.next()
	}
	return found
}

// keyword reads a statement that a keyword begins.
func (p *parser) keyword() (*syntax.Node, bool) {
	switch p.tok.text {
	case "var", "const":
		if p.tok.text == "const" && p.dialect.Types && p.nextSays("enum") {
			p.next()
			return p.enum(), true
		}
		return p.declaration(), true
	case "await":
		if p.ahead(func() bool { p.next(); return p.says("using") && p.nextIsName() }) {
			p.next()
			return p.declaration(), true
		}
	case "let", "using":
		if p.ahead(func() bool { p.next(); return !p.tok.newline && p.tok.kind == word || p.is("[") || p.is("{") }) {
			return p.declaration(), true
		}
	case "function":
		return p.function(), true
	case "async":
		if p.ahead(func() bool { p.next(); return p.says("function") && !p.tok.newline }) {
			return p.function(), true
		}
	case "class":
		return p.class(nil), true
	case "if":
		return p.condition(), true
	case "for":
		return p.forLoop(), true
	case "while":
		p.next()
		n := p.node(syntax.Loop, "")
		n.Kids = append(n.Kids, p.paren(), p.single())
		return n, true
	case "do":
		return p.doLoop(), true
	case "with":
		p.next()
		n := p.node(syntax.Block, "")
		n.Kids = append(n.Kids, p.paren(), p.single())
		return n, true
	case "return", "throw":
		return p.leaving(), true
	case "break", "continue", "debugger":
		p.next()
		if p.tok.kind == word && !p.tok.newline {
			p.next()
		}
		p.semicolon()
		return nil, true
	case "try":
		return p.try(), true
	case "switch":
		return p.choices(), true
	case "import":
		if !p.ahead(func() bool { p.next(); return p.is("(") || p.is(".") }) {
			return p.imports(), true
		}
	case "export":
		return p.export(), true
	}
	return nil, false
}

func (p *parser) nextSays(w string) bool {
	return p.ahead(func() bool { p.next(); return p.says(w) })
}

func (p *parser) nextIsName() bool {
	return p.ahead(func() bool { p.next(); return p.tok.kind == word && !p.tok.newline })
}

// single reads the statement of a loop or condition.
func (p *parser) single() *syntax.Node {
	if p.is("{") {
		return p.braced()
	}
	n := p.node(syntax.Block, "")
	if s := p.statement(); s != nil {
		n.Kids = append(n.Kids, s)
	}
	return n
}

// paren reads ( expression ).
func (p *parser) paren() *syntax.Node {
	p.expect("(")
	n := p.expression()
	p.expect(")")
	return n
}

// declaration reads var, let, const or using to its end.
func (p *parser) declaration() *syntax.Node {
	n := p.declarators()
	p.semicolon()
	return n
}

// declarators reads the variables of a declaration; with no value they are not kept.
func (p *parser) declarators() *syntax.Node {
	n := p.node(syntax.Sequence, "")
	p.next()
	for !p.broken {
		target := p.target()
		if p.accept("=") {
			value := p.assignment()
			n.Kids = append(n.Kids, from(target, syntax.Assign, "var", target, value))
		} else {
			n.Kids = append(n.Kids, from(target, syntax.Assign, "var", target, nil))
		}
		if !p.accept(",") {
			break
		}
	}
	return n
}

// target reads what is declared: a name or a pattern, and its type.
func (p *parser) target() *syntax.Node {
	var n *syntax.Node
	if p.is("{") || p.is("[") {
		n = p.primary()
	} else {
		n = p.name()
	}
	p.accept("!")
	p.annotation()
	return n
}

// name reads an identifier.
func (p *parser) name() *syntax.Node {
	n := p.node(syntax.Name, p.tok.text)
	if p.tok.kind != word {
		p.fail("no name where one belongs")
		return n
	}
	p.next()
	return n
}

// condition reads if with all that follow as else if.
func (p *parser) condition() *syntax.Node {
	first := p.node(syntax.If, "")
	n := first
	for chain := 0; ; chain++ {
		p.next()
		n.Kids = append(n.Kids, p.paren(), p.single())
		if !p.acceptWord("else") {
			return first
		}
		if !p.says("if") || chain > syntax.MaxChain/4 {
			n.Kids = append(n.Kids, p.single())
			return first
		}
		inner := p.node(syntax.If, "")
		n.Kids = append(n.Kids, inner)
		n = inner
	}
}

// forLoop reads all kinds of for.
func (p *parser) forLoop() *syntax.Node {
	n := p.node(syntax.Loop, "")
	p.next()
	p.acceptWord("await")
	p.expect("(")
	p.noIn = true
	head := p.forHead()
	p.noIn = false
	switch {
	case p.says("of") || p.says("in"):
		op := p.tok.text
		p.next()
		over := p.expression()
		n.Kids = append(n.Kids, each(head, over, op))
	default:
		n.Kids = append(n.Kids, head)
		p.expect(";")
		for !p.is(")") && !p.broken {
			if !p.accept(";") {
				n.Kids = append(n.Kids, p.expression())
			}
		}
	}
	p.expect(")")
	n.Kids = append(n.Kids, p.single())
	return n
}

func (p *parser) forHead() *syntax.Node {
	switch {
	case p.is(";"):
		return p.node(syntax.Block, "")
	case p.says("var") || p.says("const") || p.says("let") && !p.ahead(func() bool { p.next(); return p.says("of") || p.says("in") || p.is("=") }):
		return p.declarators()
	case p.says("of") || p.tok.kind == word && p.ahead(func() bool { p.next(); return p.says("of") }):
		return p.name()
	}
	return p.expression()
}

// each is what a loop over something assigns: an element of it.
func each(head, over *syntax.Node, op string) *syntax.Node {
	if head.Is(syntax.Sequence) && head.Kid(0).Is(syntax.Assign) {
		head = head.Kid(0).Kid(0)
	}
	if head == nil {
		return over
	}
	return from(head, syntax.Assign, op, head, from(head, syntax.Index, "", over))
}

func (p *parser) doLoop() *syntax.Node {
	n := p.node(syntax.Loop, "")
	p.next()
	n.Kids = append(n.Kids, p.single())
	if !p.acceptWord("while") {
		p.fail("do without while")
	}
	n.Kids = append(n.Kids, p.paren())
	p.accept(";")
	return n
}

// leaving reads return and throw.
func (p *parser) leaving() *syntax.Node {
	n := p.node(syntax.Return, "")
	if p.tok.text == "throw" {
		n.Kind = syntax.Throw
	}
	p.next()
	if !p.tok.newline && !p.is(";") && !p.is("}") && p.tok.kind != end {
		n.Kids = append(n.Kids, p.expression())
	}
	p.semicolon()
	return n
}

func (p *parser) try() *syntax.Node {
	n := p.node(syntax.Block, "try")
	p.next()
	n.Kids = append(n.Kids, p.braced())
	if p.acceptWord("catch") {
		if p.accept("(") {
			p.target()
			p.expect(")")
		}
		n.Kids = append(n.Kids, from(n, syntax.If, "catch", nil, p.braced()))
	}
	if p.acceptWord("finally") {
		n.Kids = append(n.Kids, p.braced())
	}
	return n
}

// choices reads switch: each case is a condition.
func (p *parser) choices() *syntax.Node {
	n := p.node(syntax.Block, "switch")
	p.next()
	n.Kids = append(n.Kids, p.paren())
	p.expect("{")
	for !p.broken && !p.is("}") {
		c := p.node(syntax.If, "case")
		var when *syntax.Node
		if p.acceptWord("case") {
			choice := p.choice
			p.choice++
			when = p.expression()
			p.choice = choice
		} else if !p.acceptWord("default") {
			p.fail("no case where one belongs")
		}
		p.expect(":")
		body := p.node(syntax.Block, "")
		for !p.is("}") && !p.says("case") && !p.says("default") && p.tok.kind != end && !p.broken {
			if s := p.statement(); s != nil {
				body.Kids = append(body.Kids, s)
			}
		}
		c.Kids = append(c.Kids, when, body)
		n.Kids = append(n.Kids, c)
	}
	p.expect("}")
	return n
}
