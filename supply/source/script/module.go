package script

import "github.com/tutela-health/tutela/supply/source/syntax"

// imports reads an import statement, into one Import for each name that it gives.
func (p *parser) imports() *syntax.Node {
	n := p.node(syntax.Block, "import")
	p.next()
	if p.dialect.Types && p.says("type") && !p.ahead(func() bool { p.next(); return p.says("from") || p.is(",") || p.is("=") }) {
		p.next()
	}
	var all []*syntax.Node
	if p.tok.kind == word {
		all = append(all, from(n, syntax.Import, "", p.name()))
		if p.accept("=") { // TypeScript: import x = require("y")
			value := p.expression()
			p.semicolon()
			return from(n, syntax.Assign, "=", all[0].Kid(0), value)
		}
		p.accept(",")
	}
	switch {
	case p.accept("*"):
		p.acceptWord("as")
		all = append(all, from(n, syntax.Import, "", p.name()))
	case p.is("{"):
		all = append(all, p.named()...)
	}
	p.acceptWord("from")
	module := p.tok.text
	if p.tok.kind != text {
		p.fail("an import of nothing")
	}
	p.next()
	if p.acceptWord("with") || p.acceptWord("assert") {
		p.primary()
	}
	p.semicolon()
	for _, i := range all {
		if i.Text == "" || i.Text == "default" {
			i.Text = module
		} else {
			i.Text = module + "." + i.Text
		}
	}
	n.Kids = all
	return n
}

// named reads { a, b as c } of an import or export.
func (p *parser) named() []*syntax.Node {
	var list []*syntax.Node
	p.expect("{")
	for !p.broken && !p.is("}") {
		if p.says("type") && !p.ahead(func() bool { p.next(); return p.is(",") || p.is("}") || p.says("as") }) {
			p.next()
		}
		local := p.node(syntax.Name, p.tok.text)
		i := p.node(syntax.Import, p.tok.text, local)
		p.next()
		if p.acceptWord("as") {
			local.Text = p.tok.text
			p.next()
		}
		list = append(list, i)
		if !p.accept(",") {
			break
		}
	}
	p.expect("}")
	return list
}

// export reads an export of a declaration; a list of names holds nothing new.
func (p *parser) export() *syntax.Node {
	p.next()
	switch {
	case p.acceptWord("default"):
		return p.exported()
	case p.is("{"), p.is("*"), p.says("type") && p.ahead(func() bool { p.next(); return p.is("{") || p.is("*") }):
		p.acceptWord("type")
		if p.accept("*") {
			if p.acceptWord("as") {
				p.next()
			}
		} else {
			p.named()
		}
		if p.acceptWord("from") {
			p.next()
			if p.acceptWord("with") || p.acceptWord("assert") {
				p.primary()
			}
		}
		p.semicolon()
		return nil
	case p.accept("="), p.acceptWord("as"): // TypeScript: export = x, export as namespace x
		p.acceptWord("namespace")
	case p.says("import"):
		return p.imports()
	}
	return p.statement()
}

// exported reads what follows export default.
func (p *parser) exported() *syntax.Node {
	switch {
	case p.says("function"), p.says("class"), p.is("@"), p.says("interface"), p.says("abstract"), p.says("async"):
		if p.says("abstract") {
			p.next()
		}
		return p.statement()
	}
	n := p.assignment()
	p.semicolon()
	return n
}
