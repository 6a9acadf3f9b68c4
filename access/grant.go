package access

import (
	"slices"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access/consent"
	"github.com/tutela-health/tutela/r4"
)

// Facts are what is known of a resource once it is open.
type Facts struct {
	Type     string
	Patients []tutela.Bucket // whom it concerns
	// Resource opens it for scopes that reach only what matches a search; nil where there is none.
	Resource func() *r4.Resource
	// Labels are what makes it sensitive, sorted. It is asked only where the answer may depend on
	// it; nil stands for not known, which every label could be.
	Labels func() []string
	// Consent is what the patients' consents say of an access under the Grant that asks. It is asked
	// only where the answer may depend on it; nil stands for not known, which is a denial.
	Consent func(Grant) Consent
}

// Grant is the authority to do one thing, with conditions. Only Authorize makes one; the zero value
// admits nothing.
type Grant struct {
	policies *Policies
	question question // but for its facts
	deid     string   // how everything is de-identified; empty: not at all
	scopes   []allowance
	own      tutela.Bucket   // the patient whom the token is for; BucketGeneral for none
	treated  []tutela.Bucket // sorted
	broken   []tutela.Bucket // sorted; of emergencies
	about    tutela.Bucket   // the patient whose rights are exercised; BucketGeneral for none

	restricted []tutela.Bucket // sorted; whose records may not be used for the purpose

	asks   consent.Question
	regime consent.Regime

	emergencies []Emergency // sorted by patient
}

// Question is what to ask of the consents of those whom a resource concerns, but for patient, time and
// resource: in an emergency, whether they allow emergency treatment.
func (g Grant) Question(patients []tutela.Bucket) consent.Question {
	q := g.asks
	q.Deidentified = g.Deidentified() != ""
	if g.class(patients).emergency {
		q.Purpose = tutela.PurposeEmergency
	}
	return q
}

// Regime is what holds where no consent says anything.
func (g Grant) Regime() consent.Regime { return g.regime }

// Admits reports whether the Grant reaches a resource of which these are the facts. It is a pure
// function of them.
func (g Grant) Admits(f Facts) bool { return g.decide(f).allow }

// Decision is what a Grant says of one resource. The zero value denies.
type Decision struct {
	d    *decision
	deid string
}

// Admitted reports whether the resource may be seen or changed.
func (d Decision) Admitted() bool { return d.d != nil && d.d.allow }

// Basis are the policies that determined the decision.
func (d Decision) Basis() []string {
	if d.d == nil {
		return nil
	}
	return d.d.policies
}

// Whole reports whether nothing of the resource is hidden from the caller.
func (d Decision) Whole() bool { return d.Admitted() && !d.d.hiding && d.deid == "" }

// Mask gives what of a resource the caller may see; nothing of one that is not admitted, or that has to be
// de-identified (Disguised). What it is given must be of the type that was decided on.
func (d Decision) Mask(typ string, resource []byte) []byte {
	switch {
	case !d.Admitted() || d.deid != "":
		return nil
	case !d.d.hiding:
		return resource
	default:
		return d.d.shows.Apply(typ, resource)
	}
}

// Decide answers for one resource.
func (g Grant) Decide(f Facts) Decision { return Decision{g.decide(f), g.Deidentified()} }

func (g Grant) decide(f Facts) *decision {
	if g.policies == nil || f.Type == "" || !g.scoped(f) {
		return &decision{}
	}
	return g.policies.decideOpen(&g, g.question.about(f.Type, g.class(f.Patients)), f)
}

// decideOpen asks for labels and consent only where they can make a difference.
func (p *Policies) decideOpen(g *Grant, q question, f Facts) *decision {
	if p.looks {
		return p.decide(q.known(g, f))
	}
	best, worst := q, q
	best.facts.consent = ConsentPermit
	worst.facts.consent, worst.facts.labels = ConsentDeny, unknownLabel
	d := p.decide(best)
	if !d.allow {
		return d
	}
	if bad := p.decide(worst); bad.allow && slices.Equal(bad.policies, d.policies) {
		return bad
	}
	return p.decide(q.known(g, f))
}

// known is the question of a Grant with labels and consent looked up.
func (q question) known(g *Grant, f Facts) question {
	q.facts.labels, q.facts.consent = unknownLabel, ConsentDeny
	if f.Labels != nil {
		q.facts.labels = join(f.Labels())
	}
	if f.Consent != nil {
		q.facts.consent = f.Consent(*g)
	}
	return q
}

// unknownLabel is a label for which nobody is cleared.
const unknownLabel = "unknown"

// class says how the patients of a resource stand to the caller: all of them must.
func (g Grant) class(patients []tutela.Bucket) class {
	c := class{consent: ConsentNone, general: len(patients) == 0, restricted: anyOf(patients, g.restricted)}
	if c.general {
		return c
	}
	c.own = len(patients) == 1 && g.own != tutela.BucketGeneral && patients[0] == g.own
	c.treated, c.emergency = all(patients, g.treated), all(patients, g.broken)
	return c
}

// all reports whether every patient is in a sorted list.
func all(patients, list []tutela.Bucket) bool {
	for _, p := range patients {
		if _, found := slices.BinarySearch(list, p); !found {
			return false
		}
	}
	return true
}

// anyOf reports whether a patient is in a sorted list: what concerns several is restricted with one of them.
func anyOf(patients, list []tutela.Bucket) bool {
	return slices.ContainsFunc(patients, func(p tutela.Bucket) bool {
		_, found := slices.BinarySearch(list, p)
		return found
	})
}

// Restricts reports whether anybody's records are kept and not used for the purpose.
func (g Grant) Restricts() bool { return len(g.restricted) > 0 }

// Restricted reports whether records that concern some patients are kept and not used for the purpose.
func (g Grant) Restricted(patients []tutela.Bucket) bool { return anyOf(patients, g.restricted) }

// scoped reports whether one of the token's scopes reaches the resource.
func (g Grant) scoped(f Facts) bool {
	for i := range g.scopes {
		s := &g.scopes[i]
		if s.own && (len(f.Patients) != 1 || f.Patients[0] != g.own) {
			continue
		}
		if s.about && len(f.Patients) > 0 && !slices.Contains(f.Patients, g.about) {
			continue
		}
		if s.answeredBy(f) {
			return true
		}
	}
	return false
}

// standings are the ways in which the patients of a resource can stand to a caller.
func standings() [5]class {
	return [...]class{{general: true}, {}, {own: true}, {treated: true}, {emergency: true}}
}

// at decides on a standing with everything else in the caller's favour.
func (g Grant) at(c class) *decision {
	c.consent = ConsentPermit
	return g.policies.decide(g.question.about(g.question.typ, c))
}

// possible reports whether there may be a resource of the type that the Grant admits.
func (g Grant) possible() bool {
	if g.policies.looks {
		return true // it may turn on a label
	}
	for _, c := range standings() {
		if g.at(c).allow {
			return true
		}
	}
	return false
}

// Hides reports whether an element of the type is hidden from the caller in any resource that the
// Grant could admit; path is a search parameter's, as r4.Branch.Key names it. What reads
// it must not narrow, order or widen an answer.
func (g Grant) Hides(typ, path string) bool {
	if g.policies == nil {
		return true
	}
	if g.policies.looks {
		return g.policies.hides(split(g.question.roles), typ, path)
	}
	for _, c := range standings() {
		if d := g.at(c); d.allow && d.hiding && d.shows.Hides(typ, path) {
			return true
		}
	}
	return false
}

// Basis are the policies for which the Grant was given, for the ledger: for a record, each that may
// let the caller have one.
func (g Grant) Basis() *tutela.Basis {
	if g.policies == nil {
		return nil
	}
	if g.question.typ == "" {
		return &tutela.Basis{Policies: g.policies.decide(g.question).policies}
	}
	var all []string
	for _, c := range standings() {
		if d := g.at(c); d.allow {
			all = append(all, d.policies...)
		}
	}
	slices.Sort(all)
	return &tutela.Basis{Policies: slices.Compact(all)}
}

// For reports whether the Grant was given for an action on the system itself, and not on a record: the authority that
// planes ask for who may not decide by themselves.
func (g Grant) For(action tutela.Action) bool {
	return g.policies != nil && action != "" && g.question.typ == "" && g.question.action == action && g.policies.decide(g.question).allow
}

// Stranger reports whether the caller is a person to whom a patient is a stranger: one who reaches
// patients by the type of what he works with. Whether there is such a patient must not tell by what he
// may write.
func (g Grant) Stranger(patient tutela.Bucket) bool {
	c := g.class([]tutela.Bucket{patient})
	return g.question.kind == tutela.ActorPerson && !c.own && !c.treated && !c.emergency
}

// Staff reports whether the caller is a person who acts as a member of staff, not for a patient.
func (g Grant) Staff() bool { return g.asks.Staff }

// Caller is the caller's own resource, where a person has one.
func (g Grant) Caller() (tutela.Ref, bool) {
	if g.question.kind != tutela.ActorPerson || len(g.asks.Caller) == 0 {
		return tutela.Ref{}, false
	}
	return g.asks.Caller[0], true
}

// Everybody reports whether what the Grant was given for needs no relationship with the patient.
func (g Grant) Everybody() bool { return g.policies != nil && g.at(class{}).allow }

// Treats reports whether the caller treats a patient.
func (g Grant) Treats(patient tutela.Bucket) bool {
	_, found := slices.BinarySearch(g.treated, patient)
	return found
}

// Clinician is the resource of the caller's own, where the caller is a person whom it names as one who
// treats.
func (g Grant) Clinician() (tutela.Ref, bool) {
	if g.question.kind != tutela.ActorPerson || len(g.asks.Caller) == 0 || g.asks.Caller[0].Type != "Practitioner" {
		return tutela.Ref{}, false
	}
	return g.asks.Caller[0], true
}
