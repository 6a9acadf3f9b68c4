package consent

import (
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/r4"
)

// Action is a code of http://terminology.hl7.org/CodeSystem/consentaction.
type Action string

// The actions. To correct is to access and correct.
const (
	Collect  Action = "collect"
	Access   Action = "access"
	Use      Action = "use"
	Disclose Action = "disclose"
	Correct  Action = "correct"
)

// Question is who asks for what. A field left at its zero value is not known, and denials that turn on it
// count.
type Question struct {
	// Patient is whose data it is. Ask once for each patient whom a resource concerns.
	Patient tutela.PatientID
	// Caller lists all references that stand for the caller: own resource, roles, organizations, care
	// teams, groups.
	Caller []tutela.Ref
	// Identifiers are the caller's business identifiers, as an NPI, for consents that name nobody's id.
	Identifiers []r4.Token
	// Complete says that Caller and Identifiers leave nothing out; otherwise a denial to anybody else
	// might mean the caller, and counts.
	Complete bool
	// Deidentified says that nothing is shown by which anybody is known.
	Deidentified bool
	// Staff says that the caller acts as a member of staff: as the Practitioner whom Caller names, if it
	// names one, and as nobody's patient or relative. A denial to another person does not mean him.
	Staff bool
	// Custodians are the organizations that keep the data: this one.
	Custodians []tutela.Ref
	Purpose    tutela.Purpose
	Action     Action
	When       time.Time
	Data       Data
}

// Data is what is known of the resource asked for. A nil list, or a zero period, means that nobody
// looked; an empty list that there is nothing.
type Data struct {
	Ref     tutela.Ref
	Codes   []r4.Token   // all codes in it
	Labels  []r4.Token   // security labels, those found by rules included
	Period  r4.Interval  // the clinical time that it speaks of
	Authors []tutela.Ref // who wrote, recorded or asserted it
	Links   []tutela.Ref // what it names, and what is known to name it
}

// About reads what a resource says of itself.
func About(res *r4.Resource) Data {
	d := Data{
		Ref:    tutela.Ref{Type: res.Type(), ID: res.ID()},
		Codes:  []r4.Token{},
		Labels: tokens(res.Root().Child("meta").Child("security")),
		Links:  []tutela.Ref{},
	}
	for n := range res.Codings() {
		d.Codes = append(d.Codes, token(n))
	}
	for ref := range res.References() {
		if ref.Local() {
			d.Links = append(d.Links, ref.Ref())
		}
	}
	for _, p := range r4.Params(res.Type()) {
		d.learn(res, p)
	}
	return d
}

// learn takes clinical time and authors from the elements that the type's search parameters select.
func (d *Data) learn(res *r4.Resource, p *r4.Param) {
	clinical := p.Type == r4.ParamDate && p.Base == res.Type() && !ofThePerson(p.Name)
	author := p.Type == r4.ParamReference && authorship(p.Name)
	if !clinical && !author {
		return
	}
	for _, b := range p.Branches {
		for _, v := range r4.Extract(res, b, p.Type) {
			switch {
			case clinical:
				d.Period = hull(d.Period, v.Date)
			case v.Reference.Local():
				d.Authors = append(d.Authors, v.Reference.Ref())
			}
		}
	}
}

// ofThePerson tells dates of a life from dates of care.
func ofThePerson(param string) bool { return param == "birthdate" || param == "death-date" }

// authorship reports whether a reference parameter names those from whom a resource comes.
func authorship(param string) bool {
	return slices.Contains([]string{
		"author", "performer", "recorder", "asserter", "requester", "source", "creator", "enterer", "sender",
		"participant", "practitioner", "informationsource",
	}, param)
}

// hull is the time that covers both; a zero Interval is none.
func hull(a, b r4.Interval) r4.Interval {
	if a == (r4.Interval{}) {
		return b
	}
	if b.Low.IsZero() || !a.Low.IsZero() && b.Low.Before(a.Low) {
		a.Low = b.Low
	}
	if b.High.IsZero() || !a.High.IsZero() && b.High.After(a.High) {
		a.High = b.High
	}
	return a
}
