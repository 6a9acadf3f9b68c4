package mask

// view is which members of an object show. A nil view shows nothing. It may lead back to itself, where
// elements nest; it does not change once made.
type view struct {
	rest    *view // of members that are not listed: nil, or a view of everything
	members []part
	choices bool // some part is a choice
}

// part is what shows of a member, or of all types of a choice.
type part struct {
	name string // by JSON name, or as "value[x]" by choice
	view *view
}

// shown is the view of everything.
func shown() *view {
	v := &view{}
	v.rest = v
	return v
}

// except is the view of everything but what its members say.
func except(members ...part) *view {
	v := &view{rest: shown()}
	v.add(members...)
	return v
}

// only is the view of what its members say.
func only(members ...part) *view {
	v := &view{}
	v.add(members...)
	return v
}

// add lists members in a view that is being made.
func (v *view) add(members ...part) {
	for _, m := range members {
		v.members = append(v.members, m)
		v.choices = v.choices || m.name[len(m.name)-1] == ']'
	}
}

// whole reports that the view shows everything, none that it shows nothing.
func (v *view) whole() bool { return v != nil && v.rest == v }
func (v *view) none() bool  { return v == nil || v.rest == nil && len(v.members) == 0 }

// listed gives the part of a name, by that very name.
func (v *view) listed(name string) (*view, bool) {
	for i := range v.members {
		if v.members[i].name == name {
			return v.members[i].view, true
		}
	}
	return nil, false
}

// member gives the view of a member: its own, else that of the choice that it is a type of.
func (v *view) member(name string) *view {
	if v == nil {
		return nil
	}
	if m, ok := v.listed(name); ok {
		return m
	}
	if v.choices {
		for i := range v.members {
			if chosen(v.members[i].name, name) {
				return v.members[i].view
			}
		}
	}
	return v.rest
}

// chosen reports whether name is a type of the choice element key ("value[x]").
func chosen(key, name string) bool {
	base := len(key) - len("[x]")
	return base > 0 && key[base] == '[' && len(name) > base && name[:base] == key[:base] && 'A' <= name[base] && name[base] <= 'Z'
}

// pair is two views that are being combined.
type pair struct{ a, b *view }

// combination joins views member by member. Done holds those that have been begun, since views may lead
// back to themselves.
type combination struct {
	union bool
	done  map[pair]*view
}

// unite shows what either shows, intersect what both show.
func unite(a, b *view) *view     { return combination{true, map[pair]*view{}}.of(a, b) }
func intersect(a, b *view) *view { return combination{false, map[pair]*view{}}.of(a, b) }

func (c combination) of(a, b *view) *view {
	switch {
	case a.whole() || b.none():
		return c.pick(a, b)
	case b.whole() || a.none():
		return c.pick(b, a)
	}
	p := pair{a, b}
	if v, ok := c.done[p]; ok {
		return v
	}
	v := &view{rest: c.of(a.rest, b.rest)}
	c.done[p] = v
	for _, members := range [][]part{a.members, b.members} {
		for _, m := range members {
			if _, ok := v.listed(m.name); !ok {
				v.add(part{m.name, c.of(a.member(m.name), b.member(m.name))})
			}
		}
	}
	v.tidy()
	return v
}

// pick chooses between two views of which the first shows no less than the second.
func (c combination) pick(more, less *view) *view {
	if c.union {
		return more
	}
	return less
}

// tidy brings a view that has come to show everything, or nothing, to that form.
func (v *view) tidy() {
	for _, m := range v.members {
		if v.rest != nil && !m.view.whole() || v.rest == nil && !m.view.none() {
			return
		}
	}
	v.members, v.choices = nil, false
	if v.rest != nil {
		v.rest = v
	}
}
