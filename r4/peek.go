package r4

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// peekType finds the resourceType of the first object in data, empty where it has none. What comes
// before the object may be white space, a comma or a colon. The type usually stands first; it need
// not, and then the object is read once more.
func peekType(data []byte) []byte {
	open := bytes.IndexByte(data, '{')
	if open < 0 {
		return nil
	}
	if name, ok := firstType(data[open+1:]); ok {
		return name
	}
	return searchType(data[open:])
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

// searchType looks through the members of the object that data starts with.
func searchType(data []byte) []byte {
	dec := jsontext.NewDecoder(bytes.NewBuffer(data))
	if _, err := dec.ReadToken(); err != nil {
		return nil
	}
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			return nil
		}
		if name.String() == "resourceType" && dec.PeekKind() == '"' {
			value, err := dec.ReadToken()
			if err != nil {
				return nil
			}
			return []byte(value.String())
		}
		if dec.SkipValue() != nil {
			return nil
		}
	}
	return nil
}
