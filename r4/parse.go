package r4

import (
	"bytes"
	"errors"
	"fmt"
	"math"

	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth bounds how deeply objects and lists may nest.
const maxDepth = 64

// Parse reads one resource from strict JSON: UTF-8, no duplicate names, nothing after the value.
// It checks types, elements, cardinalities, primitive formats, required codes and narratives
// (FHIR R4, json.html and datatypes.html), and takes time linear in the input. The caller bounds
// the input's size; data may be reused afterwards.
//
// The error is of kind errs.Invalid and wraps an *Invalid.
func Parse(data []byte) (*Resource, error) {
	if err := checkSize(data); err != nil {
		return nil, err
	}
	return newParser(data).parse()
}

// ParsePart is Parse for what is left of a resource from which elements were taken out: required ones may be
// missing.
func ParsePart(data []byte) (*Resource, error) {
	if err := checkSize(data); err != nil {
		return nil, err
	}
	p := newParser(data)
	p.part = true
	return p.parse()
}

// checkSize refuses input that offsets of 32 bits could not address.
func checkSize(data []byte) error {
	if len(data) > math.MaxInt32/2 {
		return invalid([]Issue{{"error", IssueTooCostly, "longer than 1 GiB", ""}})
	}
	return nil
}

func newParser(data []byte) *parser {
	return &parser{
		data: data,
		dec:  newDecoder(data),
		doc:  &document{buf: make([]byte, 0, len(data)), nodes: make([]node, 0, len(data)/16+8)},
		path: make([]segment, 0, 16),
	}
}

func (p *parser) parse() (*Resource, error) {
	if err := p.document(); err != nil && !errors.Is(err, errStop) {
		p.report(IssueStructure, diagnose(err))
	}
	if len(p.issues) > 0 {
		return nil, invalid(p.issues)
	}
	return &Resource{doc: p.doc}, nil
}

// newDecoder reads strict JSON, but for duplicate names: the parser finds those itself, since it knows
// every name that an object may have.
func newDecoder(data []byte) *jsontext.Decoder {
	return jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true))
}

// parser is one pass over one JSON text. Its methods return an error only where parsing cannot go
// on; a broken rule is reported and parsing continues, to find the others.
type parser struct {
	data     []byte
	dec      *jsontext.Decoder
	doc      *document
	path     []segment
	issues   []Issue
	scratch  []byte
	searched int64            // bytes read ahead to find resource types
	refused  map[int]*Invalid // of a batch: the entries left out; nil for others
	part     bool             // required elements may be missing
}

// errStop ends parsing after an issue has been reported.
var errStop = errors.New("stopped")

// segment is one step of the path to the value being read.
type segment struct {
	name  string
	index int // in a list, else -1
}

func (p *parser) document() error {
	if p.dec.PeekKind() != '{' {
		if _, err := p.dec.ReadToken(); err != nil {
			return err
		}
		p.report(IssueStructure, "not a JSON object")
		return errStop
	}
	if err := p.resource(0); err != nil {
		return err
	}
	return p.trailing()
}

// trailing makes sure that nothing follows the value.
func (p *parser) trailing() error {
	for _, c := range p.data[p.dec.InputOffset():] {
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			p.report(IssueStructure, "data after the resource")
			return errStop
		}
	}
	return nil
}

// resource reads an object whose type its resourceType names. The node's element is elem.
func (p *parser) resource(elem elementID) error {
	name := p.peekType()
	typ, ok := resourceType(name)
	switch {
	case len(name) == 0:
		p.report(IssueRequired, "resourceType is missing")
	case !ok:
		p.report(IssueStructure, "resourceType is no type of FHIR R4")
	default:
		if len(p.path) == 0 {
			p.path = append(p.path, segment{typ.name(), -1})
		}
		return p.object(elem, typ)
	}
	return p.skip()
}

// object reads the object at hand as a typ.
func (p *parser) object(elem elementID, typ typeID) error {
	if p.dec.PeekKind() != '{' {
		return p.mismatch("an object")
	}
	if _, err := p.dec.ReadToken(); err != nil {
		return err
	}
	if p.dec.StackDepth() > maxDepth {
		p.report(IssueTooCostly, "nested too deeply")
		return errStop
	}
	at := p.open(elem, typ, '{')
	for p.dec.PeekKind() != '}' {
		if err := p.member(at, typ); err != nil {
			return err
		}
	}
	if _, err := p.dec.ReadToken(); err != nil {
		return err
	}
	p.close(at, '}')
	p.checkObject(at)
	return nil
}

// member reads a name and its value, for the object whose node is owner.
func (p *parser) member(owner int, typ typeID) error {
	raw, err := p.dec.ReadValue()
	if err != nil {
		return err
	}
	at := p.dec.InputOffset() - int64(len(raw))
	raw = p.normalise(raw)
	elem, companion, ok := memberOf(typ, raw)
	if !ok {
		p.report(IssueStructure, fmt.Sprintf("unknown element at byte %d", at))
		return p.skip()
	}
	p.path = append(p.path, segment{elements[elem].name, -1})
	if p.doc.hasMember(owner, elem, companion) || p.inEntry() && p.refused[p.path[1].index] != nil {
		p.report(IssueStructure, "a duplicate name")
		return errStop
	}
	start := len(p.doc.buf)
	p.doc.buf = append(p.doc.buf, raw...)
	p.doc.buf = append(p.doc.buf, ':')
	if p.inEntry() {
		return p.entryMember(start, elem)
	}
	first := len(p.doc.nodes)
	if err := p.value(elem, companion); err != nil {
		return err // the path stays, to say where
	}
	if companion && len(p.doc.nodes) > first {
		p.doc.nodes[first].companion = true
	}
	p.path = p.path[:len(p.path)-1]
	p.doc.buf = append(p.doc.buf, ',')
	return nil
}

// memberOf finds the element that a quoted name stands for in typ.
func memberOf(typ typeID, raw []byte) (elem elementID, companion, ok bool) {
	name := raw[1 : len(raw)-1]
	if string(name) == "resourceType" && typ.resource() {
		return 0, false, true
	}
	if len(name) > 0 && name[0] == '_' {
		elem, ok = typ.find(name[1:])
		return elem, true, ok && elements[elem].typ.primitive()
	}
	elem, ok = typ.find(name)
	return elem, false, ok
}

// value reads what follows a member's name.
func (p *parser) value(elem elementID, companion bool) error {
	if !elements[elem].list {
		return p.item(elem, companion)
	}
	if p.dec.PeekKind() != '[' {
		return p.mismatch("a list")
	}
	if _, err := p.dec.ReadToken(); err != nil {
		return err
	}
	at := p.open(elem, elements[elem].typ, '[')
	if err := p.items(elem, companion); err != nil {
		return err
	}
	p.close(at, ']')
	return nil
}

// items reads the items of a list and its closing bracket.
func (p *parser) items(elem elementID, companion bool) error {
	last := len(p.path) - 1
	n := 0
	for ; p.dec.PeekKind() != ']'; n++ {
		p.path[last].index = n
		if err := p.item(elem, companion); err != nil {
			return err
		}
		p.doc.buf = append(p.doc.buf, ',')
	}
	if _, err := p.dec.ReadToken(); err != nil {
		return err
	}
	p.path[last].index = -1
	if n == 0 {
		p.report(IssueStructure, "an empty list")
	}
	return nil
}

// item reads one value of an element: a list's item, or the whole of one that is no list.
func (p *parser) item(elem elementID, companion bool) error {
	typ := elements[elem].typ
	switch {
	case typ.primitive() && p.dec.PeekKind() == 'n' && elements[elem].list:
		return p.null(elem, typ)
	case companion:
		return p.object(elem, typeElement)
	case typ.primitive():
		return p.primitive(elem)
	case typ == typeResource:
		if p.dec.PeekKind() != '{' {
			return p.mismatch("a resource")
		}
		return p.resource(elem)
	}
	return p.object(elem, typ)
}

// null reads the filler that aligns a list of primitives with the list of their companions.
func (p *parser) null(elem elementID, typ typeID) error {
	raw, err := p.dec.ReadValue()
	if err != nil {
		return err
	}
	p.leaf(elem, typ, 'n', raw)
	return nil
}

// primitive reads and checks a primitive value.
func (p *parser) primitive(elem elementID) error {
	kind := p.dec.PeekKind()
	if kind == '{' || kind == '[' {
		return p.mismatch("a primitive value")
	}
	raw, err := p.dec.ReadValue()
	if err != nil {
		return err
	}
	e := &elements[elem]
	if kind == '"' {
		raw = p.normalise(raw)
	}
	if want := jsonKind(e.typ); kind != want && !(want == 't' && kind == 'f') {
		p.report(IssueStructure, "expected "+kindName(byte(want))+" for "+e.typ.name())
	} else if text := p.plain(kind, raw); !validPrimitive(e.typ, text) {
		p.report(IssueValue, "not a valid "+e.typ.name())
	} else if e.typ == typeCode && elem != 0 && !e.allows(text) {
		p.report(IssueCodeInvalid, "not a code of the required value set")
	}
	p.leaf(elem, e.typ, byte(kind), raw)
	return nil
}

// normalise brings a string to the shortest escapes, so that equal strings are equal bytes.
func (p *parser) normalise(raw []byte) []byte {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw
	}
	p.scratch, _ = jsontext.AppendUnquote(p.scratch[:0], raw) // valid since the decoder read it
	quoted, _ := jsontext.AppendQuote(nil, p.scratch)
	return quoted
}

// plain returns the bytes of a primitive without quotes and escapes.
func (p *parser) plain(kind jsontext.Kind, raw []byte) []byte {
	if kind != '"' {
		return raw
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	return p.scratch
}

// jsonKind is the JSON kind that values of a primitive type have; 't' stands for both booleans.
func jsonKind(t typeID) jsontext.Kind {
	switch t {
	case typeBoolean:
		return 't'
	case typeInteger, typePositiveInt, typeUnsignedInt, typeDecimal:
		return '0'
	}
	return '"'
}

func kindName(k byte) string {
	switch k {
	case 't':
		return "true or false"
	case '0':
		return "a number"
	}
	return "a string"
}
