package r4

// Value is what a Branch selects in a resource, in the form that its parameter type compares. Only
// the fields of Kind are set.
type Value struct {
	Kind      ParamType
	Token     Token     // ParamToken
	Text      string    // ParamString, ParamURI: as written
	Folded    string    // ParamString: Fold(Text)
	Date      Interval  // ParamDate
	Reference Reference // ParamReference
	Quantity  Quantity  // ParamNumber, ParamQuantity
}

// Token is a code in a system (FHIR R4, search.html#token).
type Token struct {
	System string // a URI, empty where none is stated
	Code   string
	// Implied says that the element has no system of its own (code, boolean, string, ContactPoint …);
	// System then is that of its required binding, if there is one.
	Implied bool
}

// Quantity is an exact amount, or the range between two. The precision of a stored number does not
// matter to search.
type Quantity struct {
	Range
	System, Code, Unit string
}

// Extract returns what the branch selects in the resource, as values of a parameter type. Elements
// that cannot be of that type give none.
func Extract(res *Resource, b *Branch, kind ParamType) []Value {
	x := extraction{kind: kind}
	if b.truth {
		x.truth(res, b)
		return x.out
	}
	for n := range b.Nodes(res) {
		x.node(n)
	}
	return x.out
}

type extraction struct {
	kind ParamType
	out  []Value
}

func (x *extraction) node(n Node) {
	switch x.kind {
	case ParamToken:
		x.tokens(n)
	case ParamString:
		x.strings(n)
	case ParamDate:
		x.date(n)
	case ParamReference:
		x.reference(n)
	case ParamNumber, ParamQuantity:
		x.quantity(n)
	case ParamURI:
		if text := n.Text(); text != "" {
			x.out = append(x.out, Value{Kind: ParamURI, Text: text})
		}
	}
}

// truth answers "exists() and != false" with a token that is there in every resource.
func (x *extraction) truth(res *Resource, b *Branch) {
	answer := "false"
	for n := range b.Nodes(res) {
		if n.node().kind != 'f' {
			answer = "true"
		}
	}
	x.out = append(x.out, Value{Kind: ParamToken, Token: Token{systemBoolean, answer, true}})
}

// strings gives the text of a string, or every part of a name or address that a search may start
// with (search.html#string).
func (x *extraction) strings(n Node) {
	switch n.node().typ {
	case typeHumanName:
		x.parts(n, "text", "family", "given", "prefix", "suffix")
	case typeAddress:
		x.parts(n, "text", "line", "city", "district", "state", "postalCode", "country")
	case typeCodeableConcept:
		x.parts(n, "text")
	default:
		x.text(n.Text())
	}
}

func (x *extraction) parts(n Node, names ...string) {
	for _, name := range names {
		for item := range n.Child(name).Items() {
			x.text(item.Text())
		}
	}
}

func (x *extraction) text(s string) {
	if s != "" {
		x.out = append(x.out, Value{Kind: ParamString, Text: s, Folded: Fold(s)})
	}
}
