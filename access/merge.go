package access

import (
	"bytes"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/r4"
)

// What one may not see, one may not write: a new resource must not hold it (Covers), and an update
// leaves it as it is (Merge).

// Covers reports whether the caller could see the whole of a resource that it wants to write, given
// as the compact JSON of r4.Resource. What a server sets in meta counts for nothing.
func (d Decision) Covers(typ string, resource []byte) bool {
	if !d.Admitted() || d.Whole() {
		return d.Admitted()
	}
	sent, err := readObject(resource)
	if err != nil {
		return false
	}
	shown, err := readObject(d.d.shows.Apply(typ, resource))
	if err != nil {
		return false
	}
	for _, m := range sent {
		if m.name != "meta" && !bytes.Equal(m.value, shown.get(m.name)) {
			return false
		}
	}
	return true
}

// Merge gives what an update comes to: the elements that the caller may see as sent, all others as
// they are stored. What was sent of an element that is hidden in part must be what the caller saw of
// it, or nothing; of one that is hidden, nothing. Anything else is errs.Denied. Whether it is does not
// depend on what is hidden. Elements are top-level ones, a choice is one element, and so is contained.
func (d Decision) Merge(typ string, stored, sent []byte) ([]byte, error) {
	if !d.Admitted() {
		return nil, errs.New(errs.Denied, "the caller may not write this %s", typ)
	}
	if d.Whole() {
		return sent, nil
	}
	m := merging{typ: typ, decision: d, choices: choicesOf(typ)}
	var err error
	for _, in := range []struct {
		into *object
		text []byte
	}{{&m.stored, stored}, {&m.seen, d.d.shows.Apply(typ, stored)}, {&m.sent, sent}} {
		if *in.into, err = readObject(in.text); err != nil {
			return nil, err
		}
	}
	return m.merge()
}

// merging is one update by somebody who does not see the whole.
type merging struct {
	typ      string
	decision Decision
	choices  map[string]string // the choice that an element is a type of

	stored, seen, sent object
}

func (m *merging) merge() ([]byte, error) {
	var out object
	for _, e := range m.sent {
		switch {
		case !m.hides(e.name):
			out = append(out, e)
		case e.name == "meta" && bare(e.value) || bytes.Equal(e.value, m.seen.get(e.name)):
		default:
			return nil, m.denied(e.name)
		}
	}
	for _, e := range m.stored {
		if m.hides(e.name) {
			out = append(out, e)
		}
	}
	return out.bytes(), nil
}

// hides reports whether anything of an element may be hidden. Contained resources show what their own
// types show, so that anything of them may be.
func (m *merging) hides(name string) bool {
	if name[0] == '_' {
		name = name[1:]
	}
	if choice, ok := m.choices[name]; ok {
		name = choice
	}
	switch name {
	case "resourceType", "id":
		return false
	case "contained":
		return true
	case "meta":
		if m.stored.get("contained") != nil {
			return true // the caller may have been shown a label that is not there
		}
	}
	return m.decision.d.shows.Hides(m.typ, m.typ+"."+name)
}

func (m *merging) denied(name string) error {
	return errs.New(errs.Denied, "the caller does not see the whole of %s.%s and may not change it", m.typ, name)
}

func choicesOf(typ string) map[string]string {
	choices := map[string]string{}
	for _, m := range r4.Members(typ) {
		if m.Choice != "" {
			choices[m.Name] = m.Choice
		}
	}
	return choices
}

// bare reports whether a meta holds only what everybody is shown: what a server sets, and the label of
// what is not whole.
func bare(meta jsontext.Value) bool {
	var m struct {
		VersionID   jsontext.Value                  `json:"versionId"`
		LastUpdated jsontext.Value                  `json:"lastUpdated"`
		Security    []struct{ System, Code string } `json:"security"`
	}
	if err := json.Unmarshal(meta, &m, json.RejectUnknownMembers(true)); err != nil {
		return false
	}
	for _, s := range m.Security {
		if s.System != "http://terminology.hl7.org/CodeSystem/v3-ObservationValue" || s.Code != "SUBSETTED" {
			return false
		}
	}
	return true
}

// object is a JSON object in the order of its members.
type object []struct {
	name  string
	value jsontext.Value
}

func readObject(text []byte) (object, error) {
	dec := jsontext.NewDecoder(bytes.NewReader(text))
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	var o object
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			return nil, err
		}
		text := name.String()
		value, err := dec.ReadValue()
		if err != nil {
			return nil, err
		}
		o = append(o, object{{text, value.Clone()}}...)
	}
	return o, nil
}

// get gives the value of a member, nil where there is none.
func (o object) get(name string) jsontext.Value {
	for i := range o {
		if o[i].name == name {
			return o[i].value
		}
	}
	return nil
}

func (o object) bytes() []byte {
	out := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			out = append(out, ',')
		}
		out, _ = jsontext.AppendQuote(out, m.name) // the error tells of replaced bytes only
		out = append(append(out, ':'), m.value...)
	}
	return append(out, '}')
}
