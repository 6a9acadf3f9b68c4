package r4

import (
	"math/big"
	"strings"
	"time"
	"unicode/utf8"
)

// Operand is one value of a Term, in the form that its parameter type compares.
type Operand struct {
	Prefix    Prefix       // dates, numbers and quantities
	Token     TokenOperand // tokens, and references with ModifierIdentifier
	Text      string       // strings and URIs, as given
	Folded    string       // strings: Fold(Text), never empty but for ModifierExact
	Date      Interval     // dates: the time that the value stands for
	Reference Reference    // references; only ID set where no type was given
	Number    Number       // numbers and quantities
}

// TokenOperand is [code], |[code], [system]|[code] or [system]| (search.html#token).
type TokenOperand struct {
	System    string
	AnySystem bool // no | was given
	Code      string
	AnyCode   bool // [system]|
}

// Number is a number or quantity in a search.
type Number struct {
	Value      *big.Rat
	Low, High  *big.Rat // the implicit precision: eq means Low ≤ x < High
	System     string   // only amounts in this system
	Code       string   // only amounts with this code (or unit, where System is empty)
	AnyMeasure bool     // no unit was given
}

// Prefix is the comparison of a date, number or quantity (search.html#prefix).
type Prefix string

// The prefixes.
const (
	PrefixEqual        Prefix = "eq"
	PrefixNotEqual     Prefix = "ne"
	PrefixGreater      Prefix = "gt"
	PrefixLess         Prefix = "lt"
	PrefixGreaterEqual Prefix = "ge"
	PrefixLessEqual    Prefix = "le"
	PrefixStartsAfter  Prefix = "sa"
	PrefixEndsBefore   Prefix = "eb"
	PrefixApproximate  Prefix = "ap"
)

// operand reads one alternative, escapes and all. A non-empty reason says why it cannot.
func (t *Term) operand(raw string) (op Operand, reason string) {
	if raw == "" {
		return op, "an empty value"
	}
	if !utf8.ValidString(raw) {
		return op, "not UTF-8"
	}
	switch t.Param.Type {
	case ParamToken:
		return tokenOperand(raw)
	case ParamString:
		return t.stringOperand(raw)
	case ParamDate:
		return dateOperand(raw)
	case ParamReference:
		return t.referenceOperand(raw)
	case ParamNumber, ParamQuantity:
		return numberOperand(raw, t.Param.Type == ParamQuantity)
	case ParamURI:
		return Operand{Text: unescape(raw)}, ""
	}
	return op, "of no type that can be searched"
}

func tokenOperand(raw string) (Operand, string) {
	parts := splitEscaped(raw, '|')
	switch len(parts) {
	case 1:
		return Operand{Token: TokenOperand{Code: unescape(raw), AnySystem: true}}, ""
	case 2:
		tok := TokenOperand{System: unescape(parts[0]), Code: unescape(parts[1]), AnyCode: parts[1] == ""}
		if tok.System == "" && tok.AnyCode {
			return Operand{}, "neither system nor code"
		}
		return Operand{Token: tok}, ""
	}
	return Operand{}, "more than one |"
}

func (t *Term) stringOperand(raw string) (Operand, string) {
	op := Operand{Text: unescape(raw)}
	op.Folded = Fold(op.Text)
	if op.Folded == "" && t.Modifier != ModifierExact {
		return op, "no letter or digit to search for"
	}
	return op, ""
}

func dateOperand(raw string) (Operand, string) {
	prefix, rest := cutPrefix(raw)
	iv, ok := parseSearchDate(rest)
	if !ok {
		return Operand{}, "not a date"
	}
	return Operand{Prefix: prefix, Date: iv}, ""
}

// cutPrefix splits off a comparison prefix; without one it is eq.
func cutPrefix(raw string) (Prefix, string) {
	if len(raw) > 2 {
		switch p := Prefix(raw[:2]); p {
		case PrefixEqual, PrefixNotEqual, PrefixGreater, PrefixLess, PrefixGreaterEqual,
			PrefixLessEqual, PrefixStartsAfter, PrefixEndsBefore, PrefixApproximate:
			return p, raw[2:]
		}
	}
	return PrefixEqual, raw
}

// referenceOperand reads [id], [type]/[id] or an absolute URL (search.html#reference).
func (t *Term) referenceOperand(raw string) (Operand, string) {
	if t.Modifier == ModifierIdentifier {
		return tokenOperand(raw)
	}
	text := unescape(raw)
	ref, ok := ParseReference(text)
	if !ok {
		if !ValidID(text) {
			return Operand{}, "neither an id, nor Type/id, nor a URL"
		}
		ref = Reference{ID: text}
	}
	if t.Modifier == ModifierType && ref.Type != "" && ref.Type != t.Type {
		return Operand{}, "the value is of another type than the modifier"
	}
	if t.Modifier == ModifierType && ref.URL == "" {
		ref.Type = t.Type
	}
	return Operand{Text: text, Reference: ref}, ""
}

// numberOperand reads [prefix][number], and for quantities also |[system]|[code] and ||[code]
// (search.html#quantity).
func numberOperand(raw string, quantity bool) (Operand, string) {
	prefix, rest := cutPrefix(raw)
	parts := splitEscaped(rest, '|')
	if len(parts) != 1 && (!quantity || len(parts) != 3) {
		return Operand{}, "expected a number, or number|system|code for a quantity"
	}
	v, ok := parseDecimal(parts[0])
	if !ok {
		return Operand{}, "not a number"
	}
	half := implicitPrecision(parts[0])
	n := Number{Value: v, AnyMeasure: true, Low: new(big.Rat).Sub(v, half), High: new(big.Rat).Add(v, half)}
	if len(parts) == 3 {
		n.System, n.Code = unescape(parts[1]), unescape(parts[2])
		n.AnyMeasure = n.System == "" && n.Code == ""
	}
	return Operand{Prefix: prefix, Number: n}, ""
}

// ApproximateDate is the time that ap accepts: the value's, widened on both sides by a tenth of the
// time between it and now (search.html#prefix leaves the width to the server and suggests this one).
// Without a now it is the value's own.
func (op Operand) ApproximateDate(now time.Time) Interval {
	if now.IsZero() {
		return op.Date
	}
	gap := now.Sub(op.Date.Low)
	if op.Date.Low.After(now) {
		gap = op.Date.Low.Sub(now)
	}
	return Interval{op.Date.Low.Add(-gap / 10), op.Date.High.Add(gap / 10)}
}

// ApproximateNumber is the range that ap accepts: ten per cent around the value.
func (op Operand) ApproximateNumber() Range {
	tenth := new(big.Rat).Mul(new(big.Rat).Abs(op.Number.Value), big.NewRat(1, 10))
	return Range{new(big.Rat).Sub(op.Number.Value, tenth), new(big.Rat).Add(op.Number.Value, tenth)}
}

// trimVersion takes the business version off a canonical URL.
func trimVersion(url string) string {
	url, _, _ = strings.Cut(url, "|")
	return url
}
