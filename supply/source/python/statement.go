package python

import (
	"strings"

	"github.com/tutela-health/tutela/supply/source/syntax"
)

// statements reads statements until a block or the file ends, and recovers from faults in them.
func (p *parser) statements() []*syntax.Node {
	var list []*syntax.Node
	for !p.dead {
		switch p.tok().kind {
		case end, dedent:
			return list
		case newline:
			p.next()
		case indent: // after a fault
			p.next()
			if p.enter() {
				list = append(list, p.statements()...)
			}
			p.leave()
			if p.tok().kind == dedent {
				p.next()
			}
		default:
			list = append(list, p.line()...)
		}
		if p.broken {
			p.recover()
		}
	}
	return list
}

// line reads one compound statement, or simple ones with semicolons between.
func (p *parser) line() []*syntax.Node {
	if !p.enter() {
		return nil
	}
	defer p.leave()
	if p.is("@") || p.tok().kind == word {
		if n := p.compound(); n != nil {
			return []*syntax.Node{n}
		}
	}
	var list []*syntax.Node
	for !p.broken {
		if n := p.simple(); n != nil {
			list = append(list, n)
		}
		if !p.accept(";") || p.tok().kind == newline {
			break
		}
	}
	if p.tok().kind != newline && p.tok().kind != end {
		p.fail("a statement does not end")
	}
	return list
}

// compound reads a statement with a block; nil where none begins.
func (p *parser) compound() *syntax.Node {
	if p.is("@") {
		return p.decorated()
	}
	switch p.tok().text {
	case "async":
		if n := p.peek().text; n == "def" || n == "for" || n == "with" {
			p.next()
			return p.compound()
		}
	case "def":
		return p.function(nil)
	case "class":
		return p.class(nil)
	case "if":
		return p.condition()
	case "for":
		return p.forLoop()
	case "while":
		n := p.node(syntax.Loop, "")
		p.next()
		n.Kids = append(n.Kids, p.named(), p.block())
		return p.otherwise(n)
	case "try":
		return p.try()
	case "with":
		return p.with()
	case "match":
		if p.matches() {
			return p.match()
		}
	}
	return nil
}

// block reads what follows a colon.
func (p *parser) block() *syntax.Node {
	n := p.node(syntax.Block, "")
	p.expect(":")
	if p.broken {
		return n
	}
	if p.tok().kind != newline {
		n.Kids = p.line()
		return n
	}
	p.next()
	if p.tok().kind != indent {
		p.fail("a block without lines")
		return n
	}
	p.next()
	n.Kids = p.statements()
	if p.tok().kind == dedent {
		p.at++
	}
	return n
}

// otherwise reads the else of a loop.
func (p *parser) otherwise(n *syntax.Node) *syntax.Node {
	p.blank()
	if p.acceptWord("else") {
		n.Kids = append(n.Kids, p.block())
	}
	return n
}

// blank moves over the end of a line before a word that goes on with the statement.
func (p *parser) blank() {
	if p.tok().kind == newline && !p.broken {
		if t := p.peek(); t.kind == word && (t.text == "else" || t.text == "elif" || t.text == "except" || t.text == "finally") {
			p.next()
		}
	}
}

func (p *parser) condition() *syntax.Node {
	first := p.node(syntax.If, "")
	n := first
	for chain := 0; ; chain++ {
		p.next()
		n.Kids = append(n.Kids, p.named(), p.block())
		p.blank()
		switch {
		case p.says("elif") && chain < syntax.MaxChain/4:
			inner := p.node(syntax.If, "")
			n.Kids = append(n.Kids, inner)
			n = inner
			continue
		case p.acceptWord("else"):
			n.Kids = append(n.Kids, p.block())
		}
		return first
	}
}

func (p *parser) forLoop() *syntax.Node {
	n := p.node(syntax.Loop, "")
	p.next()
	n.Kids = append(n.Kids, p.each(p.expressions))
	n.Kids = append(n.Kids, p.block())
	return p.otherwise(n)
}

// each reads "target in what", which assigns an element.
func (p *parser) each(over func() *syntax.Node) *syntax.Node {
	target := p.targets()
	if !p.acceptWord("in") {
		p.fail("no in where one belongs")
	}
	return from(target, syntax.Assign, "of", target, from(target, syntax.Index, "", over()))
}

func (p *parser) try() *syntax.Node {
	n := p.node(syntax.Block, "try")
	p.next()
	n.Kids = append(n.Kids, p.block())
	for {
		p.blank()
		switch {
		case p.says("except"):
			c := p.node(syntax.If, "catch", nil)
			p.next()
			p.accept("*")
			if !p.is(":") {
				p.expressions()
				if p.acceptWord("as") {
					p.next()
				}
			}
			c.Kids = append(c.Kids, p.block())
			n.Kids = append(n.Kids, c)
		case p.acceptWord("else"), p.acceptWord("finally"):
			n.Kids = append(n.Kids, p.block())
		default:
			return n
		}
	}
}

// with reads with a as b, c as d, in brackets or not.
func (p *parser) with() *syntax.Node {
	n := p.node(syntax.Block, "with")
	p.next()
	if p.is("(") && p.bracketed() {
		p.next()
		n.Kids = append(n.Kids, p.contexts(")")...)
		p.expect(")")
	} else {
		n.Kids = append(n.Kids, p.contexts(":")...)
	}
	n.Kids = append(n.Kids, p.block())
	return n
}

// bracketed reports whether the bracket that opens here closes right before a colon, with an as in it.
func (p *parser) bracketed() bool {
	depth, as := 0, false
	for i := p.at; i < len(p.tokens) && i < p.at+1000; i++ {
		t := p.tokens[i]
		switch {
		case t.kind == mark && strings.Contains("([{", t.text):
			depth++
		case t.kind == mark && strings.Contains(")]}", t.text):
			depth--
		case t.kind == word && t.text == "as" && depth == 1:
			as = true
		}
		if depth == 0 {
			return as && i+1 < len(p.tokens) && p.tokens[i+1].text == ":"
		}
	}
	return false
}

func (p *parser) contexts(till string) []*syntax.Node {
	var list []*syntax.Node
	for !p.broken && !p.is(till) {
		n := p.expression()
		if p.acceptWord("as") {
			target := p.binary(3)
			n = from(n, syntax.Assign, "as", target, n)
		}
		list = append(list, n)
		if !p.accept(",") {
			break
		}
	}
	return list
}

// matches reports whether match begins a statement and is no name.
func (p *parser) matches() bool {
	t := p.peek()
	if t.kind == mark && t.text != "(" && t.text != "[" && t.text != "{" && t.text != "-" && t.text != "*" || t.kind == newline {
		return false
	}
	depth := 0
	for i := p.at + 1; i < len(p.tokens) && i < p.at+1000; i++ {
		switch t := p.tokens[i]; {
		case t.kind == newline:
			return p.tokens[i-1].text == ":"
		case t.kind == mark && t.text == "=" && depth == 0:
			return false
		case t.kind == mark && strings.Contains("([{", t.text):
			depth++
		case t.kind == mark && strings.Contains(")]}", t.text):
			depth--
		}
	}
	return false
}

func (p *parser) match() *syntax.Node {
	n := p.node(syntax.Block, "switch")
	p.next()
	n.Kids = append(n.Kids, p.expressions())
	p.expect(":")
	p.next()
	if p.tok().kind != indent {
		p.fail("a match without cases")
		return n
	}
	p.next()
	for p.says("case") {
		p.next()
		c := p.node(syntax.If, "case", p.pattern())
		c.Kids = append(c.Kids, p.block())
		n.Kids = append(n.Kids, c)
		for p.tok().kind == newline && !p.broken {
			p.next()
		}
	}
	if p.tok().kind == dedent {
		p.next()
	}
	return n
}

// pattern moves over the pattern of a case; only its guard matters.
func (p *parser) pattern() *syntax.Node {
	for depth := 0; ; p.next() {
		t := p.tok()
		switch {
		case t.kind == newline, t.kind == end, depth == 0 && t.kind == mark && t.text == ":":
			return nil
		case depth == 0 && t.kind == word && t.text == "if":
			p.next()
			return p.named()
		case t.kind == mark && strings.Contains("([{", t.text):
			depth++
		case t.kind == mark && strings.Contains(")]}", t.text):
			depth--
		}
	}
}
