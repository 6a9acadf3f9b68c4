package mask

// Mask says which elements of which resource types show. It does not change once made, and is safe for
// concurrent use. The zero Mask hides everything that can be hidden.
type Mask struct {
	types map[string]*view
	rest  *view // of types that are not listed; nil hides
}

// All is the Mask that hides nothing.
func All() Mask { return Mask{rest: shown()} }

// Whole reports whether the Mask hides nothing of any type.
func (m Mask) Whole() bool {
	for _, v := range m.types {
		if !v.whole() {
			return false
		}
	}
	return m.rest.whole()
}

// view gives what shows of a resource type.
func (m Mask) view(typ string) *view {
	if v, ok := m.types[typ]; ok {
		return v
	}
	if m.rest == nil {
		return kept()
	}
	return m.rest
}

// kept is what every resource shows.
func kept() *view {
	all := shown()
	return only(
		part{"resourceType", all}, part{"id", all},
		part{"meta", only(part{"versionId", all}, part{"lastUpdated", all})},
	)
}

// settled is a view of a resource with what always shows, and without what tells of the hidden.
func settled(v *view) *view {
	if v.whole() {
		return v
	}
	return unite(intersect(v, except(part{"text", nil}, part{"meta", nil})), kept())
}

// Union shows what either Mask shows: the minimum necessary of somebody with two roles.
func Union(a, b Mask) Mask { return combined(a, b, unite) }

// Intersection shows what both Masks show.
func Intersection(a, b Mask) Mask { return combined(a, b, intersect) }

func combined(a, b Mask, combine func(a, b *view) *view) Mask {
	out := Mask{rest: combine(a.view(""), b.view("")), types: map[string]*view{}}
	for _, m := range []Mask{a, b} {
		for typ := range m.types {
			out.types[typ] = combine(a.view(typ), b.view(typ))
		}
	}
	return out
}
