package script

import "github.com/tutela-health/tutela/supply/source/syntax"

// maxType is how much of a parameter's type is kept, in bytes.
const maxType = 80

// annotation skips ": type", and gives the type.
func (p *parser) annotation() string {
	if !p.dialect.Types || !p.accept(":") {
		return ""
	}
	return p.typed()
}

// typed skips a type and gives it as it is written.
func (p *parser) typed() string {
	at := p.tok.at
	p.skipType()
	till := min(p.tok.at, at+maxType, len(p.lex.src))
	if p.broken || at > till {
		return ""
	}
	return p.lex.src[at:till]
}

// skipType moves over a type.
func (p *parser) skipType() {
	if !p.enter() {
		return
	}
	defer p.leave()
	if !p.accept("|") {
		p.accept("&")
	}
	p.operand()
	for !p.broken && (p.is("|") || p.is("&")) {
		p.next()
		p.operand()
	}
	switch {
	case p.says("extends") && !p.tok.newline: // conditional types; in a list of type parameters no ? follows
		p.next()
		p.skipType()
		if p.accept("?") {
			p.skipType()
			p.expect(":")
			p.skipType()
		}
	case p.says("is") && !p.tok.newline:
		p.next()
		p.skipType()
	}
}

// operand moves over a type without | and &.
func (p *parser) operand() {
	for p.tok.kind == word && prefix(p.tok.text) && p.prefixes() {
		p.next()
	}
	switch {
	case p.is("("):
		p.balanced()
		if p.accept("=>") {
			p.skipType()
		}
	case p.is("<"):
		p.typeArguments()
		p.balanced()
		p.expect("=>")
		p.skipType()
	case p.is("{"), p.is("["):
		p.balanced()
	case p.tok.kind == template:
		p.template(true)
	case p.accept("-"), p.tok.kind == text, p.tok.kind == number:
		p.next()
	case p.says("import"):
		p.next()
		p.balanced()
		p.reference()
	case p.tok.kind == word:
		p.next()
		p.reference()
	default:
		p.fail("no type where one belongs")
	}
	for p.is("[") && !p.tok.newline {
		p.balanced()
	}
}

// reference moves over what follows a type's name: members and arguments.
func (p *parser) reference() {
	for p.accept(".") {
		p.next()
	}
	if p.is("<") && !p.tok.newline || p.is("<<") {
		p.typeArguments()
	}
}

func prefix(w string) bool {
	switch w {
	case "keyof", "unique", "readonly", "infer", "typeof", "new", "abstract", "asserts":
		return true
	}
	return false
}

// prefixes reports whether a word that may come before a type does, and is not itself one.
func (p *parser) prefixes() bool {
	return p.ahead(func() bool {
		p.next()
		return !p.tok.newline && (p.tok.kind == word && !p.says("is") && !p.says("extends") || p.is("(") || p.is("{") || p.is("[") || p.is("<") || p.tok.kind == text)
	})
}

// balanced moves over brackets with what is between them. In types nothing but brackets and strings matters.
func (p *parser) balanced() {
	if !p.is("(") && !p.is("[") && !p.is("{") {
		p.fail("no bracket where one belongs")
		return
	}
	for depth := 0; !p.broken; {
		switch {
		case p.is("("), p.is("["), p.is("{"):
			depth++
		case p.is(")"), p.is("]"), p.is("}"):
			depth--
		case p.tok.kind == template:
			p.template(true)
			continue
		case p.tok.kind == end:
			p.fail("a bracket that does not close")
		}
		p.next()
		if depth == 0 {
			return
		}
	}
}

// typeArguments moves over < types >, and leaves what a longer mark has beyond the last >.
func (p *parser) typeArguments() {
	p.lex.pos = p.tok.at + 1 // of << the second begins a type
	p.next()
	for !p.broken && !p.closes() {
		for (p.says("const") || p.says("in") || p.says("out")) && p.ahead(func() bool { p.next(); return p.tok.kind == word }) {
			p.next()
		}
		p.skipType()
		if p.accept("=") {
			p.skipType()
		}
		if !p.accept(",") {
			break
		}
	}
	if !p.closes() {
		p.fail("no > where one belongs")
		return
	}
	p.lex.pos = p.tok.at + 1 // of >> the second is another's
	p.next()
}

func (p *parser) closes() bool { return p.tok.kind == mark && p.tok.text != "" && p.tok.text[0] == '>' }

// typeStatement reads what TypeScript adds; the bool is false where it is none of it.
func (p *parser) typeStatement() (*syntax.Node, bool) {
	if !p.dialect.Types {
		return nil, false
	}
	named := func() bool {
		return p.ahead(func() bool { p.next(); return p.tok.kind == word && !p.tok.newline })
	}
	switch p.tok.text {
	case "interface":
		if named() {
			p.next()
			for !p.broken && !p.is("{") {
				p.skipType()
				p.accept(",")
				p.acceptWord("extends")
			}
			p.balanced()
			return nil, true
		}
	case "type":
		if named() {
			p.next()
			p.next()
			if p.is("<") {
				p.typeArguments()
			}
			p.expect("=")
			p.skipType()
			p.semicolon()
			return nil, true
		}
	case "enum":
		if named() {
			return p.enum(), true
		}
	case "declare":
		if named() {
			p.next()
			return p.declared(), true
		}
	case "abstract":
		if p.nextSays("class") {
			p.next()
			return p.class(nil), true
		}
	case "namespace", "module", "global":
		if p.ahead(func() bool {
			p.next()
			return !p.tok.newline && (p.tok.kind == word || p.tok.kind == text || p.is("{"))
		}) {
			return p.namespace(), true
		}
	}
	return nil, false
}

// declared moves over a declaration of what is elsewhere.
func (p *parser) declared() *syntax.Node {
	p.statement()
	return nil
}

// enum reads an enum, whose values are constants.
func (p *parser) enum() *syntax.Node {
	p.next()
	p.next()
	p.balanced()
	return nil
}

func (p *parser) namespace() *syntax.Node {
	p.next()
	for !p.broken && !p.is("{") && !p.is(";") && !p.tok.newline && p.tok.kind != end {
		p.next()
	}
	if p.is("{") {
		return p.braced()
	}
	p.semicolon()
	return nil
}
