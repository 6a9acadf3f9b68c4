package deid

import (
	"encoding/base32"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/r4"
)

// pass writes what shows of one resource.
type pass struct {
	d        *Deidentifier
	keys     *secrets
	name     func(tutela.Ref) string
	label    string            // of what was changed
	oldest   int               // no earlier year shows
	earliest int               // the first year that the resource's dates name; 0 for none
	days     int               // by which dates are moved; 0: years show
	local    map[string]string // ids of contained resources, and what they are called here
	out      []byte
}

// place is where a resource stands.
type place int

const (
	whole     place = iota // by itself, or an entry of a Bundle
	contained              // in another one: it has no meta of its own (FHIR R4, dom-5)
)

// resource writes a resource. What has a modifierExtension or implicit rules may mean the opposite of what
// would be left of it, and is not shown.
func (p *pass) resource(n r4.Node, at place) bool {
	typ, id := n.Type(), n.Child("id").Text()
	if n.Child("modifierExtension").Exists() || n.Child("implicitRules").Exists() {
		return false
	}
	w := p.open('{')
	p.text("resourceType", typ)
	if at == contained {
		if called, ok := p.local[id]; ok {
			p.text("id", called)
		}
	} else {
		defer p.inside(n)()
		if id != "" {
			p.text("id", p.name(tutela.Ref{Type: typ, ID: id}))
		}
		p.meta(n.Child("meta").Child("versionId").Text())
	}
	for name, m := range n.Members() {
		if name != "id" && name != "meta" {
			p.member(name, m)
		}
	}
	return p.close(w, '}')
}

// inside calls what a resource contains by numbers, until the function that it gives is called.
func (p *pass) inside(n r4.Node) (leave func()) {
	outer := p.local
	p.local = map[string]string{}
	for c := range n.Child("contained").Items() {
		if id := c.Child("id").Text(); id != "" && p.local[id] == "" {
			p.local[id] = "c" + strconv.Itoa(len(p.local)+1)
		}
	}
	return func() { p.local = outer }
}

// meta writes the version, and that the resource was changed.
func (p *pass) meta(version string) {
	w := p.begin("meta")
	if digits(version) {
		p.text("versionId", version)
	}
	p.raw("security", "["+p.label+"]")
	p.end(w)
}

// member writes what shows of a member.
func (p *pass) member(name string, n r4.Node) bool {
	w := p.key(name)
	if !p.value(name, n) {
		p.out = p.out[:w]
		return false
	}
	return true
}

// value writes what shows of a value: lists item by item.
func (p *pass) value(name string, n r4.Node) bool {
	if !n.List() {
		return p.item(name, n)
	}
	w := p.open('[')
	for c := range n.Items() {
		before := len(p.out)
		if p.out[before-1] != '[' {
			p.out = append(p.out, ',')
		}
		if !p.item(name, c) {
			p.out = p.out[:before]
		}
	}
	return p.close(w, ']')
}

// item writes what shows of an object or a primitive.
func (p *pass) item(name string, n r4.Node) bool {
	switch {
	case n.Resource() != nil && name == "contained":
		return p.resource(n, contained)
	case n.Resource() != nil:
		return p.resource(n, whole)
	case n.Object():
		return !n.Child("modifierExtension").Exists() && p.complex(name, n)
	default:
		return p.primitive(name, n)
	}
}

// complex writes what shows of an object, by its type.
func (p *pass) complex(name string, n r4.Node) bool {
	switch kindOf(n.Type()) {
	case removed:
		return false
	case ofReference:
		return p.reference(n)
	case ofAddress:
		return p.address(n)
	case ofCoding:
		return p.coding(n)
	case ofQuantity:
		return p.quantity(n, name == "low" || name == "high")
	case ofExtension:
		return p.extension(n)
	case plain:
	}
	w := p.open('{')
	for name, m := range n.Members() {
		p.member(name, m)
	}
	return p.close(w, '}')
}

// primitive writes what shows of a primitive, by its type.
func (p *pass) primitive(name string, n r4.Node) bool {
	text := n.Text()
	switch n.Type() {
	case "boolean", "decimal":
		return p.verbatim(n)
	case "integer", "positiveInt", "unsignedInt":
		return len(text) <= longestInteger && p.verbatim(n)
	case "code":
		return (n.Bound() || shaped(name, text)) && p.verbatim(n)
	case "date", "dateTime":
		return p.date(text)
	case "instant":
		return p.instant(text)
	case "string", "markdown":
		return p.told(name, text)
	}
	return false
}

// longestInteger is how many digits a number may have: longer ones are telephone and record numbers.
const longestInteger = 6

// told writes a string: a link within a questionnaire by another name, and free text where it is kept.
func (p *pass) told(name, text string) bool {
	switch {
	case text == "":
		return false
	case name == "linkId":
		sum := digest(p.keys.link, text)
		return p.quoted("q" + base32.HexEncoding.EncodeToString(sum[:10]))
	case p.d.text != nil && told(name):
		return p.quoted(p.d.text.clean(text))
	}
	return false
}

// reference writes a reference to what is on this server or contained in the resource.
func (p *pass) reference(n r4.Node) bool {
	text := n.Child("reference").Text()
	w := p.open('{')
	if inner, ok := strings.CutPrefix(text, "#"); ok {
		if called, known := p.local[inner]; known {
			p.text("reference", "#"+called)
		}
	} else if ref, ok := r4.ParseReference(text); ok && ref.Local() {
		p.text("reference", ref.Type+"/"+p.name(ref.Ref()))
	}
	return p.close(w, '}')
}

// extension writes an extension about race, ethnicity or sex, which the guidance does not count among
// identifiers; of all others nothing is known.
func (p *pass) extension(n r4.Node) bool {
	url := n.Child("url").Text()
	if !knownExtension(url) {
		return false
	}
	w := p.open('{')
	some := false
	p.text("url", url)
	for name, m := range n.Members() {
		some = name != "url" && p.member(name, m) || some
	}
	return p.close(w, '}') && (some || p.drop(w))
}

// verbatim writes a primitive as it is.
func (p *pass) verbatim(n r4.Node) bool {
	if string(n.JSON()) == "null" {
		return false
	}
	p.out = append(p.out, n.JSON()...)
	return true
}

// quoted writes a string.
func (p *pass) quoted(text string) bool {
	b, _ := jsontext.AppendQuote(p.out, text) // what was parsed is UTF-8
	p.out = b
	return true
}

// open begins an object or a list, and tells where.
func (p *pass) open(bracket byte) int {
	p.out = append(p.out, bracket)
	return len(p.out) - 1
}

// close ends it, or takes it back where it is empty.
func (p *pass) close(at int, bracket byte) bool {
	if len(p.out) == at+1 {
		return p.drop(at)
	}
	p.out = append(p.out, bracket)
	return true
}

// drop takes back what was written from a place on.
func (p *pass) drop(at int) bool {
	p.out = p.out[:at]
	return false
}

// key writes a member's name, and tells where.
func (p *pass) key(name string) int {
	at := len(p.out)
	if p.out[at-1] != '{' {
		p.out = append(p.out, ',')
	}
	p.out = append(append(append(p.out, '"'), name...), '"', ':')
	return at
}

// text writes a member that is a string, and raw one that is JSON.
func (p *pass) text(name, value string) {
	p.key(name)
	p.quoted(value)
}

func (p *pass) raw(name, value string) {
	p.key(name)
	p.out = append(p.out, value...)
}

// begin opens a member that is an object, and end closes it.
func (p *pass) begin(name string) int {
	p.key(name)
	return p.open('{')
}

func (p *pass) end(at int) { p.close(at, '}') }

func digits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}
