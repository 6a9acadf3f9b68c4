// Package python reads Python 3 into a syntax tree, and goes on after what it cannot read, saying where that was.
//
// The invariant: whatever the bytes, reading ends in time linear in them and within a bounded stack.
package python

import (
	"fmt"
	"strings"

	"github.com/tutela-health/tutela/supply/source/syntax"
)

// maxFaults is after how many places that cannot be read a file is given up.
const maxFaults = 10

// Parse reads a file. An error says what could not be read; the tree has the rest.
func Parse(src string) (*syntax.Node, error) {
	p := &parser{tokens: lex(strings.TrimPrefix(src, "\ufeff"), 1)}
	root := &syntax.Node{Kind: syntax.Block, Line: 1, Column: 1}
	for p.tok().kind != end && !p.dead {
		root.Kids = append(root.Kids, p.statements()...)
		if p.tok().kind != end {
			p.at++
		}
	}
	return root, p.err
}

// parser reads tokens into nodes. After a fault every token is the end of the line, until a statement recovers.
type parser struct {
	tokens []token
	at     int
	depth  int
	within int // how many f-strings are around this

	broken bool
	dead   bool
	faults int
	err    error
}

func (p *parser) tok() token {
	t := p.tokens[min(p.at, len(p.tokens)-1)]
	if p.broken {
		return token{kind: newline, line: t.line, col: t.col}
	}
	return t
}

func (p *parser) peek() token { return p.tokens[min(p.at+1, len(p.tokens)-1)] }

func (p *parser) next() {
	if !p.broken && p.at < len(p.tokens)-1 {
		p.at++
	}
}

func (p *parser) is(m string) bool   { t := p.tok(); return t.kind == mark && t.text == m }
func (p *parser) says(w string) bool { t := p.tok(); return t.kind == word && t.text == w }

func (p *parser) accept(m string) bool {
	if !p.is(m) {
		return false
	}
	p.next()
	return true
}

func (p *parser) acceptWord(w string) bool {
	if !p.says(w) {
		return false
	}
	p.next()
	return true
}

func (p *parser) expect(m string) {
	if !p.accept(m) {
		p.fail("no " + m + " where one belongs")
	}
}

// fail notes what cannot be read.
func (p *parser) fail(what string) {
	if p.broken {
		return
	}
	if p.err == nil {
		p.err = fmt.Errorf("line %d: %s", p.tok().line, what)
	}
	if p.faults++; p.faults > maxFaults {
		p.dead = true
	}
	p.broken = true
}

// recover goes on with the line after a fault.
func (p *parser) recover() {
	p.broken = false
	for k := p.tok().kind; k != newline && k != end && k != indent && k != dedent; k = p.tok().kind {
		p.next()
	}
	if p.tok().kind == newline {
		p.next()
	}
}

// enter counts what nests; leave must follow.
func (p *parser) enter() bool {
	p.depth++
	if p.depth > syntax.MaxDepth {
		p.fail("it nests too deep")
		p.dead = true
		return false
	}
	return true
}

func (p *parser) leave() { p.depth-- }

func (p *parser) node(k syntax.Kind, says string, kids ...*syntax.Node) *syntax.Node {
	t := p.tok()
	return &syntax.Node{Kind: k, Line: t.line, Column: t.col, Text: says, Kids: kids}
}

// from makes a node that begins where another does.
func from(at *syntax.Node, k syntax.Kind, says string, kids ...*syntax.Node) *syntax.Node {
	return &syntax.Node{Kind: k, Line: at.Line, Column: at.Column, Text: says, Kids: kids}
}
