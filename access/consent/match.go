package consent

import (
	"slices"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/r4"
)

// answer is whether a condition fits. It is ordered: all must fit is min, any is max.
type answer int8

const (
	no answer = iota
	unknown
	yes
)

func sure(fits bool) answer {
	if fits {
		return yes
	}
	return no
}

// fits says whether a rule speaks of the question. Where a condition reads wider in a denial than in a
// permit, denial says which is meant.
func (c *condition) fits(q *Question, denial bool) answer {
	a := yes
	if c.unclear {
		a = unknown
	}
	a = min(a, during(c.period, q.When), overlap(c.dataPeriod, q.Data.Period, denial))
	a = min(a, anyOf(c.actors, func(x actor) answer { return x.fits(q, denial) }))
	a = min(a, anyOf(c.actions, func(x []r4.Token) answer { return actionFits(x, q.Action, denial) }))
	a = min(a, anyOf(c.labels, func(x r4.Token) answer { return labelFits(x, q.Data.Labels, denial) }))
	a = min(a, anyOf(c.purposes, func(x r4.Token) answer { return purposeFits(x, q.Purpose) }))
	a = min(a, anyOf(c.classes, func(x r4.Token) answer { return classFits(x, q.Data.Ref.Type) }))
	a = min(a, anyOf(c.codes, func(x []r4.Token) answer { return codeFits(x, q.Data.Codes) }))
	return min(a, anyOf(c.data, func(x instance) answer { return x.fits(&q.Data) }))
}

// anyOf is yes where there is no condition of a kind, else the best of its items.
func anyOf[T any](items []T, fits func(T) answer) answer {
	if len(items) == 0 {
		return yes
	}
	best := no
	for _, item := range items {
		best = max(best, fits(item))
	}
	return best
}

// overlap says whether data of a time is meant: for a denial some of it, for a permit all.
func overlap(limit, data r4.Interval, denial bool) answer {
	switch {
	case limit == (r4.Interval{}):
		return yes
	case data == (r4.Interval{}):
		return unknown
	case !limit.High.IsZero() && !data.Low.IsZero() && !data.Low.Before(limit.High),
		!limit.Low.IsZero() && !data.High.IsZero() && !data.High.After(limit.Low):
		return no
	case denial:
		return yes
	}
	from := limit.Low.IsZero() || !data.Low.IsZero() && !data.Low.Before(limit.Low)
	to := limit.High.IsZero() || !data.High.IsZero() && !data.High.After(limit.High)
	return sure(from && to)
}

// fits says whether the question involves the actor: as the one who receives, keeps or wrote the data. A
// role that is not known is taken for that of a receiver in a denial, and fits nobody in a permit.
func (a *actor) fits(q *Question, denial bool) answer {
	best := no
	switch {
	case slices.ContainsFunc(a.role, receives):
		best = a.party.caller(q)
	case slices.Contains(a.role, r4.Token{System: systemParticipation, Code: "CST"}):
		best = a.party.among(q.Custodians, nil, q.Custodians != nil)
	case slices.Contains(a.role, r4.Token{System: systemParticipation, Code: "AUT"}):
		best = a.party.among(q.Data.Authors, nil, q.Data.Authors != nil)
	case denial:
		best = a.party.caller(q)
	}
	if a.unclear {
		best = min(best, unknown)
	}
	return best
}

// receives reports whether a role is that of one to whom data goes.
func receives(role r4.Token) bool {
	switch role.System {
	case systemParticipation:
		return slices.Contains([]string{"PRCP", "IRCP", "TRC", "NOT", "REFT"}, role.Code)
	case systemFunction:
		return slices.Contains([]string{"AUCG", "AULR", "AUTM", "AUWA"}, role.Code)
	case systemRoleCode:
		return role.Code == "GRANTEE" || role.Code == "DELEGATEE"
	}
	return false
}

// caller says whether the reference is one to who asks.
func (r *reference) caller(q *Question) answer {
	if ref := r.link.Ref(); q.Staff && r.link.Local() && aPerson(ref.Type) && !slices.Contains(q.Caller, ref) {
		return no
	}
	return r.among(q.Caller, q.Identifiers, q.Complete)
}

// among says whether the reference is one of those known; all says that they are all there are. An
// absolute address might be one of our own written out.
func (r *reference) among(refs []tutela.Ref, identifiers []r4.Token, all bool) answer {
	known := slices.Contains(refs, r.link.Ref())
	nameless := r.link.ID == "" && (r.identifier.Code == "" || identifiers == nil)
	switch {
	case r.link.Local() && known, r.identifier.Code != "" && lists(identifiers, r.identifier):
		return yes
	case r.link.Local() && other(r.link.Ref(), refs):
		return no
	case nameless, known, !all:
		return unknown
	}
	return no
}

// other reports whether a reference is another person's than the one known: one has one resource of a kind.
func other(r tutela.Ref, refs []tutela.Ref) bool {
	return aPerson(r.Type) && slices.ContainsFunc(refs, func(known tutela.Ref) bool { return known.Type == r.Type && known.ID != r.ID })
}

// aPerson tells the types of which one person has one.
func aPerson(typ string) bool {
	return typ == "Practitioner" || typ == "Patient" || typ == "RelatedPerson"
}

// actionFits compares actions. In a denial access stands for all that needs it, and use for access, since
// who reads uses; in a permit, to correct includes access.
func actionFits(codes []r4.Token, asked Action, denial bool) answer {
	if len(codes) == 0 || asked == "" {
		return unknown
	}
	return anyOf(codes, func(c r4.Token) answer {
		if c.System != systemAction || !Action(c.Code).known() {
			return unknown
		}
		return sure(covers(Action(c.Code), asked, denial))
	})
}

func (a Action) known() bool {
	return slices.Contains([]Action{Collect, Access, Use, Disclose, Correct}, a)
}

func covers(ruled, asked Action, denial bool) bool {
	switch {
	case ruled == asked:
		return true
	case denial:
		return (ruled == Access || ruled == Use) && asked != Collect
	}
	return ruled == Correct && asked == Access
}

// labelFits compares a rule's label with those of the data.
func labelFits(ruled r4.Token, labels []r4.Token, denial bool) answer {
	if labels == nil {
		return unknown
	}
	switch {
	case ruled.System == systemConfidentiality && rank(ruled.Code) > 0:
		have, mark := confidentiality(labels), rank(ruled.Code)
		return sure(denial && have >= mark || !denial && have <= mark)
	case ruled.System == systemActCode:
		return sure(slices.ContainsFunc(labels, func(l r4.Token) bool {
			return l.System == systemActCode && (within(broaderLabel, l.Code, ruled.Code) || denial && substance(l.Code, ruled.Code))
		}))
	case lists(labels, ruled):
		return yes
	}
	return unknown
}

// substance reports whether both labels withhold substance use: the older ETH and the newer SUD overlap.
func substance(a, b string) bool {
	of := func(code string) bool { return code == "ETH" || within(broaderLabel, code, "SUD") }
	return of(a) && of(b)
}

func purposeFits(ruled r4.Token, asked tutela.Purpose) answer {
	if ruled.System != systemPurpose || asked == "" {
		return unknown
	}
	return sure(within(broaderPurpose, string(asked), ruled.Code))
}

// classFits knows resource types; profiles, document and media types are not looked at.
func classFits(ruled r4.Token, typ string) answer {
	if ruled.System != systemResourceTypes || typ == "" {
		return unknown
	}
	return sure(ruled.Code == typ)
}

// codeFits compares codes. A code whose system one side leaves out might be the same.
func codeFits(concept, codes []r4.Token) answer {
	if len(concept) == 0 || codes == nil {
		return unknown
	}
	return anyOf(concept, func(ruled r4.Token) answer {
		best := no
		for _, c := range codes {
			switch {
			case c.Code != ruled.Code:
			case c.System == ruled.System:
				return yes
			case c.System == "" || ruled.System == "":
				best = unknown
			}
		}
		return best
	})
}

// lists reports whether a list holds a code of the same system.
func lists(codes []r4.Token, want r4.Token) bool {
	return slices.ContainsFunc(codes, func(c r4.Token) bool { return c.System == want.System && c.Code == want.Code })
}

// fits says whether the data is the resource that the rule names, or what is meant with it
// (http://hl7.org/fhir/consent-data-meaning).
func (i *instance) fits(d *Data) answer {
	best := no
	if d.Ref.ID == "" {
		best = unknown
	}
	switch i.meaning {
	case "instance":
		best = max(best, i.of.among([]tutela.Ref{d.Ref}, nil, true))
	case "authoredby":
		best = i.of.among(d.Authors, nil, d.Authors != nil)
	default: // related, dependents
		best = max(best, i.of.among([]tutela.Ref{d.Ref}, nil, true), i.of.among(d.Links, nil, d.Links != nil))
	}
	if i.unclear {
		best = min(best, unknown)
	}
	return best
}
