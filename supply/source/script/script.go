// Package script reads JavaScript and TypeScript, with JSX, into a syntax tree. It takes whatever standard and
// proposal people ship, skips types, and goes on after what it cannot read, saying where that was.
//
// The invariant: whatever the bytes, reading ends in time linear in them and within a bounded stack.
package script

import (
	"errors"
	"fmt"

	"github.com/tutela-health/tutela/supply/source/syntax"
)

// Dialect says what a file may contain beside JavaScript.
type Dialect struct {
	Types bool // TypeScript's
	JSX   bool
}

// maxFaults is after how many places that cannot be read a file is given up.
const maxFaults = 10

var errTooMuch = errors.New("it takes too long to read")

// Parse reads a file. An error says what could not be read; the tree has the rest.
func Parse(src string, d Dialect) (*syntax.Node, error) {
	p := &parser{lex: lexer{src: src, line: 1}, dialect: d, budget: 20*len(src) + 10_000}
	if len(src) > 1 && src[0] == '#' && src[1] == '!' {
		p.lex.pos = p.lex.lineEnd()
	}
	p.next()
	root := &syntax.Node{Kind: syntax.Block, Line: 1, Column: 1}
	for p.tok.kind != end || p.broken {
		root.Kids = append(root.Kids, p.statements()...)
		if p.is("}") {
			p.fail("a brace too many")
			p.recover()
		}
		if p.dead {
			break
		}
	}
	return root, p.err
}

// parser reads tokens into nodes. After a fault every token is the end, until a list of statements recovers.
type parser struct {
	lex     lexer
	tok     token
	dialect Dialect

	depth  int
	noIn   bool // within the head of a for
	choice int  // within how many conditions a colon is theirs
	budget int  // tokens that may still be read, those read twice included

	broken bool // nothing more is read of this statement
	dead   bool // nothing more is read at all
	fault  int  // where the last fault was
	faults int
	err    error
}

// next moves on by a token.
func (p *parser) next() {
	if p.broken {
		return
	}
	if p.budget--; p.budget < 0 {
		p.err, p.dead = errTooMuch, true
		p.stop()
		return
	}
	p.tok = p.lex.next()
	if p.tok.unfinished {
		p.fail("a string without an end")
	}
}

func (p *parser) stop() {
	p.broken = true
	p.fault = p.tok.at
	p.tok = token{line: p.tok.line, col: p.tok.col, at: p.tok.at, till: p.tok.till}
}

// fail notes what cannot be read.
func (p *parser) fail(what string) {
	if p.broken {
		return
	}
	if p.err == nil {
		p.err = fmt.Errorf("line %d: %s", p.tok.line, what)
	}
	if p.faults++; p.faults > maxFaults {
		p.dead = true
	}
	p.stop()
}

// recover goes on after a fault, at the next line.
func (p *parser) recover() {
	if p.dead {
		return
	}
	p.lex.skip(max(p.lex.pos, p.fault))
	p.lex.pos = max(p.lex.pos, p.fault)
	p.lex.skip(p.lex.lineEnd())
	p.broken, p.choice, p.noIn = false, 0, false
	p.next()
}

// ahead reports what a look at the next token says, and does not move.
func (p *parser) ahead(look func() bool) bool {
	was := *p
	ok := look()
	spent := was.budget - p.budget
	*p = was
	p.budget -= spent
	return ok
}

func (p *parser) is(m string) bool   { return p.tok.kind == mark && p.tok.text == m }
func (p *parser) says(w string) bool { return p.tok.kind == word && p.tok.text == w }

// accept moves over a mark if it is there.
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
	return &syntax.Node{Kind: k, Line: p.tok.line, Column: p.tok.col, Text: says, Kids: kids}
}

// from makes a node that begins where another does.
func from(at *syntax.Node, k syntax.Kind, says string, kids ...*syntax.Node) *syntax.Node {
	return &syntax.Node{Kind: k, Line: at.Line, Column: at.Column, Text: says, Kids: kids}
}
