package consent

import (
	"errors"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/r4"
)

// Directive is a Consent, read as a rule. Its zero value counts for nobody.
type Directive struct {
	Consent tutela.Ref       // the resource
	Patient tutela.PatientID // whose; empty where the Consent does not say so by a local reference
	Status  string
	Given   r4.Interval // Consent.dateTime, zero where not recorded
	Period  r4.Interval // when it holds, zero bounds are open

	scope    answer // whether it speaks of privacy, for any purpose but research
	research answer // whether it speaks of research
	doubted  bool   // verification was tried and failed
	unclear  bool   // something modifies it that is not understood
	rule     rule
}

// Parse reads a Consent (FHIR R4, consent.html). It fails on other resources; of what it does not
// understand it makes the narrower reading.
func Parse(res *r4.Resource) (Directive, error) {
	if res.Type() != "Consent" {
		return Directive{}, errors.New("consent: the resource is no Consent")
	}
	root := res.Root()
	d := Directive{
		Consent: tutela.Ref{Type: "Consent", ID: res.ID()},
		Status:  root.Child("status").Text(),
		doubted: doubted(root.Child("verification")),
		unclear: modified(root) || root.Child("implicitRules").Exists(),
		rule:    ruleOf(root),
	}
	if ref, ok := r4.ParseReference(root.Child("patient").Child("reference").Text()); ok && ref.Local() && ref.Type == "Patient" {
		d.Patient = tutela.PatientID(ref.ID)
	}
	d.Given, _ = root.Child("dateTime").Interval()
	d.Period, _ = root.Child("provision").Child("period").Interval()
	d.scope, d.research = scopeOf(concept(root.Child("scope")))
	return d, nil
}

// modified reports whether an element has an extension that may change its meaning (FHIR R4,
// extensibility.html#modifierExtension); none is known.
func modified(n r4.Node) bool { return n.Child("modifierExtension").Exists() }

// doubted reports whether verification is recorded and none says that it held.
func doubted(list r4.Node) bool {
	tried := false
	for v := range list.Items() {
		if v.Child("verified").Text() == "true" {
			return false
		}
		tried = true
	}
	return tried
}

// scopeOf says which purposes a scope concerns. One that is not known might concern any.
func scopeOf(codes []r4.Token) (privacy, research answer) {
	known := func(code string) bool { return slices.Contains(codes, r4.Token{System: systemScope, Code: code}) }
	switch {
	case known("patient-privacy"):
		return yes, yes
	case known("research"):
		return no, yes
	case known("adr"), known("treatment"):
		return no, no
	}
	return unknown, unknown
}

// counts says how far the Directive has to do with the question at all.
func (d *Directive) counts(q *Question) answer {
	a := d.scope
	if isPurpose(q.Purpose, tutela.PurposeResearch) {
		a = d.research
	}
	if q.Purpose == "" {
		a = min(max(d.scope, d.research), unknown)
	}
	if d.Status != "active" {
		return no
	}
	return min(a, d.ofPatient(q.Patient), during(d.Period, q.When))
}

func (d *Directive) ofPatient(p tutela.PatientID) answer {
	switch d.Patient {
	case "":
		return unknown
	case p:
		return yes
	}
	return no
}

// during says whether a moment lies in a period.
func during(period r4.Interval, when time.Time) answer {
	switch {
	case period == (r4.Interval{}):
		return yes
	case when.IsZero():
		return unknown
	case !period.Low.IsZero() && when.Before(period.Low), !period.High.IsZero() && !when.Before(period.High):
		return no
	}
	return yes
}
