package python

import (
	"strings"

	"github.com/tutela-health/tutela/supply/source/syntax"
)

// primary reads what operators and calls are applied to.
func (p *parser) primary() *syntax.Node {
	t := p.tok()
	n := p.node(syntax.Unknown, "")
	switch t.kind {
	case word:
		n.Kind, n.Text = syntax.Name, t.text
		if reserved(t.text) {
			p.fail("no expression where one belongs")
		}
		if t.text == "None" || t.text == "True" || t.text == "False" {
			n.Kind = syntax.Constant
		}
	case number:
		n.Kind, n.Text = syntax.Constant, t.text
	case text, formatted:
		return p.texts()
	case mark:
		return p.marked()
	default:
		p.fail("no expression where one belongs")
		return n
	}
	p.next()
	return n
}

func reserved(w string) bool {
	switch w {
	case "and", "as", "assert", "break", "class", "continue", "def", "del", "elif", "else", "except", "finally", "for", "from", "global",
		"if", "import", "in", "is", "nonlocal", "or", "pass", "raise", "return", "try", "while", "with":
		return true
	}
	return false
}

// marked reads what brackets enclose.
func (p *parser) marked() *syntax.Node {
	n := p.node(syntax.List, "")
	switch {
	case p.accept("("):
		inner := p.elements(")")
		p.expect(")")
		if len(inner.Kids) == 1 && inner.Text == "" {
			return inner.Kids[0]
		}
		return inner
	case p.accept("["):
		inner := p.elements("]")
		p.expect("]")
		return inner
	case p.accept("{"):
		inner := p.braces()
		p.expect("}")
		return inner
	case p.accept("..."):
		n.Kind, n.Text = syntax.Constant, "..."
		return n
	}
	p.fail("no expression where one belongs")
	return n
}

// elements reads a tuple, a list or a comprehension. Its Text is "," where a comma makes one element a tuple.
func (p *parser) elements(till string) *syntax.Node {
	n := p.node(syntax.List, "")
	for !p.broken && !p.is(till) {
		n.Kids = append(n.Kids, p.comprehended(p.starred()))
		if !p.accept(",") {
			break
		}
		n.Text = ","
	}
	return n
}

// comprehended reads "for x in y if z" after an expression: what is assigned comes first in the tree.
func (p *parser) comprehended(n *syntax.Node) *syntax.Node {
	if !p.says("for") && !(p.says("async") && p.peek().text == "for") {
		return n
	}
	all := from(n, syntax.Sequence, "each")
	for chain := 0; !p.broken && chain < 50; chain++ {
		p.acceptWord("async")
		switch {
		case p.acceptWord("for"):
			all.Kids = append(all.Kids, p.each(func() *syntax.Node { return p.binary(0) }))
		case p.acceptWord("if"):
			when := p.binary(0)
			if p.accept(":=") {
				when = from(when, syntax.Assign, ":=", when, p.expression())
			}
			all.Kids = append(all.Kids, when)
		default:
			all.Kids = append(all.Kids, n)
			return all
		}
	}
	return all
}

// braces reads a dictionary, a set, or a comprehension of one.
func (p *parser) braces() *syntax.Node {
	n := p.node(syntax.Object, "")
	for !p.broken && !p.is("}") {
		key := p.starred()
		if p.accept(":") {
			value := p.expression()
			pair := from(key, syntax.Pair, "", p.comprehended(value), key)
			if key.Is(syntax.Text) {
				pair.Text = key.Text
			}
			key = pair
		} else {
			key = p.comprehended(key)
		}
		n.Kids = append(n.Kids, key)
		if !p.accept(",") {
			break
		}
	}
	if len(n.Kids) > 0 && !n.Kids[0].Is(syntax.Pair) && !n.Kids[0].Is(syntax.Spread) {
		n.Kind = syntax.List
	}
	return n
}

// texts reads strings that follow each other, which are one.
func (p *parser) texts() *syntax.Node {
	n := p.node(syntax.Template, "")
	for t := p.tok(); t.kind == text || t.kind == formatted; t = p.tok() {
		if t.kind == formatted {
			p.formatted(n, t)
		} else {
			n.Kids = append(n.Kids, &syntax.Node{Kind: syntax.Text, Line: t.line, Column: t.col, Text: says(t)})
		}
		p.next()
	}
	plain := true
	var b strings.Builder
	for _, k := range n.Kids {
		plain = plain && k.Is(syntax.Text)
		b.WriteString(k.Text)
	}
	if plain {
		return from(n, syntax.Text, b.String())
	}
	return n
}

// says is what a string's letters mean, as far as rules care.
func says(t token) string {
	if t.raw || !strings.Contains(t.text, `\`) {
		return t.text
	}
	return strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\r`, "\r", `\t`, "\t", `\'`, `'`, `\"`, `"`, "\\\n", "").Replace(t.text)
}

// maxWithin is how deep f-strings nest within f-strings.
const maxWithin = 4

// formatted splits an f-string into texts and expressions.
func (p *parser) formatted(n *syntax.Node, t token) {
	s := t.text
	line := t.line
	for s != "" {
		i := strings.IndexByte(s, '{')
		if i < 0 || i+1 >= len(s) {
			n.Kids = append(n.Kids, &syntax.Node{Kind: syntax.Text, Line: line, Column: t.col, Text: s})
			return
		}
		if s[i+1] == '{' {
			n.Kids = append(n.Kids, &syntax.Node{Kind: syntax.Text, Line: line, Column: t.col, Text: s[:i+1]})
			line += strings.Count(s[:i+2], "\n")
			s = s[i+2:]
			continue
		}
		if i > 0 {
			n.Kids = append(n.Kids, &syntax.Node{Kind: syntax.Text, Line: line, Column: t.col, Text: s[:i]})
		}
		line += strings.Count(s[:i], "\n")
		s = s[i+1:]
		till, after := hole(s)
		n.Kids = append(n.Kids, p.embedded(s[:till], line, t.col))
		line += strings.Count(s[:after], "\n")
		s = s[after:]
	}
}

// hole finds the end of an expression in an f-string, and where the text goes on after its brace.
func hole(s string) (till, after int) {
	depth, spec := 0, -1
	var quote byte
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case (c == '"' || c == '\'') && spec < 0:
			quote = c
		case c == '(' || c == '[' || c == '{':
			depth++
		case c == '}' && depth == 0:
			if spec < 0 {
				spec = i
			}
			return spec, i + 1
		case c == ')' || c == ']' || c == '}':
			depth--
		case depth == 0 && spec < 0 && (c == ':' || c == '!' && !strings.HasPrefix(s[i:], "!=") || c == '=' && !strings.ContainsAny(s[max(0, i-1):i], "=!<>") && !strings.HasPrefix(s[i:], "==")):
			spec = i
		}
	}
	if spec < 0 {
		spec = len(s)
	}
	return spec, len(s)
}

// embedded reads the expression of an f-string.
func (p *parser) embedded(s string, line, col int) *syntax.Node {
	if p.within >= maxWithin || !p.enter() {
		return &syntax.Node{Kind: syntax.Unknown, Line: line, Column: col}
	}
	defer p.leave()
	inner := &parser{tokens: lex("("+s+"\n)", line), depth: p.depth, within: p.within + 1}
	n := inner.expressions()
	if inner.err != nil {
		return &syntax.Node{Kind: syntax.Unknown, Line: line, Column: col}
	}
	return n
}
