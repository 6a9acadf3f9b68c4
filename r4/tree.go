package r4

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// offset narrows a position in the compact JSON or among its nodes.
func offset(n int) int32 { return int32(n) } //nolint:gosec // Parse bounds the input to 1 GiB

// open starts the node of an object or list.
func (p *parser) open(elem elementID, typ typeID, bracket byte) int {
	p.doc.nodes = append(p.doc.nodes, node{start: offset(len(p.doc.buf)), elem: elem, typ: typ, kind: bracket})
	p.doc.buf = append(p.doc.buf, bracket)
	return len(p.doc.nodes) - 1
}

// close ends the node opened at at; the comma after its last child gives way to the bracket.
func (p *parser) close(at int, bracket byte) {
	if last := len(p.doc.buf) - 1; p.doc.buf[last] == ',' {
		p.doc.buf = p.doc.buf[:last]
	}
	p.doc.buf = append(p.doc.buf, bracket)
	n := &p.doc.nodes[at]
	n.end, n.next = offset(len(p.doc.buf)), offset(len(p.doc.nodes))
}

// hasMember reports whether the unfinished object at owner has the member already. It has few: each
// of its type's elements and their companions once.
func (d *document) hasMember(owner int, elem elementID, companion bool) bool {
	for i := offset(owner) + 1; int(i) < len(d.nodes); i = d.nodes[i].next {
		if n := &d.nodes[i]; n.elem == elem && n.companion == companion {
			return true
		}
	}
	return false
}

// leaf adds the node of a primitive value or null.
func (p *parser) leaf(elem elementID, typ typeID, kind byte, raw []byte) {
	start := offset(len(p.doc.buf))
	p.doc.buf = append(p.doc.buf, raw...)
	p.doc.nodes = append(p.doc.nodes, node{
		start: start, end: offset(len(p.doc.buf)), next: offset(len(p.doc.nodes)) + 1,
		elem: elem, typ: typ, kind: kind,
	})
}

// skip passes over a value that a reported issue makes worthless.
func (p *parser) skip() error {
	if len(p.issues) >= maxIssues && p.refused == nil {
		return errStop
	}
	return p.dec.SkipValue()
}

// mismatch reports a value of the wrong JSON kind and passes over it.
func (p *parser) mismatch(want string) error {
	if p.dec.PeekKind() == jsontext.KindInvalid {
		return p.skip()
	}
	p.report(IssueStructure, "expected "+want)
	return p.skip()
}

// report adds an issue at the current path.
func (p *parser) report(code IssueCode, diagnostics string) {
	if len(p.issues) < maxIssues {
		p.reportAt(code, diagnostics, p.expression())
	}
}

func (p *parser) reportAt(code IssueCode, diagnostics, expression string) {
	p.issues = append(p.issues, Issue{"error", code, diagnostics, expression})
}

// expression renders the current path as FHIRPath.
func (p *parser) expression() string {
	var b strings.Builder
	for i, s := range p.path {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(s.name)
		if s.index >= 0 {
			fmt.Fprintf(&b, "[%d]", s.index)
		}
	}
	return b.String()
}

// diagnose says what is wrong with JSON text without repeating any of it.
func diagnose(err error) string {
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		return fmt.Sprintf("not strict JSON in UTF-8, at byte %d", syntax.ByteOffset)
	}
	return "not strict JSON in UTF-8: it ends too early"
}
