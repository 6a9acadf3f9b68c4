package records

import (
	"math"
	"math/big"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/r4"
)

// A token is the first 64 bits of HMAC-SHA-256 under the tenant's index key over the path that a
// search parameter follows, the form of the value, and the value. Parameters that follow the
// same path share tokens. A local reference to a Patient has no token: the bucket says as much.
//
// Tokens only narrow. Each function below that makes a search's tokens gives those of every
// value that could match, and r4.Query.Match decides on plaintext.

// forms of a value; part of the token.
const (
	formCode       = "code"
	formReference  = "ref"
	formURL        = "url"
	formIdentifier = "ident"
	formDate       = "date"
	formNumber     = "num"
	formPrefix     = "prefix"
	formURI        = "uri"
)

// prefixLengths are the lengths, in characters, of the string prefixes that are indexed.
func prefixLengths() []int { return []int{1, 2, 3, 4, 6, 8} }

func (x blind) token(b *r4.Branch, form string, value []byte) int64 {
	return x.mac.Sum64([]byte(b.Key()), []byte(form), value)
}

// tokens are a resource's terms in the blind index, sorted, each once.
func (x blind) tokens(res *r4.Resource) []int64 {
	var list []int64
	for _, b := range x.s.branches.of(res.Type()) {
		for _, v := range r4.Extract(res, b.branch, b.kind) {
			list = x.valueTokens(list, b.branch, &v)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// typedBranch is a path and the type as which its values are read.
type typedBranch struct {
	branch *r4.Branch
	kind   r4.ParamType
}

// branches remembers the indexed branches of each type. Its zero value is ready.
type branches struct{ byType sync.Map } // string → []typedBranch

func (b *branches) of(typ string) []typedBranch {
	if known, ok := b.byType.Load(typ); ok {
		return known.([]typedBranch)
	}
	list := indexedBranches(typ)
	b.byType.Store(typ, list)
	return list
}

// indexedBranches are the paths of a type's search parameters, each once. The id and the time of
// the last update are found without terms.
func indexedBranches(typ string) []typedBranch {
	var list []typedBranch
	for _, p := range r4.Params(typ) {
		if p.Name == "_id" || p.Name == "_lastUpdated" {
			continue
		}
		for _, b := range p.Branches {
			if t := (typedBranch{b, p.Type}); !slices.Contains(list, t) {
				list = append(list, t)
			}
		}
	}
	return list
}

func (x blind) valueTokens(list []int64, b *r4.Branch, v *r4.Value) []int64 {
	switch v.Kind {
	case r4.ParamToken:
		if v.Token.Code != "" {
			list = append(list, x.token(b, formCode, []byte(v.Token.Code)))
		}
	case r4.ParamString:
		for _, prefix := range prefixes(v.Folded) {
			list = append(list, x.token(b, formPrefix, []byte(prefix)))
		}
	case r4.ParamDate:
		list = x.nodeTokens(list, b, formDate, dateNodes(v.Date.Low, v.Date.High))
	case r4.ParamReference:
		list = x.referenceTokens(list, b, v.Reference)
	case r4.ParamNumber, r4.ParamQuantity:
		list = x.nodeTokens(list, b, formNumber, numberNodes(bound(v.Quantity.Low, -1), bound(v.Quantity.High, 1)))
	case r4.ParamURI:
		list = append(list, x.token(b, formURI, []byte(v.Text)))
	}
	return list
}

func (x blind) nodeTokens(list []int64, b *r4.Branch, form string, nodes []node) []int64 {
	for _, n := range nodes {
		list = append(list, x.token(b, form, n.bytes()))
	}
	return list
}

func (x blind) referenceTokens(list []int64, b *r4.Branch, r r4.Reference) []int64 {
	switch {
	case r.URL != "":
		list = append(list, x.token(b, formURL, []byte(plainURL(r.URL))))
	case r.ID != "" && r.Type != "Patient":
		list = append(list, x.token(b, formReference, []byte(r.Ref().String())))
	}
	if r.Identifier.Code != "" {
		list = append(list, x.token(b, formIdentifier, []byte(r.Identifier.Code)))
	}
	return list
}

// plainURL is a URL without its business or resource version.
func plainURL(url string) string {
	url, _, _ = strings.Cut(url, "|")
	url, _, _ = strings.Cut(url, "/_history/")
	return url
}

// prefixes are the indexed prefixes of a folded string.
func prefixes(folded string) []string {
	var list []string
	for _, n := range prefixLengths() {
		p := firstRunes(folded, n)
		if p == "" {
			break
		}
		list = append(list, p)
	}
	return list
}

// searchPrefix is the longest indexed prefix of a folded search text.
func searchPrefix(folded string) string {
	best := ""
	for _, p := range prefixes(folded) {
		best = p
	}
	return best
}

// firstRunes is the first n characters of s, empty when s has fewer.
func firstRunes(s string, n int) string {
	at := 0
	for range n {
		_, size := utf8.DecodeRuneInString(s[at:])
		if size == 0 {
			return ""
		}
		at += size
	}
	return s[:at]
}

// bound is a number as a float; a nil one is infinite in the direction of sign.
func bound(r *big.Rat, sign int) float64 {
	if r == nil {
		return math.Inf(sign)
	}
	f, _ := r.Float64()
	return f
}

// narrowing is what one term of a search says before any record is opened: every match lies in
// one of these buckets, or carries one of these tokens. Neither given, it says nothing.
type narrowing struct {
	buckets  []int64
	tokens   []int64
	locators []int64
	ids      bool // locators are all there can be
}

// maxTokens is how many tokens are worth looking up: beyond it walking the type is no worse.
const maxTokens = 1024

func (n *narrowing) useless() bool {
	return len(n.buckets) == 0 && len(n.tokens) == 0 && !n.ids || len(n.tokens) > maxTokens
}

// narrow says what a term tells of where its matches are.
func (x blind) narrow(q *r4.Query, t *r4.Term) narrowing {
	var all narrowing
	if t.Modifier == r4.ModifierMissing || t.Modifier == r4.ModifierNot {
		return narrowing{}
	}
	for i := range t.Values {
		one := x.narrowValue(q, t, &t.Values[i])
		if one.useless() || len(one.buckets) > 0 != (len(all.buckets) > 0) && i > 0 {
			return narrowing{} // one alternative may be anywhere, or they mix: no common ground
		}
		all.buckets = append(all.buckets, one.buckets...)
		all.tokens = append(all.tokens, one.tokens...)
		all.locators = append(all.locators, one.locators...)
		all.ids = all.ids || one.ids
	}
	for _, list := range []*[]int64{&all.buckets, &all.tokens, &all.locators} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return all
}

func (x blind) narrowValue(q *r4.Query, t *r4.Term, op *r4.Operand) narrowing {
	if t.Param.Name == "_id" {
		return narrowing{ids: true, locators: []int64{int64(x.s.Locate(tutela.Ref{Type: q.Type, ID: op.Token.Code}))}}
	}
	if t.Param.Name == "_lastUpdated" {
		return narrowing{}
	}
	if t.Param.Type == r4.ParamReference && t.Modifier != r4.ModifierIdentifier {
		return x.narrowReference(t, op)
	}
	var n narrowing
	for _, b := range t.Param.Branches {
		tokens, ok := x.operandTokens(t, b, op)
		if !ok {
			return narrowing{}
		}
		n.tokens = append(n.tokens, tokens...)
	}
	return n
}

// operandTokens are the tokens that a matching value carries on a branch; not ok when it may carry any.
func (x blind) operandTokens(t *r4.Term, b *r4.Branch, op *r4.Operand) (tokens []int64, ok bool) {
	switch {
	case t.Param.Type == r4.ParamReference: // :identifier
		return []int64{x.token(b, formIdentifier, []byte(op.Token.Code))}, !op.Token.AnyCode
	case t.Param.Type == r4.ParamToken:
		return []int64{x.token(b, formCode, []byte(op.Token.Code))}, !op.Token.AnyCode
	case t.Param.Type == r4.ParamString && t.Modifier != r4.ModifierContains:
		return []int64{x.token(b, formPrefix, []byte(searchPrefix(op.Folded)))}, op.Folded != ""
	case t.Param.Type == r4.ParamDate:
		low, high, ok := dateRange(op)
		return x.nodeTokens(nil, b, formDate, dateCover(low, high)), ok
	case t.Param.Type == r4.ParamNumber, t.Param.Type == r4.ParamQuantity:
		low, high, ok := numberRange(op)
		return x.nodeTokens(nil, b, formNumber, numberCover(low, high)), ok
	case t.Param.Type == r4.ParamURI && t.Modifier == r4.ModifierNone:
		return []int64{x.token(b, formURI, []byte(op.Text))}, true
	default:
		return nil, false
	}
}

// narrowReference finds references by target. A local reference to a Patient places the resource
// into that patient's bucket, or the shared one.
func (x blind) narrowReference(t *r4.Term, op *r4.Operand) narrowing {
	r := op.Reference
	if r.URL != "" {
		return x.everyBranch(t, formURL, plainURL(r.URL))
	}
	if r.Type != "" {
		return x.narrowTarget(t, r.Type, r.ID)
	}
	var n narrowing
	for _, typ := range targets(t.Param) {
		one := x.narrowTarget(t, typ, r.ID)
		n.buckets = append(n.buckets, one.buckets...)
		n.tokens = append(n.tokens, one.tokens...)
	}
	if len(n.buckets) > 0 && len(n.tokens) > 0 {
		return narrowing{} // a patient or something else: the index has no one place for both
	}
	return n
}

func (x blind) narrowTarget(t *r4.Term, typ, id string) narrowing {
	if typ == "Patient" {
		return narrowing{buckets: []int64{int64(x.s.Bucket(tutela.PatientID(id))), int64(tutela.BucketShared)}}
	}
	return x.everyBranch(t, formReference, tutela.Ref{Type: typ, ID: id}.String())
}

func (x blind) everyBranch(t *r4.Term, form, value string) narrowing {
	var n narrowing
	for _, b := range t.Param.Branches {
		n.tokens = append(n.tokens, x.token(b, form, []byte(value)))
	}
	return n
}

// targets are the types that a bare id may be of.
func targets(p *r4.Param) []string {
	if p.Only != "" {
		return []string{p.Only}
	}
	if len(p.Targets) > 0 {
		return p.Targets
	}
	return r4.ResourceTypes()
}
