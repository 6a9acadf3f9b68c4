package consent

import (
	"slices"

	"github.com/tutela-health/tutela"
)

// Regime is what holds where no consent says anything. The zero value is OptIn.
type Regime int8

// The regimes.
const (
	OptIn  Regime = iota // nothing without a permit
	OptOut               // treatment, payment, operations and what patients ask for themselves go without
)

// String names the regime.
func (r Regime) String() string {
	if r == OptOut {
		return "opt-out"
	}
	return "opt-in"
}

// allows reports whether the purpose needs no permit. What is asked for on behalf of patients themselves
// goes like treatment (45 CFR 164.502(a)(1)(i)).
func (r Regime) allows(p tutela.Purpose) bool {
	return r == OptOut && (routine(p) || isPurpose(p, tutela.PurposePatient))
}

// spares reports whether research needs no permit, since it is about nobody who is known: de-identified
// information is no protected health information (45 CFR 164.502(d)(2)). A denial holds all the same.
func (r Regime) spares(q *Question) bool {
	return r == OptOut && q.Deidentified && isPurpose(q.Purpose, tutela.PurposeResearch)
}

// Why says what a Verdict rests on.
type Why string

// The reasons.
const (
	WhyNothing Why = ""        // no question was asked
	WhyConsent Why = "consent" // a Consent says so
	WhyRegime  Why = "regime"  // no Consent says anything
	WhyOwn     Why = "own"     // the data is the caller's own: consents bind others
)

// Verdict is the answer. The zero value denies.
type Verdict struct {
	Allowed bool
	Why     Why
	Consent tutela.Ref // the Consent that decided; the first of those that say the same
	Regime  Regime     // what held without one
}

// Basis says in a word what decided, for the ledger: "Consent/id", "opt-in", "opt-out" or "own".
func (v Verdict) Basis() string {
	switch v.Why {
	case WhyConsent:
		return v.Consent.String()
	case WhyRegime:
		return v.Regime.String()
	default:
		return string(v.Why)
	}
}

// Decide answers a question from a patient's directives. Any denial denies; else any permit allows; else
// the regime decides. A question about nobody's data is denied.
func Decide(ds []Directive, q Question, regime Regime) Verdict {
	if q.Patient == "" {
		return Verdict{Regime: regime}
	}
	if slices.Contains(q.Caller, tutela.Ref{Type: "Patient", ID: string(q.Patient)}) {
		return Verdict{Allowed: true, Why: WhyOwn, Regime: regime}
	}
	v := Verdict{Allowed: regime.allows(q.Purpose) || regime.spares(&q), Why: WhyRegime, Regime: regime}
	for i := range ds {
		switch ds[i].decide(&q) {
		case deny:
			return Verdict{Why: WhyConsent, Consent: ds[i].Consent, Regime: regime}
		case permit:
			if v.Why != WhyConsent {
				v = Verdict{Allowed: true, Why: WhyConsent, Consent: ds[i].Consent, Regime: regime}
			}
		case silent:
		}
	}
	return v
}

// decide says what one Consent says.
func (d *Directive) decide(q *Question) effect {
	counts := d.counts(q)
	above := bounds{permit: counts, deny: counts}
	if d.doubted || d.unclear {
		above.permit = min(counts, unknown)
	}
	if counts == no {
		return silent
	}
	return d.rule.decide(q, above)
}
