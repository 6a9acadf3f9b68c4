package script

import (
	"strings"

	"github.com/tutela-health/tutela/supply/source/syntax"
)

// element reads <a b={c}>…</a> from its first <, and ends right after its last >: what follows is text where
// it is within another element.
func (p *parser) element() *syntax.Node {
	n := p.node(syntax.Element, "")
	if !p.enter() {
		return n
	}
	defer p.leave()
	p.lex.blank()
	n.Text = p.tagName()
	if p.dialect.Types && p.peek() == '<' {
		p.next()
		p.typeArguments()
		p.lex.pos = p.tok.at
	}
	if p.attributes(n) {
		return n
	}
	p.children(n)
	return n
}

// peek is the byte that comes next, 0 at the end.
func (p *parser) peek() byte {
	if p.lex.pos >= len(p.lex.src) || p.broken {
		return 0
	}
	return p.lex.src[p.lex.pos]
}

func (p *parser) tagName() string {
	at := p.lex.pos
	for c := p.peek(); letter(c) || digit(c) || c == '-' || c == '.' || c == ':'; c = p.peek() {
		p.lex.pos++
	}
	return p.lex.src[at:p.lex.pos]
}

// attributes reads up to the > of a tag, and reports whether it closed itself.
func (p *parser) attributes(n *syntax.Node) (closed bool) {
	for {
		p.lex.blank()
		c := p.peek()
		switch {
		case c == '>':
			p.lex.pos++
			return false
		case c == '/':
			p.lex.pos++
			p.lex.blank()
			if p.peek() != '>' {
				p.fail("a tag that does not end")
				return true
			}
			p.lex.pos++
			return true
		case c == '{':
			n.Kids = append(n.Kids, p.embedded())
		case letter(c):
			n.Kids = append(n.Kids, p.attribute())
		default:
			p.fail("a tag that does not end")
			return true
		}
		if p.broken {
			return true
		}
	}
}

// embedded reads { expression } and ends right after it.
func (p *parser) embedded() *syntax.Node {
	p.next() // the brace
	p.next()
	if p.is("}") {
		return p.node(syntax.Unknown, "")
	}
	if p.accept("...") {
		n := p.node(syntax.Spread, "")
		n.Kids = append(n.Kids, p.inside())
		p.closing()
		return n
	}
	n := p.inside()
	p.closing()
	return n
}

func (p *parser) closing() {
	if !p.is("}") {
		p.fail("an expression in a tag that does not end")
	}
}

func (p *parser) attribute() *syntax.Node {
	n := &syntax.Node{Kind: syntax.Pair, Line: p.lex.line, Column: p.lex.pos - p.lex.begin + 1}
	n.Text = p.tagName()
	p.lex.blank()
	if p.peek() != '=' {
		n.Kids = append(n.Kids, from(n, syntax.Constant, "true"))
		return n
	}
	p.lex.pos++
	p.lex.blank()
	switch c := p.peek(); c {
	case '{':
		n.Kids = append(n.Kids, p.embedded())
	case '"', '\'':
		n.Kids = append(n.Kids, from(n, syntax.Text, p.attributeText(c)))
	case '<':
		p.next()
		n.Kids = append(n.Kids, p.element())
	default:
		p.fail("an attribute without a value")
	}
	return n
}

// attributeText reads a quoted text, in which nothing is escaped and lines may end.
func (p *parser) attributeText(quote byte) string {
	at := p.lex.pos + 1
	i := strings.IndexByte(p.lex.src[at:], quote)
	if i < 0 {
		p.fail("a string without an end")
		return ""
	}
	p.lex.skip(at + i + 1)
	return p.lex.src[at : at+i]
}

// children reads up to the end of the closing tag.
func (p *parser) children(n *syntax.Node) {
	for !p.broken {
		i := strings.IndexAny(p.lex.src[p.lex.pos:], "<{")
		if i < 0 {
			p.fail("a tag that is not closed")
			return
		}
		p.lex.skip(p.lex.pos + i)
		if p.peek() == '{' {
			n.Kids = append(n.Kids, p.embedded())
			continue
		}
		p.next() // the <
		p.tok.newline = false
		if p.tok.text != "<" {
			p.lex.pos = p.tok.at + 1
		}
		p.lex.blank()
		if p.peek() == '/' {
			p.closeTag()
			return
		}
		n.Kids = append(n.Kids, p.element())
	}
}

func (p *parser) closeTag() {
	p.lex.pos++
	p.lex.blank()
	p.tagName()
	p.lex.blank()
	if p.peek() != '>' {
		p.fail("a tag that does not end")
		return
	}
	p.lex.pos++
}
