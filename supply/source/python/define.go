package python

import (
	"strings"

	"github.com/tutela-health/tutela/supply/source/syntax"
)

func (p *parser) decorated() *syntax.Node {
	var marks []*syntax.Node
	for p.accept("@") {
		marks = append(marks, p.named())
		for p.tok().kind == newline && !p.broken {
			p.next()
		}
		if p.broken {
			return nil
		}
	}
	p.acceptWord("async")
	switch {
	case p.says("def"):
		return p.function(marks)
	case p.says("class"):
		return p.class(marks)
	}
	p.fail("decorators of nothing")
	return p.node(syntax.Unknown, "")
}

func (p *parser) function(marks []*syntax.Node) *syntax.Node {
	n := p.node(syntax.Function, "")
	n.Marks = marks
	p.next()
	n.Text = p.identifier()
	p.typeParameters()
	p.expect("(")
	n.Kids = p.parameters(")")
	p.expect(")")
	if p.accept("->") {
		p.expression()
	}
	n.Kids = append(n.Kids, p.block())
	return n
}

func (p *parser) identifier() string {
	t := p.tok()
	if t.kind != word {
		p.fail("no name where one belongs")
		return ""
	}
	p.next()
	return t.text
}

// typeParameters moves over [T].
func (p *parser) typeParameters() {
	if p.is("[") {
		p.primary()
	}
}

// parameters reads up to the mark that ends them.
func (p *parser) parameters(till string) []*syntax.Node {
	var list []*syntax.Node
	for !p.broken && !p.is(till) {
		if p.accept("/") || p.is("*") && p.peek().text == "," && p.accept("*") {
			p.accept(",")
			continue
		}
		list = append(list, p.parameter(till))
		if !p.accept(",") {
			break
		}
	}
	return list
}

func (p *parser) parameter(till string) *syntax.Node {
	n := p.node(syntax.Param, "")
	many := p.accept("*") || p.accept("**")
	name := p.node(syntax.Name, "")
	name.Text = p.identifier()
	n.Text = name.Text
	n.Kids = []*syntax.Node{name}
	if many {
		n.Type = "*"
	}
	if till == ")" && p.accept(":") {
		n.Type = p.annotation()
	}
	if p.accept("=") {
		n.Kids = append(n.Kids, p.expression())
	}
	return n
}

// annotation reads a type and gives its words.
func (p *parser) annotation() string {
	at := p.at
	p.accept("*")
	p.expression()
	var b strings.Builder
	for i := at; i < p.at && b.Len() < 80; i++ {
		b.WriteString(p.tokens[i].text)
	}
	return b.String()
}

func (p *parser) class(marks []*syntax.Node) *syntax.Node {
	n := p.node(syntax.Class, "")
	n.Marks = marks
	p.next()
	n.Text = p.identifier()
	p.typeParameters()
	if p.accept("(") {
		n.Kids = p.arguments()
		p.expect(")")
	}
	n.Kids = append(n.Kids, p.block())
	return n
}

// simple reads a statement without a block; nil for what holds nothing.
func (p *parser) simple() *syntax.Node {
	n := p.node(syntax.Unknown, "")
	switch p.tok().text {
	case "pass", "break", "continue":
		if p.tok().kind == word {
			p.next()
			return nil
		}
	case "global", "nonlocal":
		if p.tok().kind == word {
			p.next()
			p.expressions()
			return nil
		}
	case "return", "raise", "assert", "del":
		if p.tok().kind == word {
			return p.worded()
		}
	case "import", "from":
		if p.tok().kind == word {
			return p.imports()
		}
	case "type":
		if p.tok().kind == word && p.peek().kind == word && p.peek().text != "in" && p.peek().text != "is" {
			p.next()
			p.next()
			p.typeParameters()
			p.expect("=")
			p.expression()
			return nil
		}
	}
	if p.tok().kind == newline && !p.broken {
		return nil
	}
	n = p.expressions()
	if p.accept(":") {
		n.Type = p.annotation()
		if !p.is("=") {
			return nil
		}
	}
	return p.assigned(n)
}

// assigned reads what is assigned to n, if something is.
func (p *parser) assigned(n *syntax.Node) *syntax.Node {
	t := p.tok()
	switch {
	case t.kind == mark && t.text == "=":
		all := from(n, syntax.Sequence, "")
		targets := []*syntax.Node{n}
		value := n
		for p.accept("=") && len(targets) < 50 {
			value = p.values()
			targets = append(targets, value)
		}
		for _, target := range targets[:len(targets)-1] {
			all.Kids = append(all.Kids, from(n, syntax.Assign, "=", target, value))
		}
		if len(all.Kids) == 1 {
			return all.Kids[0]
		}
		return all
	case t.kind == mark && len(t.text) > 1 && strings.HasSuffix(t.text, "=") && !strings.Contains("== != <= >= :=", t.text):
		p.next()
		return from(n, syntax.Assign, t.text, n, p.values())
	}
	return n
}

func (p *parser) values() *syntax.Node {
	if p.says("yield") {
		return p.yield()
	}
	return p.expressions()
}

// worded reads return, raise, assert and del.
func (p *parser) worded() *syntax.Node {
	n := p.node(syntax.Unary, p.tok().text)
	switch n.Text {
	case "return":
		n.Kind = syntax.Return
	case "raise":
		n.Kind = syntax.Throw
	}
	p.next()
	if t := p.tok(); t.kind == newline || t.kind == end || p.is(";") {
		return n
	}
	n.Kids = append(n.Kids, p.expressions())
	if p.acceptWord("from") {
		p.expression()
	}
	return n
}

// imports reads both kinds of import, into one Import for each name that it gives.
func (p *parser) imports() *syntax.Node {
	n := p.node(syntax.Block, "import")
	if p.acceptWord("import") {
		for !p.broken {
			n.Kids = append(n.Kids, p.importModule())
			if !p.accept(",") {
				break
			}
		}
		return n
	}
	p.next()
	module := p.dotted()
	if !p.acceptWord("import") {
		p.fail("no import where one belongs")
	}
	brackets := p.accept("(")
	for !p.broken && !p.is(")") {
		if p.accept("*") {
			return from(n, syntax.Import, module+".*", from(n, syntax.Name, "*"))
		}
		i := p.node(syntax.Import, "")
		name := p.identifier()
		i.Text = module + "." + name
		i.Kids = append(i.Kids, p.as(name))
		n.Kids = append(n.Kids, i)
		if !p.accept(",") {
			break
		}
	}
	if brackets {
		p.expect(")")
	}
	return n
}

func (p *parser) importModule() *syntax.Node {
	i := p.node(syntax.Import, "")
	i.Text = p.dotted()
	first, _, _ := strings.Cut(i.Text, ".")
	if !p.says("as") && first != i.Text { // import a.b gives a
		i.Kids = append(i.Kids, p.node(syntax.Name, first))
		i.Text = first
		return i
	}
	i.Kids = append(i.Kids, p.as(i.Text))
	return i
}

// as reads the local name of an import.
func (p *parser) as(name string) *syntax.Node {
	n := p.node(syntax.Name, name)
	if p.acceptWord("as") {
		n.Text = p.identifier()
	}
	return n
}

// dotted reads a module's name, with the dots of a relative one.
func (p *parser) dotted() string {
	var b strings.Builder
	for t := p.tok(); t.kind == mark && (t.text == "." || t.text == "...") || t.kind == word && t.text != "import" && t.text != "as"; t = p.tok() {
		b.WriteString(t.text)
		p.next()
		if t.kind == word && !p.is(".") {
			break
		}
	}
	return b.String()
}
