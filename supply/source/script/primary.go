package script

import "github.com/tutela-health/tutela/supply/source/syntax"

// primary reads what operators and calls are applied to.
func (p *parser) primary() *syntax.Node {
	n := p.node(syntax.Unknown, "")
	switch p.tok.kind {
	case word:
		return p.wordly()
	case private:
		n.Kind, n.Text = syntax.Name, p.tok.text
	case number:
		n.Kind, n.Text = syntax.Constant, p.tok.text
	case text:
		n.Kind, n.Text = syntax.Text, p.tok.text
	case template:
		return p.template(false)
	case mark:
		return p.marked()
	default:
		p.fail("no expression where one belongs")
		return n
	}
	p.next()
	return n
}

// wordly reads what a word begins.
func (p *parser) wordly() *syntax.Node {
	switch p.tok.text {
	case "function":
		return p.function()
	case "class":
		return p.class(nil)
	case "new":
		return p.construct()
	case "async":
		if n := p.async(); n != nil {
			return n
		}
	case "import":
		if p.ahead(func() bool { p.next(); return p.is(".") || p.is("(") }) {
			return p.name()
		}
		p.fail("an import within an expression")
	case "null", "true", "false", "undefined":
		n := p.node(syntax.Constant, p.tok.text)
		p.next()
		return n
	case "case", "catch", "const", "continue", "default", "do", "else", "extends", "finally", "for", "if", "in", "instanceof", "return",
		"switch", "throw", "try", "var", "while", "with", "break", "debugger", "enum", "export":
		p.fail("no expression where one belongs")
	}
	n := p.node(syntax.Name, p.tok.text)
	p.next()
	return n
}

// async reads async functions, and async x => …; nil where async is a name or what follows is in brackets.
func (p *parser) async() *syntax.Node {
	switch {
	case p.ahead(func() bool { p.next(); return p.says("function") && !p.tok.newline }):
		return p.function()
	case p.ahead(func() bool {
		p.next()
		if p.tok.kind != word || p.tok.newline {
			return false
		}
		p.next()
		return p.is("=>")
	}):
		p.next()
		return p.name()
	}
	return nil
}

// marked reads what punctuation begins.
func (p *parser) marked() *syntax.Node {
	n := p.node(syntax.Unknown, "")
	switch p.tok.text {
	case "(":
		return p.grouped()
	case "[":
		n.Kind = syntax.List
		n.Kids = p.list("[", "]")
		return n
	case "{":
		return p.object()
	case "/", "/=":
		pattern, ok := p.lex.regex(p.tok.at)
		n.Kind, n.Text = syntax.Regex, pattern
		if !ok {
			p.fail("a regular expression without an end")
			return n
		}
		p.next()
		return n
	case "<":
		return p.angle()
	case "@":
		return p.decorated()
	}
	p.fail("no expression where one belongs")
	return n
}

// grouped reads an expression in brackets, or the parameters of an arrow function.
func (p *parser) grouped() *syntax.Node {
	n := p.node(syntax.List, "(")
	n.Kids = p.list("(", ")")
	if p.is("=>") {
		return n
	}
	if p.dialect.Types && p.is(":") && (p.choice == 0 || len(n.Kids) == 0 || typed(n.Kids)) && p.returns() {
		p.annotation()
		return n
	}
	switch len(n.Kids) {
	case 0:
		p.fail("nothing in brackets")
	case 1:
		return n.Kids[0]
	default:
		n.Kind, n.Text = syntax.Sequence, ""
	}
	return n
}

// typed reports whether what is in brackets can only be parameters.
func typed(list []*syntax.Node) bool {
	for _, n := range list {
		if n.Type != "" || n.Is(syntax.Assign) && n.Kid(0).Type != "" {
			return true
		}
	}
	return false
}

// returns reports whether a colon begins the type that an arrow function gives.
func (p *parser) returns() bool {
	return p.ahead(func() bool { p.annotation(); return !p.broken && p.is("=>") && !p.tok.newline })
}

// construct reads new X(…).
func (p *parser) construct() *syntax.Node {
	if !p.enter() {
		return p.node(syntax.Unknown, "")
	}
	defer p.leave()
	n := p.node(syntax.New, "")
	p.next()
	if p.accept(".") { // new.target
		n.Kind, n.Text = syntax.Name, "new.target"
		p.next()
		return n
	}
	n.Kids = append(n.Kids, p.postfix(p.primary(), false))
	if p.is("(") {
		n.Kids = append(n.Kids, p.list("(", ")")...)
	}
	return n
}

// angle reads JSX, a generic arrow function, or a value whose type is asserted.
func (p *parser) angle() *syntax.Node {
	if p.dialect.JSX && !(p.dialect.Types && p.generic()) {
		n := p.element()
		p.next()
		return n
	}
	if !p.dialect.Types {
		p.fail("no expression where one belongs")
		return p.node(syntax.Unknown, "")
	}
	p.typeArguments()
	return p.unary()
}

// generic reports whether < begins type parameters though JSX is possible: <T, or <T extends or <const T.
func (p *parser) generic() bool {
	return p.ahead(func() bool {
		p.next()
		if p.tok.kind != word {
			return false
		}
		if p.says("const") {
			return true
		}
		p.next()
		return p.is(",") || p.says("extends") && p.ahead(func() bool { p.next(); return p.tok.kind == word || p.is("{") || p.is("(") || p.is("[") })
	})
}

// template reads a template literal; of types it holds types.
func (p *parser) template(types bool) *syntax.Node {
	n := p.node(syntax.Template, "")
	at := p.lex.pos
	for p.lex.pos < len(p.lex.src) {
		switch c := p.lex.src[p.lex.pos]; {
		case c == '`':
			p.piece(n, at)
			p.lex.pos++
			p.next()
			return n
		case c == '\\':
			p.lex.skip(min(p.lex.pos+2, len(p.lex.src)))
		case c == '$' && p.lex.pos+1 < len(p.lex.src) && p.lex.src[p.lex.pos+1] == '{':
			p.piece(n, at)
			p.lex.pos += 2
			p.next()
			if types {
				p.skipType()
			} else {
				n.Kids = append(n.Kids, p.inside())
			}
			if !p.is("}") {
				p.fail("a template that does not go on")
				return n
			}
			at = p.lex.pos
		default:
			p.lex.skip(p.lex.pos + 1)
		}
	}
	p.fail("a template without an end")
	return n
}

// piece keeps the letters since at.
func (p *parser) piece(n *syntax.Node, at int) {
	if at < p.lex.pos {
		n.Kids = append(n.Kids, &syntax.Node{Kind: syntax.Text, Line: p.lex.line, Column: 1, Text: unescape(p.lex.src[at:p.lex.pos])})
	}
}
