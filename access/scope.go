package access

import (
	"strings"

	"github.com/tutela-health/tutela"
)

// Scope is one SMART on FHIR v2 resource scope: context/Type.cruds
// (SMART App Launch 2.2, section "Scopes for requesting FHIR Resources").
type Scope struct {
	Context string // patient, user or system
	Type    string // resource type or *
	Letters string // a subset of "cruds", in that order
}

// ParseScope reads a v2 scope, or a v1 scope (read, write, *) as its v2 meaning. A scope that
// is none of these, or carries search parameters, which are not offered yet, is not ok.
func ParseScope(s string) (Scope, bool) {
	context, rest, ok := strings.Cut(s, "/")
	if !ok || (context != "patient" && context != "user" && context != "system") {
		return Scope{}, false
	}
	typ, letters, ok := strings.Cut(rest, ".")
	if !ok || typ == "" {
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
	return Scope{Context: context, Type: typ, Letters: letters}, true
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

// Allows reports whether the scope covers an action on a type.
func (s Scope) Allows(action tutela.Action, typ string) bool {
	return (s.Type == "*" || s.Type == typ) && strings.ContainsRune(s.Letters, letter(action))
}

// letter is the SMART v2 permission that an action needs; NUL, which no scope holds, for
// actions that no resource scope covers.
func letter(a tutela.Action) rune {
	switch a {
	case tutela.ActionCreate:
		return 'c'
	case tutela.ActionRead, tutela.ActionVRead, tutela.ActionHistory:
		return 'r'
	case tutela.ActionUpdate:
		return 'u'
	case tutela.ActionDelete:
		return 'd'
	case tutela.ActionSearch, tutela.ActionExport:
		return 's'
	default:
		return 0
	}
}

// scopesAllow reports whether one of the granted scopes covers the action, and in which context.
func scopesAllow(scopes []string, action tutela.Action, typ string) (context string, ok bool) {
	for _, text := range scopes {
		if s, valid := ParseScope(text); valid && s.Allows(action, typ) {
			if s.Context != "patient" {
				return s.Context, true
			}
			context, ok = "patient", true // a wider context may follow
		}
	}
	return context, ok
}
