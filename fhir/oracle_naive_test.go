package fhir_test

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode"
)

// The naive evaluator answers searches from decoded JSON, one resource after the other, and shares
// no code with the server. It is written for being obviously right.

// clause is one search parameter of a query, in parts: the evaluator never reads its URL form.
type clause struct {
	name     string
	modifier string
	missing  bool
	any      []wanted
}

// wanted is one alternative of a clause.
type wanted struct {
	prefix string  // of dates, numbers and quantities; empty is eq
	text   string  // code, string, reference, date, number, URI
	system *string // before a |; nil where there was none
	unit   *string // quantities: the code after the second |
}

// elements follows a dotted path through objects and lists.
func elements(node any, path string) []any {
	if list, ok := node.([]any); ok {
		var found []any
		for _, item := range list {
			found = append(found, elements(item, path)...)
		}
		return found
	}
	if path == "" {
		if node == nil {
			return nil
		}
		return []any{node}
	}
	object, ok := node.(map[string]any)
	if !ok {
		return nil
	}
	name, rest, _ := strings.Cut(path, ".")
	return elements(object[name], rest)
}

func (w where) elements(resource map[string]any) []any {
	var found []any
	for _, p := range w.paths {
		found = append(found, elements(resource, p)...)
	}
	return found
}

// answers reports whether a resource answers a clause.
func (c clause) answers(w where, resource map[string]any) bool {
	found := w.elements(resource)
	if c.modifier == "missing" {
		return (len(found) == 0) == c.missing
	}
	hit := slices.ContainsFunc(found, func(e any) bool {
		return slices.ContainsFunc(c.any, func(v wanted) bool { return v.is(w.form, c.modifier, e) })
	})
	return hit != (c.modifier == "not")
}

func (v wanted) is(f form, modifier string, e any) bool {
	switch f {
	case formCode, formCoding, formConcept, formIdentifier, formContact:
		return slices.ContainsFunc(coded(f, e), v.isCode)
	case formText, formName, formAddress:
		return slices.ContainsFunc(texts(f, e), func(s string) bool { return v.isText(modifier, s) })
	case formDate:
		low, high, ok := spanOf(e)
		return ok && v.isTime(low, high)
	case formReference:
		return v.isReference(modifier, e)
	case formQuantity, formNumber:
		return v.isAmount(e)
	case formURI:
		return text(e) == v.text
	}
	return false
}

func text(e any) string {
	switch x := e.(type) {
	case string:
		return x
	case json.Number:
		return x.String()
	case bool:
		if x {
			return "true"
		}
		return "false"
	}
	return ""
}

func member(e any, name string) string {
	object, ok := e.(map[string]any)
	if !ok {
		return ""
	}
	return text(object[name])
}

// code is a system (nil: the element has none of its own) and a code.
type code struct {
	system *string
	code   string
}

func coded(f form, e any) []code {
	both := func(value string) []code {
		system := member(e, "system")
		return []code{{&system, member(e, value)}}
	}
	switch f {
	case formCoding:
		return both("code")
	case formIdentifier:
		return both("value")
	case formContact:
		return []code{{nil, member(e, "value")}}
	case formConcept:
		var all []code
		for _, c := range elements(e, "coding") {
			all = append(all, coded(formCoding, c)...)
		}
		return all
	}
	return []code{{nil, text(e)}}
}

func (v wanted) isCode(c code) bool {
	switch {
	case v.system == nil: // code
		return c.code == v.text && c.code != ""
	case *v.system == "": // |code
		return c.code == v.text && (c.system == nil || *c.system == "")
	case c.system == nil || *c.system != *v.system:
		return false
	}
	return v.text == "" || c.code == v.text // system| or system|code
}

func texts(f form, e any) []string {
	var parts []string
	switch f {
	case formName:
		parts = []string{"text", "family", "given", "prefix", "suffix"}
	case formAddress:
		parts = []string{"text", "line", "city", "district", "state", "postalCode", "country"}
	default:
		return []string{text(e)}
	}
	var all []string
	for _, p := range parts {
		for _, s := range elements(e, p) {
			all = append(all, text(s))
		}
	}
	return all
}

func (v wanted) isText(modifier, s string) bool {
	switch modifier {
	case "exact":
		return s == v.text
	case "contains":
		return strings.Contains(plain(s), plain(v.text))
	}
	return strings.HasPrefix(plain(s), plain(v.text))
}

// plain takes case, accents and punctuation off: an apostrophe is nothing, other marks are a space.
func plain(s string) string {
	var words strings.Builder
	for _, r := range strings.ToLower(s) {
		switch {
		case r == '\'':
		case strings.ContainsRune("áàâäãå", r):
			words.WriteByte('a')
		case strings.ContainsRune("éèêë", r):
			words.WriteByte('e')
		case strings.ContainsRune("íìîï", r):
			words.WriteByte('i')
		case strings.ContainsRune("óòôöõ", r):
			words.WriteByte('o')
		case strings.ContainsRune("úùûü", r):
			words.WriteByte('u')
		case r == 'ñ':
			words.WriteByte('n')
		case r == 'ç':
			words.WriteByte('c')
		case unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("+<=>|^~$", r):
			words.WriteRune(r)
		default:
			words.WriteByte(' ')
		}
	}
	return strings.Join(strings.Fields(words.String()), " ")
}

// isReference compares Type/id, or a bare id with any type, or the type of the modifier.
func (v wanted) isReference(modifier string, e any) bool {
	if modifier == "identifier" {
		object, ok := e.(map[string]any)
		if !ok || object["identifier"] == nil {
			return false
		}
		return slices.ContainsFunc(coded(formIdentifier, object["identifier"]), v.isCode)
	}
	have := member(e, "reference")
	want := v.text
	if modifier != "" && !strings.Contains(want, "/") {
		want = modifier + "/" + want
	}
	if strings.Contains(want, "/") {
		return have == want
	}
	typ, id, relative := strings.Cut(have, "/")
	return relative && !strings.Contains(typ, ":") && id == want
}
