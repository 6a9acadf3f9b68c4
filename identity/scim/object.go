package scim

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// object is a JSON object.
type object = map[string]any

// maxDepth bounds how deep JSON may nest; a User nests four levels.
const maxDepth = 12

// decode reads strict JSON: one object, no name twice, valid UTF-8, bounded in depth.
func decode(body []byte) (object, error) {
	d := jsontext.NewDecoder(bytes.NewReader(body))
	for {
		_, err := d.ReadToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || d.StackDepth() > maxDepth {
			return nil, bad(invalidSyntax, "the body is no JSON object with unique names that nests at most %d levels", maxDepth)
		}
	}
	var o object
	if err := json.Unmarshal(body, &o); err != nil || o == nil {
		return nil, bad(invalidSyntax, "the body is no JSON object")
	}
	return o, nil
}

// canonical gives an object under the names of the attributes, with values of their types. What the
// resource does not keep is left out; a name that is there twice in two spellings is refused.
func (r resource) canonical(in object) (object, error) {
	out := object{}
	for name, value := range in {
		schema, rest := r.withoutURN(name)
		if schema != "" {
			rest = schema
		}
		a, known := find(r.attributes, rest)
		if !known || value == nil {
			continue
		}
		if _, twice := out[a.name]; twice {
			return nil, bad(invalidSyntax, "%s is there twice", a.name)
		}
		v, err := a.value(value)
		if err != nil {
			return nil, err
		}
		out[a.name] = v
	}
	return out, nil
}

// value holds a value to its attribute. A single value stands for a list of one.
func (a attribute) value(v any) (any, error) {
	if !a.multi {
		return a.one(v)
	}
	list, many := v.([]any)
	if !many {
		list = []any{v}
	}
	out := make([]any, len(list))
	for i, item := range list {
		var err error
		if out[i], err = a.one(item); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (a attribute) one(v any) (any, error) {
	switch a.kind {
	case truth:
		return a.boolean(v)
	case complexed:
		return a.complex(v)
	default:
		if s, ok := v.(string); ok {
			return s, nil
		}
		return nil, bad(invalidValue, "%s is a string", a.name)
	}
}

// boolean reads also the strings "True" and "False", which Entra ID sends.
func (a attribute) boolean(v any) (any, error) {
	if s, ok := v.(string); ok {
		switch strings.ToLower(s) {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
	}
	if b, ok := v.(bool); ok {
		return b, nil
	}
	return nil, bad(invalidValue, "%s is true or false", a.name)
}

func (a attribute) complex(v any) (any, error) {
	in, ok := v.(object)
	if !ok {
		return nil, bad(invalidValue, "%s is an object", a.name)
	}
	out := object{}
	for name, value := range in {
		sub, known := find(a.sub, name)
		if !known || value == nil {
			continue
		}
		if _, twice := out[sub.name]; twice {
			return nil, bad(invalidSyntax, "%s.%s is there twice", a.name, sub.name)
		}
		item, err := sub.value(value)
		if err != nil {
			return nil, err
		}
		out[sub.name] = item
	}
	return out, nil
}

// textOf gives a string member, "" where there is none.
func textOf(o object, name string) string {
	s, _ := o[name].(string)
	return s
}

// partOf gives an object member, an empty one where there is none.
func partOf(o object, name string) object {
	p, ok := o[name].(object)
	if !ok {
		return object{}
	}
	return p
}

// listOf gives the objects of a list member.
func listOf(o object, name string) []object {
	list, _ := o[name].([]any)
	var out []object
	for _, item := range list {
		if p, ok := item.(object); ok {
			out = append(out, p)
		}
	}
	return out
}
