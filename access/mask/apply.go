package mask

import "bytes"

// subsetted is the label of what is not whole (v3 ObservationValue).
const subsetted = `{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}`

// Apply returns what the Mask shows of a resource of a type, given as the compact JSON of r4.Resource. It
// never writes to its input, and returns it as it is where the Mask hides nothing.
func (m Mask) Apply(typ string, resource []byte) []byte {
	if m.Whole() {
		return resource
	}
	w := &writer{mask: m, in: resource, out: make([]byte, 0, len(resource)+len(subsetted)+32)}
	w.resource(typ, true)
	return w.out
}

// writer copies what shows, reading forwards through valid JSON.
type writer struct {
	mask Mask
	in   []byte
	at   int
	out  []byte
	cut  bool // something of a contained resource may be missing
}

// copier copies the value at hand, of the member called name, and reports whether anything of it shows.
type copier func(name []byte, v *view) bool

// resource copies the object at hand as a resource of a type. One that stands for itself carries the label
// where something may be missing; a contained one never does (FHIR R4, dom-5).
func (w *writer) resource(typ string, itself bool) bool {
	v := w.mask.view(typ)
	at, start := w.at, len(w.out)
	outer := w.cut
	w.cut = !v.whole()
	w.labelled(v, typ, itself && w.cut)
	if itself && w.cut && v.whole() { // only now is known that what it contains was cut
		w.at, w.out = at, w.out[:start]
		w.labelled(v, typ, true)
	}
	w.cut = outer || w.cut && !itself
	return true
}

// labelled copies a resource, with the label if so told.
func (w *writer) labelled(v *view, typ string, label bool) {
	pending := label
	start := len(w.out)
	w.members(v, func(name []byte, sub *view) bool {
		switch string(name) {
		case "meta":
			if pending {
				pending = false
				w.meta(sub)
				return true
			}
			return w.value(w.metaOf(v, sub))
		case "contained":
			return sub.none() && w.value(nil) || !sub.none() && w.list(func() bool { return w.resource(typeOf(w.in, w.at), false) })
		case "entry", "parameter":
			if typ == "Bundle" || typ == "Parameters" {
				return w.entry(name, sub)
			}
		}
		return w.value(sub)
	})
	if pending {
		w.addLabel(start, `"meta":{"security":[`+subsetted+`]}`)
	}
}

// metaOf is what shows of meta in a resource that carries no label: a contained one has none of its own.
func (w *writer) metaOf(of, meta *view) *view {
	if of.whole() {
		return meta
	}
	return nil
}

// entry copies an element of a Bundle or of Parameters, each resource in it as its own type shows.
func (w *writer) entry(name []byte, v *view) bool {
	switch string(name) {
	case "entry", "parameter", "part":
		return w.list(func() bool { return w.members(v, w.entry) })
	case "response":
		return w.members(v, w.entry)
	case "resource", "outcome":
		if typ := typeOf(w.in, w.at); typ != "" && !v.none() {
			return w.resource(typ, true)
		}
	}
	return w.value(v)
}

// addLabel puts a member before the end of the object that was written from start on.
func (w *writer) addLabel(start int, member string) {
	w.out = w.out[:len(w.out)-1]
	if len(w.out) > start+1 {
		w.out = append(w.out, ',')
	}
	w.out = append(w.out, member...)
	w.out = append(w.out, '}')
}

// meta copies what shows of meta and adds the label.
func (w *writer) meta(v *view) {
	start, pending := len(w.out), true
	w.members(v, func(name []byte, sub *view) bool {
		from := len(w.out)
		if !w.value(sub) {
			return false
		}
		if string(name) == "security" {
			pending = false
			if !bytes.Contains(w.out[from:], []byte(subsetted)) {
				w.out = append(w.out[:len(w.out)-1], ","+subsetted+"]"...)
			}
		}
		return true
	})
	if pending {
		w.addLabel(start, `"security":[`+subsetted+`]`)
	}
}

// members copies what shows of the object at hand.
func (w *writer) members(v *view, value copier) bool {
	start := len(w.out)
	w.out = append(w.out, '{')
	for w.at++; w.in[w.at] != '}'; {
		if w.in[w.at] == ',' {
			w.at++
		}
		w.member(v, value)
	}
	w.at++
	w.out = append(w.out, '}')
	return len(w.out) > start+2
}

// member copies the member at hand, if anything of it shows. A primitive's companion ("_birthDate") shows
// where the primitive does.
func (w *writer) member(v *view, value copier) {
	before := len(w.out)
	if w.out[before-1] != '{' {
		w.out = append(w.out, ',')
	}
	end := stringEnd(w.in, w.at)
	name := bytes.TrimPrefix(w.in[w.at+1:end-1], []byte("_"))
	w.out = append(w.out, w.in[w.at:end+1]...)
	w.at = end + 1
	if !value(name, v.member(string(name))) {
		w.out = w.out[:before]
	}
}

// list copies the items at hand of which anything shows.
func (w *writer) list(item func() bool) bool {
	start := len(w.out)
	w.out = append(w.out, '[')
	for w.at++; w.in[w.at] != ']'; {
		if w.in[w.at] == ',' {
			w.at++
		}
		before := len(w.out)
		if w.out[before-1] != '[' {
			w.out = append(w.out, ',')
		}
		if !item() {
			w.out = w.out[:before]
		}
	}
	w.at++
	w.out = append(w.out, ']')
	return len(w.out) > start+2
}

// value copies the value at hand.
func (w *writer) value(v *view) bool {
	from := w.at
	switch {
	case v.whole() || v.none() || w.in[from] != '[' && w.in[from] != '{':
		// all of it or nothing; a primitive has no parts to choose from
		w.at = valueEnd(w.in, from)
		if v.whole() {
			w.out = append(w.out, w.in[from:w.at]...)
		}
		return v.whole()
	case w.in[from] == '[':
		return w.list(func() bool { return w.value(v) })
	}
	return w.members(v, func(_ []byte, sub *view) bool { return w.value(sub) })
}
