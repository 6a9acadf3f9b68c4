package event

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// Parser reads lines one after the other. It is not safe for concurrent use.
//
// It walks the tokens itself: decoding into structs by reflection costs twice as much, and these
// lines come by the ten thousand a second.
type Parser struct {
	dec  jsontext.Decoder
	src  bytes.Buffer
	seen map[string]string // strings that come again and again, kept once
}

// maxSeen bounds what a Parser remembers.
const maxSeen = 8 << 10

// NewParser makes a Parser.
func NewParser() *Parser { return &Parser{seen: make(map[string]string)} }

// start makes a line the next thing to be read.
func (p *Parser) start(b []byte) {
	p.src.Reset()
	p.src.Write(b)
	p.dec.Reset(&p.src, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// end finds nothing behind the line's object.
func (p *Parser) end() error {
	if _, err := p.dec.ReadToken(); errors.Is(err, io.EOF) {
		return nil
	}
	return errAfter
}

// syntax tells where a line is broken, and quotes nothing: a decoder's own words hold parts of it.
func syntax(err error) error {
	var s *jsontext.SyntacticError
	if errors.As(err, &s) {
		return fmt.Errorf("is no JSON at byte %d", s.ByteOffset)
	}
	return errors.New("is cut short")
}

// members calls f with the name of every member of the object that comes next; f reads or skips the
// value. What is no object is skipped.
func (p *Parser) members(f func(name []byte) error) error {
	if p.dec.PeekKind() != '{' {
		return p.skip()
	}
	if _, err := p.dec.ReadToken(); err != nil {
		return syntax(err)
	}
	for p.dec.PeekKind() == '"' {
		name, err := p.dec.ReadValue()
		if err != nil {
			return syntax(err)
		}
		if err := f(plain(name)); err != nil {
			return err
		}
	}
	return p.close()
}

// elements calls f before every element of the array that comes next. What is no array counts as its
// own only element.
func (p *Parser) elements(f func() error) error {
	if p.dec.PeekKind() != '[' {
		return f()
	}
	if _, err := p.dec.ReadToken(); err != nil {
		return syntax(err)
	}
	for k := p.dec.PeekKind(); k != ']' && k > 0; k = p.dec.PeekKind() {
		if err := f(); err != nil {
			return err
		}
	}
	return p.close()
}

func (p *Parser) close() error {
	if _, err := p.dec.ReadToken(); err != nil {
		return syntax(err)
	}
	return nil
}

func (p *Parser) skip() error {
	if err := p.dec.SkipValue(); err != nil {
		return syntax(err)
	}
	return nil
}

// plain gives what a JSON string says, with U+FFFD for halves of surrogates. Without escapes that is a
// part of it.
func plain(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	s, _ := jsontext.AppendUnquote(nil, quoted) //nolint:errcheck // the decoder has let it through; an error tells of U+FFFD
	return s
}

// raw reads a scalar as its text, valid until the next is read: what a string says, a number or a truth
// as it is written. Null, objects and arrays are empty.
func (p *Parser) raw() ([]byte, error) {
	switch p.dec.PeekKind() {
	case '"', '0', 't', 'f':
	default:
		return nil, p.skip()
	}
	v, err := p.dec.ReadValue()
	if err != nil {
		return nil, syntax(err)
	}
	if v[0] == '"' {
		return plain(v), nil
	}
	return v, nil
}

// name reads a scalar into a name or id.
func (p *Parser) name(to *string) error {
	b, err := p.raw()
	switch {
	case err != nil:
		return err
	case len(b) > maxID:
		return errID
	}
	*to = p.keep(b)
	return nil
}

// keep gives the same string for the same bytes, without making it again.
func (p *Parser) keep(b []byte) string {
	if s, ok := p.seen[string(b)]; ok {
		return s
	}
	if len(p.seen) >= maxSeen {
		clear(p.seen)
	}
	s := valid(b)
	p.seen[string(b)] = s
	return s
}

// names reads a list of names, each a string or an object with the member name. A single one is a list of one.
func (p *Parser) names(to *[]string) error {
	*to = nil
	return p.elements(func() error {
		var s string
		var err error
		if p.dec.PeekKind() == '{' {
			err = p.members(func(member []byte) error {
				if string(member) == "name" {
					return p.name(&s)
				}
				return p.skip()
			})
		} else {
			err = p.name(&s)
		}
		if err == nil && s != "" && len(*to) < maxNames {
			*to = append(*to, s)
		}
		return err
	})
}

// integer reads a whole number, also one in quotes. What is none is 0.
func (p *Parser) integer(to *int64) error {
	b, err := p.raw()
	*to, _ = strconv.ParseInt(string(b), 10, 64)
	return err
}

// truth reads true, or anything else as false.
func (p *Parser) truth(to *bool) error {
	b, err := p.raw()
	*to = string(b) == "true"
	return err
}
