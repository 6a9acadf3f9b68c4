package r4

// Member is an element that objects of a type may have.
type Member struct {
	Name   string // as in JSON: valueQuantity, not value[x]
	Type   string // the FHIR type, as in "HumanName" or "Observation.component"
	Choice string // of a choice element, its name in the specification: "value[x]"
}

// Members lists the elements that objects of a type may have, in alphabetical order; none for primitives
// and unknown types. Types are named as Node.Type names them.
func Members(typ string) []Member {
	for i := range types {
		if types[i].name == typ && !typeID(i).primitive() {
			return membersOf(&types[i])
		}
	}
	return nil
}

func membersOf(def *typeDef) []Member {
	out := make([]Member, 0, def.end-def.first)
	for i := def.first; i < def.end; i++ {
		e := &elements[i]
		m := Member{Name: e.name, Type: e.typ.name()}
		if e.choice > 0 {
			m.Choice = e.base() + "[x]"
		}
		out = append(out, m)
	}
	return out
}
