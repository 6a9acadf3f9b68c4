package access

import (
	"slices"

	"github.com/cedar-policy/cedar-go"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/r4"
)

// ChangeKind says how other policies differ on a case.
type ChangeKind string

// The kinds of change, from the gravest.
const (
	NewlyAllowed ChangeKind = "allow" // it was denied
	NewlyShown   ChangeKind = "show"  // more elements of it show
	NewlyDenied  ChangeKind = "deny"
	NewlyHidden  ChangeKind = "hide"
)

// Opens reports whether a change gives anybody anything.
func (k ChangeKind) Opens() bool { return k == NewlyAllowed || k == NewlyShown }

// Change is how other policies differ on a case.
type Change struct {
	Kind ChangeKind
	// Policies determine it: of the other policies, but where a permit is gone those that permitted.
	Policies []string
	Elements []string // that newly show or are newly hidden, in whole or in part
}

// Compare says how a case would fare under other policies; nil where nothing differs.
func (p *Policies) Compare(other *Policies, c Case) []Change {
	q := c.question()
	was, is := p.decide(q), other.decide(q)
	switch {
	case !was.allow && !is.allow:
		return nil
	case !was.allow:
		return []Change{{Kind: NewlyAllowed, Policies: is.policies}}
	case !is.allow:
		by := is.policies // that forbid it
		if len(by) == 0 {
			by = was.policies
		}
		return []Change{{Kind: NewlyDenied, Policies: by}}
	}
	if kind, differs := identifies(p.deidentified(c.Roles), other.deidentified(c.Roles)); differs && c.Type != "" {
		return []Change{{Kind: kind, Policies: is.policies}}
	}
	if !was.hiding && !is.hiding {
		return nil
	}
	before, after := hiddenParts(was, c.Type), hiddenParts(is, c.Type)
	var list []Change
	if less := missing(before, after); len(less) > 0 {
		list = append(list, Change{Kind: NewlyShown, Policies: is.policies, Elements: less})
	}
	if more := missing(after, before); len(more) > 0 {
		list = append(list, Change{Kind: NewlyHidden, Policies: is.policies, Elements: more})
	}
	return list
}

// identifies says how two ways of de-identification differ, as to what tells who somebody is.
func identifies(was, is string) (kind ChangeKind, differs bool) {
	switch {
	case was == is:
		return "", false
	case is == SafeHarbor || is == Pseudonyms && was == "":
		return NewlyHidden, true
	}
	return NewlyShown, true
}

// hiddenParts lists the elements that a decision hides, and of those that show in part, the parts.
func hiddenParts(d *decision, typ string) []string {
	var list []string
	for _, name := range hidden(d, typ) {
		list = append(list, partsOf(d, typ, name)...)
	}
	return list
}

// partsOf is an element that is hidden whole, or else its hidden parts.
func partsOf(d *decision, typ, name string) []string {
	i := slices.IndexFunc(r4.Members(typ), func(m r4.Member) bool { return m.Name == name })
	if i < 0 {
		return []string{name} // a choice
	}
	var list []string
	all := r4.Members(r4.Members(typ)[i].Type)
	for _, part := range all {
		if d.shows.Hides(typ, typ+"."+name+"."+part.Name) {
			list = append(list, name+"."+part.Name)
		}
	}
	if len(list) == len(all) {
		return []string{name}
	}
	return list
}

// missing gives those of a list that are not in another.
func missing(list, from []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(from, s) })
}

// Case is what policies see of a resource of which these are the facts, and of who asks.
func (i Inquiry) Case(f Facts) Case {
	q := i.Grant.question.about(f.Type, i.Grant.class(f.Patients)).known(&i.Grant, f)
	return Case{
		Roles: split(q.roles), Clearances: split(q.clearances), Kind: q.kind, Assurance: q.assurance, Purpose: q.purpose, Action: q.action, Type: q.typ,
		Own: q.facts.own, Treated: q.facts.treated, General: q.facts.general, Emergency: q.facts.emergency, Restricted: q.facts.restricted,
		Labels: split(q.facts.labels), Consent: q.facts.consent,
	}
}

// Standing names how the patients of a case stand to its caller.
func (c Case) Standing() string {
	return class{own: c.Own, treated: c.Treated, general: c.General, emergency: c.Emergency}.standing()
}

// Decides reports whether policies speak of an action at all: no other is a decision of theirs.
func (p *Policies) Decides(a tutela.Action) bool {
	_, there := p.base[cedar.NewEntityUID("Action", cedar.String(a))]
	return there
}
