package access

import (
	"fmt"
	"slices"

	"github.com/cedar-policy/cedar-go"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/r4"
)

// Warning is what a valid policy probably does not mean.
type Warning struct {
	File, Policy string
	Line         int
	Text         string
}

// String is the warning in a line.
func (w Warning) String() string {
	return fmt.Sprintf("%s, line %d: policy %s: %s", w.File, w.Line, w.Policy, w.Text)
}

// Lint looks for policies that speak of what does not exist, that never apply, and that give more
// than any role should have. It asks Cedar about every kind of caller and resource that it can think
// of: what it does not find is not proved absent.
func (p *Policies) Lint() []Warning {
	var list []Warning
	for i := range p.policies {
		one := &p.policies[i]
		for _, text := range p.lint(one) {
			at := one.cedar.Position()
			list = append(list, Warning{at.Filename, one.id, at.Line, text})
		}
	}
	return list
}

func (p *Policies) lint(one *policy) []string {
	said := &literals{known: p.known()}
	said.hear(one)
	if len(said.unknown) > 0 {
		return said.unknown
	}
	if !p.everApplies(one, said) {
		return []string{"it never applies"}
	}
	if one.cedar.Effect() == cedar.Permit {
		return append(p.overBroad(one), misleading(one)...)
	}
	return nil
}

// misleading names a permit that shows a part of a resource without what may negate it (FHIR R4,
// extensibility.html#modifierExtension).
func misleading(one *policy) []string {
	for _, typ := range r4.ResourceTypes() {
		has := slices.ContainsFunc(r4.Members(typ), func(m r4.Member) bool { return m.Name == "modifierExtension" })
		if has && !one.shows.Whole() && one.shows.Hides(typ, typ+".modifierExtension") {
			return []string{fmt.Sprintf("it hides modifierExtension of %s, which may change the meaning of what it shows", typ)}
		}
	}
	return nil
}

// overBroad names what a permit gives away.
func (p *Policies) overBroad(one *policy) []string {
	stranger := question{kind: tutela.ActorPerson, assurance: "aal2", facts: class{consent: ConsentNone}}
	if slices.ContainsFunc(p.tries(), func(q question) bool {
		q.kind, q.assurance, q.facts = stranger.kind, stranger.assurance, stranger.facts
		return p.satisfies(one, q)
	}) {
		return []string{"it permits callers who have no role at all"}
	}
	for _, role := range Roles() {
		if role == RoleService {
			continue
		}
		q := stranger
		q.roles, q.action = string(role), tutela.ActionRead
		if q.typ = "Patient"; p.satisfies(one, q) && noPatients(role) && p.deidentified([]string{string(role)}) == "" {
			return []string{fmt.Sprintf("it shows patients to the role %s", role)}
		}
		if !slices.ContainsFunc(r4.ResourceTypes(), func(typ string) bool { q.typ = typ; return !p.satisfies(one, q) }) {
			return []string{fmt.Sprintf("it shows every record of every patient to the role %s, with or without a relationship", role)}
		}
	}
	return nil
}

// noPatients reports whether a role runs or watches the house and sees no patient.
func noPatients(r Role) bool {
	return r != RoleService && slices.Contains(append(Privileged(), RoleDeveloper, RoleResearcher), r)
}

// satisfies reports whether a policy applies to a question, whatever others say.
func (p *Policies) satisfies(one *policy, q question) bool {
	entities, request := p.entities(q)
	_, why := cedar.Authorize(sliced{*one}, entities, request)
	return len(why.Reasons) > 0
}

// tries are a question for every action, about types of several classes.
func (p *Policies) tries() []question {
	var list []question
	for uid, e := range p.base {
		switch {
		case uid.Type != "Action":
		case e.Parents.Contains(cedar.NewEntityUID("Action", "see")) || e.Parents.Contains(cedar.NewEntityUID("Action", "change")) || e.Parents.Contains(cedar.NewEntityUID("Action", "exercise")):
			for _, typ := range p.exemplars() {
				list = append(list, question{action: tutela.Action(uid.ID), typ: typ})
			}
		default:
			list = append(list, question{action: tutela.Action(uid.ID)})
		}
	}
	return list
}

// exemplars are a type for every set of classes that some type is in, and one that is in none.
func (p *Policies) exemplars() []string {
	var list []string
	seen := map[string]bool{}
	for _, typ := range r4.ResourceTypes() {
		key := fmt.Sprint(p.classes[typ])
		if !seen[key] {
			seen[key] = true
			list = append(list, typ)
		}
	}
	return list
}

// everApplies reports whether there is a question to which a policy applies, among the callers,
// records and circumstances that its words make worth trying.
func (p *Policies) everApplies(one *policy, said *literals) bool {
	facts := conceivable(join(append(said.words, unknownLabel)))
	for _, q := range p.questions(said) {
		for _, kind := range []tutela.ActorKind{tutela.ActorPerson, tutela.ActorService} {
			for _, f := range facts {
				q.kind, q.facts = kind, f
				if p.satisfies(one, q) {
					return true
				}
			}
		}
	}
	return false
}

// conceivable are the facts that are worth trying.
func conceivable(labels string) []class {
	var list []class
	some := standings()
	for _, c := range append(some[:], class{own: true, treated: true, emergency: true}, class{own: true, restricted: true}, class{treated: true, restricted: true}) {
		for _, consent := range []Consent{ConsentNone, ConsentPermit, ConsentDeny} {
			plain, sensitive := c, c
			plain.consent, sensitive.consent, sensitive.labels = consent, consent, labels
			list = append(list, plain, sensitive)
		}
	}
	return list
}

// questions are tries by each caller that a policy's words name.
func (p *Policies) questions(said *literals) []question {
	var list []question
	for _, q := range append(p.tries(), p.named(said)...) {
		for _, role := range append(said.of("Role"), "") {
			for _, purpose := range append(said.of("purpose"), string(tutela.PurposeTreatment)) {
				for _, assurance := range append(said.of("assurance"), "aal2") {
					q.roles, q.purpose, q.assurance = role, tutela.Purpose(purpose), assurance
					list = append(list, q)
				}
			}
		}
	}
	return list
}

// named are questions about the types that a policy names.
func (p *Policies) named(said *literals) []question {
	var list []question
	for _, typ := range said.of("type") {
		for _, q := range p.tries() {
			if q.typ == "Patient" {
				q.typ = typ
				list = append(list, q)
			}
		}
	}
	return list
}
