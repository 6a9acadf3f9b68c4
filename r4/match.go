package r4

import "strings"

// Match reports whether the resource answers the query's terms, exactly as FHIR R4, search.html
// defines them. Includes, sort and count do not matter to it.
func (q *Query) Match(res *Resource) bool {
	if res.Type() != q.Type {
		return false
	}
	for i := range q.Terms {
		if !q.matchTerm(&q.Terms[i], res) {
			return false
		}
	}
	return true
}

// matchTerm answers one term. :missing asks whether there is any value; :not is the opposite of the
// plain term, and so holds for a resource without a value.
func (q *Query) matchTerm(t *Term, res *Resource) bool {
	if t.Modifier == ModifierMissing {
		return t.missing(res) == t.Missing
	}
	return q.matchAny(t, res) != (t.Modifier == ModifierNot)
}

// missing reports whether no element that the parameter follows is there (search.html#missing).
// An element that has no comparable value, such as a code in text only, is not missing.
func (t *Term) missing(res *Resource) bool {
	for _, b := range t.Param.Branches {
		if b.truth {
			return false
		}
		for n := range b.Nodes(res) {
			if t.Param.Only == "" || referenceOf(n).Type == t.Param.Only {
				return false
			}
		}
	}
	return true
}

func (q *Query) matchAny(t *Term, res *Resource) bool {
	for _, b := range t.Param.Branches {
		for _, v := range Extract(res, b, t.Param.Type) {
			if !t.Param.Keeps(&v) {
				continue
			}
			for i := range t.Values {
				if q.matchValue(t, &t.Values[i], &v) {
					return true
				}
			}
		}
	}
	return false
}

func (q *Query) matchValue(t *Term, op *Operand, v *Value) bool {
	switch t.Param.Type {
	case ParamToken:
		return op.Token.matches(v.Token)
	case ParamString:
		return matchString(t.Modifier, op, v)
	case ParamDate:
		return q.matchDate(op, v.Date)
	case ParamReference:
		return t.matchReference(op, v.Reference)
	case ParamNumber, ParamQuantity:
		return op.measures(v.Quantity) && matchNumber(op, v.Quantity.Range)
	case ParamURI:
		return matchURI(t.Modifier, op.Text, v.Text)
	}
	return false
}

// matches compares codes case-sensitively (search.html#token). |code wants an element without a
// system, which includes those that have none of their own.
func (op TokenOperand) matches(v Token) bool {
	switch {
	case op.AnySystem:
	case op.System == "" && !v.Implied && v.System != "":
		return false
	case op.System != "" && v.System != op.System:
		return false
	}
	return op.AnyCode || v.Code == op.Code
}

// matchString compares from the start, without case and accents, unless the modifier asks for the
// exact text or any part (search.html#string).
func matchString(m Modifier, op *Operand, v *Value) bool {
	if m == ModifierExact {
		return v.Text == op.Text
	}
	if m == ModifierContains {
		return strings.Contains(v.Folded, op.Folded)
	}
	return strings.HasPrefix(v.Folded, op.Folded)
}

// matchURI compares exactly, or along the path for :below and :above (search.html#uri).
func matchURI(m Modifier, want, got string) bool {
	if m == ModifierBelow {
		return strings.HasPrefix(got, want)
	}
	if m == ModifierAbove {
		return strings.HasPrefix(want, got)
	}
	return got == want
}

// matchReference compares by what the operand states: an absolute URL by its text, a version only
// when one is asked for, a bare id with any type (search.html#reference).
func (t *Term) matchReference(op *Operand, v Reference) bool {
	if t.Modifier == ModifierIdentifier {
		return v.Identifier != (Token{}) && op.Token.matches(v.Identifier)
	}
	want := op.Reference
	if want.URL != "" {
		return v.URL == want.URL || v.URL != "" && (trimVersion(v.URL) == want.URL || unversioned(v) == want.URL)
	}
	return v.URL == "" && v.ID == want.ID && v.ID != "" &&
		(want.Type == "" || v.Type == want.Type) &&
		(want.Version == "" || v.Version == want.Version)
}

// unversioned is an absolute reference without /_history/version.
func unversioned(v Reference) string {
	if v.Version == "" {
		return v.URL
	}
	return strings.TrimSuffix(v.URL, "/_history/"+v.Version)
}
