package r4

import (
	"bytes"
)

// maxSearch bounds the looking ahead for types, as a multiple of the input's length, so that nested
// resources whose type stands last cannot make parsing quadratic.
const maxSearch = 4

// peekType finds the resourceType of the next object, empty where it has none. The type usually
// stands first; it need not, and then the object is read once more.
func (p *parser) peekType() []byte {
	data := p.data[p.dec.InputOffset():] // from a comma, a colon or white space before the object on
	open := bytes.IndexByte(data, '{')
	if open < 0 {
		return nil
	}
	if name, ok := firstType(data[open+1:]); ok {
		return name
	}
	if p.searched > maxSearch*int64(len(p.data)) {
		return nil
	}
	name, read := searchType(data[open:])
	p.searched += read
	return name
}

// firstType reads `"resourceType": "X"` where it is the first member.
func firstType(data []byte) ([]byte, bool) {
	rest, ok := bytes.CutPrefix(trimSpace(data), []byte(`"resourceType"`))
	if !ok {
		return nil, false
	}
	rest, ok = bytes.CutPrefix(trimSpace(rest), []byte(":"))
	if !ok {
		return nil, false
	}
	rest, ok = bytes.CutPrefix(trimSpace(rest), []byte(`"`))
	if !ok {
		return nil, false
	}
	end := bytes.IndexAny(rest[:min(len(rest), 64)], `"\`)
	if end < 0 || rest[end] == '\\' {
		return nil, false
	}
	return rest[:end], true
}

func trimSpace(data []byte) []byte { return bytes.TrimLeft(data, " \t\r\n") }

// searchType looks through the members of the object that data starts with, and also gives the number
// of bytes that it read.
func searchType(data []byte) (name []byte, read int64) {
	dec := newDecoder(data)
	if _, err := dec.ReadToken(); err != nil {
		return nil, dec.InputOffset()
	}
	for dec.PeekKind() == '"' {
		member, err := dec.ReadToken()
		if err != nil {
			break
		}
		if member.String() == "resourceType" && dec.PeekKind() == '"' {
			if value, err := dec.ReadToken(); err == nil {
				return []byte(value.String()), dec.InputOffset()
			}
			break
		}
		if dec.SkipValue() != nil {
			break
		}
	}
	return nil, dec.InputOffset()
}
