package deid

import (
	"slices"
	"strings"

	"github.com/tutela-health/tutela/r4"
)

// Searchable reports whether a search may read a parameter of a type: only what shows of a resource can be
// asked for. A parameter that reads what is removed is as if there were none.
func (d *Deidentifier) Searchable(mode, typ string, param *r4.Param) bool {
	if d.keys[Mode(mode)] == nil || len(param.Branches) == 0 {
		return false
	}
	if param.Base == "Resource" {
		return param.Name == "_id"
	}
	return !slices.ContainsFunc(param.Branches, func(b *r4.Branch) bool {
		root, path, _ := strings.Cut(b.Key(), ".")
		return (root == typ || root == "Resource" || root == "DomainResource") && !shows(typ, path)
	})
}

// shows reports whether anything of an element may show, whatever its value.
func shows(typ, path string) bool {
	step, rest, more := strings.Cut(path, ".")
	name, _, _ := strings.Cut(step, "[")
	some := false
	for _, m := range r4.Members(typ) {
		if m.Name != name && m.Choice != name+"[x]" {
			continue
		}
		switch {
		case more && kindOf(m.Type) != plain:
			return false // within what is written whole or not at all
		case more:
			some = shows(m.Type, rest) || some
		default:
			some = may(m.Type) || some
		}
	}
	return some
}

// may reports whether anything of a type shows.
func may(typ string) bool {
	switch typ {
	case "string", "markdown", "xhtml", "uri", "url", "canonical", "oid", "uuid", "id", "base64Binary", "time":
		return false
	}
	return kindOf(typ) != removed && kindOf(typ) != ofExtension && kindOf(typ) != ofAddress
}
