package consent

import (
	"slices"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/r4"
)

// effect is what a rule does where it fits.
type effect int8

const (
	silent effect = iota
	permit
	deny
)

// rule is a provision with its exceptions.
type rule struct {
	effect     effect
	named      bool // the rule or one above it names purposes
	narrows    bool // a permit below it says what of it is given
	when       condition
	exceptions []rule
}

// ruleOf reads base policy and provisions; see the package's documentation.
func ruleOf(consent r4.Node) rule {
	base, exceptions := baseOf(consent.Child("policyRule"))
	root := consent.Child("provision")
	first := provisionOf(root, effectOf(root, silent), false)
	bounds := base == permit || base == silent
	switch {
	case first.effect == silent && len(first.exceptions) > 0 && bounds:
		first.effect = base
		return settled(first)
	case first.effect == silent && !first.when.empty() && bounds:
		first.effect, base = deny, silent
	case first.effect == permit && bounds:
		return settled(first)
	}
	return settled(rule{effect: base, exceptions: append(exceptions, first)})
}

// baseOf reads the base policy and the exceptions that it brings with it. Of several codes the narrowest
// that is known counts; where none is known, it is taken for opt-out.
func baseOf(policy r4.Node) (effect, []rule) {
	codes := concept(policy)
	directive := func(names ...string) bool {
		return slices.ContainsFunc(codes, func(c r4.Token) bool { return c.System == systemActCode && slices.Contains(names, c.Code) })
	}
	switch {
	case !policy.Exists():
		return silent, nil
	case directive("OPTOUT", "OPTOUTE"):
		return deny, nil
	case directive("EMRGONLY"):
		return deny, []rule{{effect: permit, named: true, when: condition{
			purposes: []r4.Token{{System: systemPurpose, Code: string(tutela.PurposeEmergency)}},
		}}}
	case directive("OPTIN", "OPTINR"):
		return permit, nil
	case directive("NOPP", "IMPLIED", "IMPLIEDD", "NOCONSENT", "GRANTORCHOICE"), slices.ContainsFunc(codes, form):
		return silent, nil
	}
	return deny, nil
}

// form reports whether a base policy names a form or a law, which neither gives nor takes by itself.
func form(c r4.Token) bool { return c.System == systemPolicy }

// provisionOf reads a provision and those below it.
func provisionOf(n r4.Node, e effect, named bool) rule {
	r := rule{effect: e, when: conditionOf(n)}
	r.named = named || len(r.when.purposes) > 0
	for item := range n.Child("provision").Items() {
		r.exceptions = append(r.exceptions, provisionOf(item, effectOf(item, deny), r.named))
	}
	return r
}

func effectOf(provision r4.Node, untyped effect) effect {
	switch provision.Child("type").Text() {
	case "permit":
		return permit
	case "deny":
		return deny
	}
	return untyped
}

// settled marks the permits that hold further permits.
func settled(r rule) rule {
	for i := range r.exceptions {
		r.exceptions[i] = settled(r.exceptions[i])
		r.narrows = r.narrows || r.exceptions[i].effect == permit
	}
	return r
}

// bounds are how far the rules above one fit: surely enough to permit, possibly enough to deny.
type bounds struct{ permit, deny answer }

// decide says what the rule says of the question.
func (r *rule) decide(q *Question, above bounds) effect {
	mayPermit, mayDeny := r.when.fits(q, false), r.when.fits(q, true)
	here := bounds{min(above.permit, mayPermit), min(above.deny, max(mayPermit, mayDeny))}
	if here.deny == no {
		return silent
	}
	below := silent
	for i := range r.exceptions {
		below = max(below, r.exceptions[i].decide(q, here))
	}
	if below != silent {
		return below
	}
	switch {
	case r.effect == deny && min(above.deny, mayDeny) != no:
		return deny
	case r.effect == permit && here.permit == yes && !r.narrows && (r.named || routine(q.Purpose)):
		return permit
	}
	return silent
}
