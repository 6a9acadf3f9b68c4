package access

import (
	"slices"

	"github.com/cedar-policy/cedar-go"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/r4"
)

// Case is a caller and a resource as policies see them: a question that can be asked without either.
type Case struct {
	Roles, Clearances []string
	Kind              tutela.ActorKind
	Assurance         string
	Purpose           tutela.Purpose
	Action            tutela.Action
	Type              string // FHIR resource type; empty for what is no record

	Own, Treated, General, Emergency bool // how the patients stand to the caller

	Restricted bool // the records of one of them may not be used

	Labels  []string // what makes it sensitive
	Consent Consent  // what the patients' consents say; empty is none
}

// Explanation is what policies say of a Case.
type Explanation struct {
	Allowed  bool     `json:"allowed"`
	Policies []string `json:"policies"`         // those that determined it; none: nothing permits it
	Hidden   []string `json:"hidden,omitempty"` // top-level elements of which anything is hidden
	// Deidentified says how it is de-identified before it is shown; empty: not at all.
	Deidentified string `json:"deidentified,omitempty"`
	// Hindered are the policies that forbid it, whatever permits it.
	Hindered []string `json:"hindered,omitempty"`
}

// Explain answers a Case and says why.
func (p *Policies) Explain(c Case) Explanation { return p.explain(c.question()) }

func (p *Policies) explain(q question) Explanation {
	d := p.decide(q)
	e := Explanation{Allowed: d.allow, Policies: d.policies}
	if d.allow {
		e.Hidden = hidden(d, q.typ)
		if q.typ != "" {
			e.Deidentified = p.deidentified(split(q.roles))
		}
		return e
	}
	for i := range p.policies {
		one := &p.policies[i]
		if one.cedar.Effect() == cedar.Forbid && p.satisfies(one, q) {
			e.Hindered = append(e.Hindered, one.id)
		}
	}
	return e
}

func (c Case) question() question {
	labels := slices.Sorted(slices.Values(c.Labels))
	q := question{roles: join(c.Roles), clearances: join(widened(c.Clearances)), kind: c.Kind, assurance: c.Assurance, purpose: c.Purpose,
		action: c.Action, typ: c.Type}
	q.facts = class{own: c.Own, treated: c.Treated, general: c.General, emergency: c.Emergency, restricted: c.Restricted, labels: join(labels), consent: c.Consent}
	if q.facts.consent == "" {
		q.facts.consent = ConsentNone
	}
	return q
}

// hidden lists the elements of a type of which a decision hides anything.
func hidden(d *decision, typ string) []string {
	var list []string
	for _, m := range r4.Members(typ) {
		name := m.Name
		if m.Choice != "" {
			name = m.Choice
		}
		if d.shows.Hides(typ, typ+"."+name) && name != "id" && name != "resourceType" && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

// Rule is one policy as people list them.
type Rule struct {
	ID       string `json:"id"`
	Effect   string `json:"effect"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Role     string `json:"role,omitempty"`     // it speaks of this role alone
	Elements string `json:"elements,omitempty"` // what of a resource it shows
}

// Rules lists the policies in the order of their files.
func (p *Policies) Rules() []Rule {
	list := make([]Rule, len(p.policies))
	for i, one := range p.policies {
		at := one.cedar.Position()
		list[i] = Rule{ID: one.id, Effect: "permit", File: at.Filename, Line: at.Line, Role: one.role, Elements: string(one.cedar.Annotations()["elements"])}
		if one.cedar.Effect() == cedar.Forbid {
			list[i].Effect = "forbid"
		}
	}
	return list
}
