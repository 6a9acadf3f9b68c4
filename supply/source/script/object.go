package script

import "github.com/tutela-health/tutela/supply/source/syntax"

// object reads { … } of an expression, or of a pattern.
func (p *parser) object() *syntax.Node {
	n := p.node(syntax.Object, "")
	noIn, choice := p.noIn, p.choice
	p.noIn, p.choice = false, 0
	p.next()
	for !p.broken && !p.is("}") {
		if p.is("...") {
			n.Kids = append(n.Kids, p.item())
		} else {
			n.Kids = append(n.Kids, p.pair())
		}
		if !p.accept(",") {
			break
		}
	}
	p.noIn, p.choice = noIn, choice
	p.expect("}")
	return n
}

// pair reads one property.
func (p *parser) pair() *syntax.Node {
	p.modifiers("async", "get", "set")
	p.accept("*")
	n := p.node(syntax.Pair, p.tok.text)
	short := p.tok.kind == word
	computed := p.key(n)
	switch {
	case p.is("(") || p.is("<"):
		n.Kids = append(n.Kids, p.callable(from(n, syntax.Function, n.Text)))
	case p.accept(":"):
		n.Kids = append(n.Kids, p.assignment())
	case p.is("=") && short:
		p.next()
		name := from(n, syntax.Name, n.Text)
		n.Kids = append(n.Kids, from(n, syntax.Assign, "=", name, p.assignment()))
	case short:
		n.Kids = append(n.Kids, from(n, syntax.Name, n.Text))
	default:
		p.fail("a key without a value")
	}
	if computed != nil {
		n.Kids = append(n.Kids, computed)
	}
	return n
}

// key reads a property's key, and gives the expression of a computed one.
func (p *parser) key(n *syntax.Node) (computed *syntax.Node) {
	switch {
	case p.is("["):
		p.next()
		n.Text = ""
		computed = p.inside()
		if computed.Is(syntax.Text) {
			n.Text = computed.Text
		}
		p.annotation() // of an index signature
		p.expect("]")
	case p.tok.kind == word, p.tok.kind == private, p.tok.kind == text, p.tok.kind == number:
		p.next()
	default:
		p.fail("no key where one belongs")
	}
	return computed
}

// modifiers moves over words that stand before a key, and are not one.
func (p *parser) modifiers(words ...string) (static bool) {
	for p.tok.kind == word && contains(words, p.tok.text) && p.ahead(func() bool {
		w := p.tok.text
		p.next()
		if p.tok.newline && w != "static" && w != "public" && w != "private" && w != "protected" {
			return false
		}
		return p.tok.kind != mark && p.tok.kind != end || p.is("[") || p.is("*") || p.is("{") && w == "static"
	}) {
		static = static || p.says("static")
		p.next()
	}
	return static
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// callable reads type parameters, parameters, the type given and the body of a function that is named already.
func (p *parser) callable(f *syntax.Node) *syntax.Node {
	if p.is("<") {
		p.typeArguments()
	}
	f.Kids = p.parameters()
	if p.dialect.Types && p.accept(":") {
		p.typed()
	}
	if p.is("{") {
		f.Kids = append(f.Kids, p.braced())
		return f
	}
	f.Kids = append(f.Kids, from(f, syntax.Block, "")) // an overload, or abstract
	if !p.dialect.Types {
		p.fail("a function without a body")
	}
	if !p.is("}") {
		p.semicolon()
	}
	return f
}

func (p *parser) parameters() []*syntax.Node {
	var all []*syntax.Node
	p.expect("(")
	noIn, choice := p.noIn, p.choice
	p.noIn, p.choice = false, 0
	for !p.broken && !p.is(")") {
		marks := p.decorators()
		p.modifiers("public", "private", "protected", "readonly", "override")
		f := parameter(p.item())
		f.Marks = marks
		all = append(all, f)
		if !p.accept(",") {
			break
		}
	}
	p.noIn, p.choice = noIn, choice
	p.expect(")")
	return all
}

// function reads a function, async or not, that the keyword begins.
func (p *parser) function() *syntax.Node {
	f := p.node(syntax.Function, "")
	p.acceptWord("async")
	p.next()
	p.accept("*")
	if p.tok.kind == word {
		f.Text = p.tok.text
		p.next()
	}
	return p.callable(f)
}

// decorators reads @x, @x.y and @x(…).
func (p *parser) decorators() []*syntax.Node {
	var all []*syntax.Node
	for p.is("@") && !p.broken {
		p.next()
		if p.is("(") {
			all = append(all, p.grouped())
			continue
		}
		n := p.name()
		for p.accept(".") {
			n = p.member(n)
		}
		if p.dialect.Types && p.is("<") {
			p.typeArguments()
		}
		if p.is("(") {
			n = p.call(n)
		}
		all = append(all, n)
	}
	return all
}

// decorated reads a class with decorators before it.
func (p *parser) decorated() *syntax.Node {
	marks := p.decorators()
	for p.says("export") || p.says("default") || p.says("abstract") || p.says("declare") {
		p.next()
	}
	if !p.says("class") {
		p.fail("decorators of nothing")
		return p.node(syntax.Unknown, "")
	}
	return p.class(marks)
}

// class reads a class.
func (p *parser) class(marks []*syntax.Node) *syntax.Node {
	n := p.node(syntax.Class, "")
	n.Marks = marks
	p.next()
	if p.tok.kind == word && !p.says("extends") && !p.says("implements") {
		n.Text = p.tok.text
		p.next()
	}
	if p.is("<") {
		p.typeArguments()
	}
	if p.acceptWord("extends") {
		n.Kids = append(n.Kids, p.postfix(p.primary(), true))
		if p.is("<") {
			p.typeArguments()
		}
	}
	if p.dialect.Types && p.acceptWord("implements") {
		for !p.broken && !p.is("{") {
			p.operand()
			p.accept(",")
		}
	}
	body := p.node(syntax.Block, "")
	p.expect("{")
	for !p.broken && !p.is("}") {
		if !p.accept(";") {
			body.Kids = append(body.Kids, p.classMember())
		}
	}
	p.expect("}")
	n.Kids = append(n.Kids, body)
	return n
}

// classMember reads a method, a field or a block of a class.
func (p *parser) classMember() *syntax.Node {
	marks := p.decorators()
	static := p.modifiers("static", "public", "private", "protected", "readonly", "abstract", "override", "declare", "async", "get", "set", "accessor")
	if static && p.is("{") {
		return p.braced()
	}
	p.accept("*")
	n := p.node(syntax.Name, p.tok.text)
	computed := p.key(n)
	if !p.accept("?") {
		p.accept("!")
	}
	if p.is("(") || p.is("<") {
		f := p.callable(from(n, syntax.Function, n.Text))
		f.Marks = marks
		return f
	}
	p.annotation()
	field := from(n, syntax.Assign, "=", from(n, syntax.Member, n.Text, from(n, syntax.Name, "this")), computed)
	field.Marks = marks
	if p.accept("=") {
		field.Kids[1] = p.assignment()
	}
	p.semicolon()
	return field
}
