package r4

import (
	"strings"

	"github.com/tutela-health/tutela/internal/errs"
)

// addTerm reads a search parameter of the type. One that the type does not have goes to Unknown.
func (q *Query) addTerm(name, modifier, value string) error {
	if strings.Contains(name, ".") || strings.Contains(modifier, ".") {
		return unsupported("a chained parameter")
	}
	p, ok := Lookup(q.Type, name)
	if !ok {
		if Refused(q.Type, name) != "" {
			return unsupported("parameter " + name)
		}
		q.Unknown = append(q.Unknown, name)
		return nil
	}
	t := Term{Param: p}
	if err := t.setModifier(modifier); err != nil {
		return err
	}
	if err := t.setValues(value); err != nil {
		return err
	}
	q.Terms = append(q.Terms, t)
	return nil
}

// setModifier accepts the modifiers that the parameter's type has (search.html#modifiers).
func (t *Term) setModifier(modifier string) error {
	m := Modifier(modifier)
	switch {
	case m == ModifierNone || m == ModifierMissing:
		t.Modifier = m
	case (m == ModifierExact || m == ModifierContains) && t.Param.Type == ParamString,
		m == ModifierNot && t.Param.Type == ParamToken,
		m == ModifierIdentifier && t.Param.Type == ParamReference,
		(m == ModifierAbove || m == ModifierBelow) && t.Param.Type == ParamURI:
		t.Modifier = m
	case t.Param.Type == ParamReference && IsResourceType(modifier):
		t.Modifier, t.Type = ModifierType, modifier
	default:
		return errs.New(errs.Unsupported, "search: %s: the modifier is not supported", t.Param.Name)
	}
	return nil
}

func (t *Term) setValues(value string) error {
	if t.Modifier == ModifierMissing {
		if value != "true" && value != "false" {
			return malformed(t.Param.Name, ":missing is true or false")
		}
		t.Missing = value == "true"
		return nil
	}
	alternatives := splitEscaped(value, ',')
	if len(alternatives) > maxValues {
		return errs.New(errs.Invalid, "search: %s: more than %d alternatives", t.Param.Name, maxValues)
	}
	for _, s := range alternatives {
		op, reason := t.operand(s)
		if reason != "" {
			return malformed(t.Param.Name, reason)
		}
		t.Values = append(t.Values, op)
	}
	return nil
}

// splitEscaped cuts s at each sep that no backslash precedes, and leaves escapes in place.
func splitEscaped(s string, sep byte) []string {
	var out []string
	from := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case sep:
			out = append(out, s[from:i])
			from = i + 1
		}
	}
	return append(out, s[from:])
}

// unescape takes the backslash off \, \| \$ and \\ (search.html#escaping).
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && strings.IndexByte(`,|$\`, s[i+1]) >= 0 {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
