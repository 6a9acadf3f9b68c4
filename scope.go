package tutela

import (
	"net/url"
	"strings"
)

// Scope is one SMART on FHIR v2 resource scope: context/Type.cruds?parameters
// (SMART App Launch 2.2, section "Scopes for requesting FHIR Resources").
type Scope struct {
	Context string // patient, user or system
	Type    string // resource type or *
	Letters string // a subset of "cruds", in that order
	Query   string // search parameters that narrow it, as in "category=laboratory"; a conjunction
}

// ParseScope reads a v2 scope, or a v1 scope (read, write, *) as its v2 meaning. A text that is
// neither is not ok: it grants nothing.
func ParseScope(text string) (Scope, bool) {
	context, rest, ok := strings.Cut(text, "/")
	if !ok || (context != "patient" && context != "user" && context != "system") {
		return Scope{}, false
	}
	rest, query, narrowed := strings.Cut(rest, "?")
	typ, letters, ok := strings.Cut(rest, ".")
	if !ok || !isTypeName(typ) {
		return Scope{}, false
	}
	if narrowed && !isNarrowing(typ, query) {
		return Scope{}, false
	}
	switch letters {
	case "read":
		letters = "rs"
	case "write":
		letters = "cud"
	case "*":
		letters = "cruds"
	}
	if !isCRUDS(letters) {
		return Scope{}, false
	}
	return Scope{Context: context, Type: typ, Letters: letters, Query: query}, true
}

// String gives the scope in its v2 form.
func (s Scope) String() string {
	text := s.Context + "/" + s.Type + "." + s.Letters
	if s.Query != "" {
		text += "?" + s.Query
	}
	return text
}

// Intersect gives what both scopes cover; not ok when that is nothing. The contexts are the
// caller's matter: the result has that of s.
func (s Scope) Intersect(o Scope) (Scope, bool) {
	switch {
	case s.Type == o.Type, o.Type == "*":
	case s.Type == "*":
		s.Type = o.Type
	default:
		return Scope{}, false
	}
	s.Letters = strings.Map(func(c rune) rune {
		if strings.ContainsRune(o.Letters, c) {
			return c
		}
		return -1
	}, s.Letters)
	switch {
	case s.Query == "":
		s.Query = o.Query
	case o.Query != "" && o.Query != s.Query:
		s.Query += "&" + o.Query
	}
	return s, s.Letters != "" && (s.Query == "" || s.Type != "*")
}

// Covers reports whether s allows all that o does, in the same context.
func (s Scope) Covers(o Scope) bool {
	both, ok := o.Intersect(s)
	return ok && s.Context == o.Context && both == o
}

// Allows reports whether the scope covers an action on a type, under its Query where it has one.
func (s Scope) Allows(action Action, typ string) bool {
	return (s.Type == "*" || s.Type == typ) && strings.ContainsRune(s.Letters, letter(action))
}

// isTypeName accepts * and what is written like a FHIR resource type.
func isTypeName(typ string) bool {
	if typ == "*" {
		return true
	}
	for i, c := range []byte(typ) {
		if (c < 'A' || c > 'Z') && (i == 0 || c < 'a' || c > 'z') {
			return false
		}
	}
	return typ != ""
}

// isNarrowing reports whether a query can be held against one resource: parameters of a named
// type, properly escaped.
func isNarrowing(typ, query string) bool {
	values, err := url.ParseQuery(query)
	return err == nil && len(values) > 0 && typ != "*" && !strings.ContainsAny(query, " \t\r\n\"\\")
}

// isCRUDS reports whether s is a non-empty subsequence of "cruds".
func isCRUDS(s string) bool {
	rest := "cruds"
	for _, c := range s {
		i := strings.IndexRune(rest, c)
		if i < 0 {
			return false
		}
		rest = rest[i+1:]
	}
	return s != ""
}

// letter is the SMART v2 permission that an action needs; NUL, which no scope holds, for
// actions that no resource scope covers.
func letter(a Action) rune {
	switch a { //nolint:exhaustive // all others are on no resource
	case ActionCreate:
		return 'c'
	case ActionRead, ActionVRead, ActionHistory:
		return 'r'
	case ActionUpdate:
		return 'u'
	case ActionDelete:
		return 'd'
	case ActionSearch, ActionExport:
		return 's'
	default:
		return 0
	}
}
