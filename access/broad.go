package access

import (
	"fmt"
	"slices"

	"github.com/tutela-health/tutela"
)

// Broad names what policies give together that no role should have: records to callers without a role
// or to those who run the house, patients to those who treat without a relationship, everything of
// everybody to those who work without one, and what is sensitive or what a consent denies. It asks Cedar
// about every caller and kind of record that the policies can tell apart: what it does not find is not
// proved absent. asked is how many questions that took.
func (p *Policies) Broad() (found []string, asked int) {
	b := newBreadth(p)
	for _, look := range []func() []string{b.strangers, b.house, b.unrelated, b.offices, b.limits} {
		found = append(found, look()...)
	}
	return found, b.asked
}

// breadth asks all policies together.
type breadth struct {
	p        *Policies
	types    []string         // that the policies tell apart
	purposes []tutela.Purpose // that they name, and treatment
	asked    int
}

func newBreadth(p *Policies) *breadth {
	said := &literals{known: p.known()}
	for i := range p.policies {
		said.hear(&p.policies[i])
	}
	b := &breadth{p: p, types: p.exemplars(), purposes: []tutela.Purpose{tutela.PurposeTreatment}}
	for _, typ := range said.of("type") {
		if !slices.Contains(b.types, typ) {
			b.types = append(b.types, typ)
		}
	}
	for _, purpose := range said.of("purpose") {
		b.purposes = append(b.purposes, tutela.Purpose(purpose))
	}
	return b
}

// somebody is a caller of one role with two factors; of no role where it is empty.
func somebody(role Role) question {
	q := question{roles: string(role), kind: tutela.ActorPerson, assurance: "aal2", action: tutela.ActionRead}
	if role == RoleProvisioner || role == RolePipeline {
		q.kind = tutela.ActorService
	}
	return q
}

// permitted gives the decision that permits a question for any of the purposes; nil where none does.
// It asks Cedar itself: what is remembered is for real requests.
func (b *breadth) permitted(q question) *decision {
	for _, q.purpose = range b.purposes {
		b.asked++
		if d := b.p.ask(q); d.allow {
			return d
		}
	}
	return nil
}

// reaches gives the first type of record that a caller may read or change where the patients stand to
// him in one of some ways.
func (b *breadth) reaches(q question, ways ...class) (typ string, reached bool) {
	for _, q.typ = range b.types {
		for _, q.action = range []tutela.Action{tutela.ActionRead, tutela.ActionSearch, tutela.ActionUpdate, tutela.ActionCreate, tutela.ActionDelete} {
			for _, q.facts = range ways {
				if b.permitted(q) != nil {
					return q.typ, true
				}
			}
		}
	}
	return "", false
}

// unrelated is how patients stand to somebody who has nothing to do with them.
func unrelated() class { return class{consent: ConsentNone} }

// related are the ways in which patients stand to somebody who has.
func related() []class {
	return []class{unrelated(), {own: true, consent: ConsentNone}, {treated: true, consent: ConsentNone}, {emergency: true, consent: ConsentNone}}
}

// strangers finds what callers without a role may do, of records and in the house.
func (b *breadth) strangers() []string {
	q := somebody("")
	if typ, ok := b.reaches(q, append(related(), class{general: true, consent: ConsentNone})...); ok {
		return []string{"callers who have no role at all reach " + typ}
	}
	q.typ, q.facts = "", class{}
	for _, try := range b.p.tries() {
		if q.action = try.action; try.typ == "" && b.permitted(q) != nil {
			return []string{fmt.Sprintf("callers who have no role at all may %s", q.action)}
		}
	}
	return nil
}

// house finds patients' records that those who run or watch the house reach, and people who have
// the role of the organisation's interfaces.
func (b *breadth) house() (found []string) {
	for _, role := range Roles() {
		if role != RoleService && !noPatients(role) || b.p.deidentified([]string{string(role)}) != "" {
			continue // or what it reaches is nobody's any more
		}
		if typ, ok := b.reaches(somebody(role), related()...); ok {
			found = append(found, fmt.Sprintf("a person of the role %s reaches %s of patients", role, typ))
		}
	}
	return found
}

// unrelated finds what those reach without a relationship who should have one.
func (b *breadth) unrelated() (found []string) {
	for _, role := range []Role{RolePhysician, RoleNurse, RolePatient, RoleProxy} {
		if typ, ok := b.reaches(somebody(role), unrelated()); ok {
			found = append(found, fmt.Sprintf("the role %s reaches %s of every patient, without a relationship", role, typ))
		}
	}
	return found
}

// offices finds roles that work without a relationship and are held to no minimum: no type and
// no element is kept from them.
func (b *breadth) offices() (found []string) {
	for _, role := range []Role{RoleRegistration, RoleBilling, RolePharmacist, RoleLaboratory} {
		q := somebody(role)
		q.facts = unrelated()
		reached, whole := 0, 0
		for _, q.typ = range b.types {
			if d := b.permitted(q); d != nil {
				reached++
				if !d.hiding {
					whole++
				}
			}
		}
		switch {
		case reached == len(b.types):
			found = append(found, fmt.Sprintf("the role %s reaches every type of record of every patient", role))
		case reached > 0 && whole == reached:
			found = append(found, fmt.Sprintf("the role %s sees all elements of whatever it reaches, of every patient", role))
		}
	}
	return found
}

// limits finds roles from which neither sensitivity nor a consent's denial nor a restriction keeps anything.
func (b *breadth) limits() (found []string) {
	for _, role := range Roles() {
		ways := []class{{}, {treated: true}}
		if role != RolePatient {
			ways = append(ways, class{own: true})
		}
		sensitive, denied, restricted := slices.Clone(ways), slices.Clone(ways), slices.Clone(ways)
		for i := range ways {
			sensitive[i].labels, sensitive[i].consent = unknownLabel, ConsentPermit
			denied[i].consent = ConsentDeny
			restricted[i].consent, restricted[i].restricted = ConsentNone, true
		}
		q := somebody(role)
		if typ, ok := b.reaches(q, sensitive...); ok {
			found = append(found, fmt.Sprintf("the role %s reaches sensitive records (%s) without a clearance", role, typ))
		}
		if typ, ok := b.reaches(q, denied...); ok {
			found = append(found, fmt.Sprintf("the role %s reaches what a patient's consent denies (%s)", role, typ))
		}
		if typ, ok := b.reaches(q, restricted...); ok {
			found = append(found, fmt.Sprintf("the role %s reaches what is restricted (%s)", role, typ))
		}
	}
	return found
}
