package breach

import (
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/respond/breach/duty"
)

// Case is an assessed breach, or one that is being assessed: what the organisation must be able to show (45 CFR 164.414(b)).
type Case struct {
	ID       string    `json:"id"`
	Incident string    `json:"incident,omitempty"` // of which it is a part, where there is one
	Title    string    `json:"title"`
	OpenedBy string    `json:"opened_by"`
	Opened   time.Time `json:"opened"`
	Ask      Ask       `json:"ask,omitzero"` // by what question those concerned were found
	// Storage: nobody is said to have used the system; a database, disk or backup of it got away.
	Storage    bool           `json:"storage,omitempty"`
	Patients   []string       `json:"patients,omitempty"` // pseudonyms
	Residents  map[string]int `json:"residents,omitempty"`
	Types      []string       `json:"types,omitempty"` // of resources that were reached
	First      time.Time      `json:"first,omitzero"`  // access that reached somebody
	Last       time.Time      `json:"last,omitzero"`
	Facts      duty.Facts     `json:"facts"`
	Harbour    Harbour        `json:"safe_harbour"`
	Form       Form           `json:"form"`                 // proposed by what the ledger tells
	Assessment []Assessment   `json:"assessment,omitempty"` // the last one holds; those before are kept
	Deliveries []Delivery     `json:"deliveries,omitempty"`
	Closed     time.Time      `json:"closed,omitzero"`
	Duties     []Owed         `json:"duties,omitempty"` // worked out when the case is read

	revision int64
}

// Opening says what a case is opened with.
type Opening struct {
	Title    string     `json:"title"`
	Incident string     `json:"incident"`
	Ask      Ask        `json:"ask"`
	Storage  bool       `json:"storage"`
	Facts    duty.Facts `json:"facts"`
}

// Level is how much a factor speaks for a compromise of data. The zero value is not assessed.
type Level string

// The levels.
const (
	Low    Level = "low"
	Medium Level = "medium"
	High   Level = "high"
)

// Factor is one of the four of 45 CFR 164.402(2).
type Factor struct {
	Level  Level  `json:"level"`
	Reason string `json:"reason"`
}

// Form is the four factors.
type Form struct {
	Nature     Factor `json:"nature"`     // (i) nature and extent of the data: identifiers, likelihood of re-identification
	Person     Factor `json:"person"`     // (ii) who used it or to whom it was disclosed
	Acquired   Factor `json:"acquired"`   // (iii) whether it was actually acquired or viewed
	Mitigation Factor `json:"mitigation"` // (iv) to what extent the risk was mitigated
}

// Exception is one of those of 45 CFR 164.402(1). The zero value is none.
type Exception string

// The exceptions.
const (
	Unintentional Exception = "164.402(1)(i)"   // by the workforce, in good faith, within authority, and no further use
	Inadvertent   Exception = "164.402(1)(ii)"  // between persons who are authorised in one organisation, and no further use
	NotRetained   Exception = "164.402(1)(iii)" // whoever had it could not reasonably have kept it
)

// Finding is what an assessment comes to. The zero value is the presumption that it is a breach.
type Finding string

// The findings.
const (
	Presumed       Finding = "breach"          // also where nobody has assessed it
	LowProbability Finding = "low-probability" // that data was compromised, by all four factors
	Excepted       Finding = "exception"
	Secured        Finding = "secured" // the data was not unsecured
)

// Assessment is what somebody decided, and why.
type Assessment struct {
	By        string    `json:"by"`
	At        time.Time `json:"at"`
	Form      Form      `json:"form"`
	Exception Exception `json:"exception,omitempty"`
	Finding   Finding   `json:"finding"`
	Reason    string    `json:"reason"`
	Risk      duty.Risk `json:"risk,omitempty"` // GDPR
	Harm      bool      `json:"harm,omitempty"` // PIPEDA
}

// check holds an assessment to the rule: whoever says that there was no breach must show it (45 CFR 164.414(b)).
func (a Assessment) check(h Harbour) error {
	for _, f := range []Factor{a.Form.Nature, a.Form.Person, a.Form.Acquired, a.Form.Mitigation} {
		switch {
		case f.Level != Low && f.Level != Medium && f.Level != High:
			return errs.New(errs.Invalid, "each of the four factors is %s, %s or %s", Low, Medium, High)
		case tooLong(f.Reason, true):
			return errs.New(errs.Invalid, "each of the four factors needs a reason of %d characters at most", longest)
		case a.Finding == LowProbability && f.Level == High:
			return errs.New(errs.Unprocessable, "a factor that speaks highly for a compromise allows no low probability: change the factor with a reason, or the finding")
		}
	}
	switch {
	case tooLong(a.Reason, true):
		return errs.New(errs.Invalid, "say why, in %d characters at most", longest)
	case a.Finding == Excepted && a.Exception != Unintentional && a.Exception != Inadvertent && a.Exception != NotRetained:
		return errs.New(errs.Invalid, "exception is %s, %s or %s", Unintentional, Inadvertent, NotRetained)
	case a.Finding != Excepted && a.Exception != "":
		return errs.New(errs.Invalid, "an exception goes with the finding %s", Excepted)
	case a.Finding == Secured && !h.Holds:
		return errs.New(errs.Unprocessable, "the evidence does not show that the data was secured")
	case a.Finding != Presumed && a.Finding != LowProbability && a.Finding != Excepted && a.Finding != Secured:
		return errs.New(errs.Invalid, "finding is %s, %s, %s or %s", Presumed, LowProbability, Excepted, Secured)
	}
	return nil
}

// facts are those of the case with what was decided. Without a decision it is a breach.
func (c *Case) facts() duty.Facts {
	f := c.Facts
	f.Breach = true
	if n := len(c.Assessment); n > 0 {
		last := c.Assessment[n-1]
		f.Breach, f.Risk, f.Harm, f.Determined = last.Finding == Presumed, last.Risk, last.Harm, last.At
	}
	f.Unintelligible = c.Harbour.Holds
	return f
}

// Owed is a duty with what was done of it.
type Owed struct {
	duty.Duty

	Told     int  `json:"told"`     // who were sent a notice that did not come back, or were told by other means
	Returned int  `json:"returned"` // notices that came back: substitute notice is owed (45 CFR 164.404(d)(2))
	Done     bool `json:"done"`
	Overdue  bool `json:"overdue"`
}

// duties works out what is owed, and what of it was done.
func (c *Case) duties(now time.Time) ([]Owed, error) {
	list, err := duty.Of(c.facts())
	if err != nil {
		return nil, err
	}
	owed := []Owed{}
	for _, d := range list {
		o := c.done(d)
		o.Overdue = !o.Done && !d.Due.IsZero() && !now.Before(d.Due)
		owed = append(owed, o)
	}
	return owed, nil
}

// done is how far a duty is. What is said of all whom it is for counts for all; of one patient the last word counts.
func (c *Case) done(d duty.Duty) Owed {
	o, last, all := Owed{Duty: d}, map[string]State{}, false
	for _, v := range c.Deliveries {
		if v.Duty == d.ID {
			last[v.Patient] = v.State
		}
	}
	for patient, s := range last {
		switch {
		case s == Returned:
			o.Returned++
		case patient == "":
			all = true
		default:
			o.Told++
		}
	}
	if all {
		o.Told = max(d.Count-o.Returned, 0)
	}
	o.Done = o.Returned == 0 && (all || o.Told > 0 && o.Told >= d.Count)
	return o
}

// State is how far a notice is.
type State string

// The states.
const (
	Sent       State = "sent"
	Delivered  State = "delivered"
	Returned   State = "returned"   // it came back: substitute notice is owed (45 CFR 164.404(d)(2))
	Substitute State = "substitute" // given by other means than a letter
)

// Delivery is what became of a notice.
type Delivery struct {
	Duty    string    `json:"duty"`
	Patient string    `json:"patient,omitempty"` // pseudonym; empty for all whom the duty is for
	State   State     `json:"state"`
	How     string    `json:"how,omitempty"` // first-class mail, e-mail, telephone, web page …
	At      time.Time `json:"at"`
	By      string    `json:"by"`
}

// longest is how many characters of text are taken.
const longest = 4000

func tooLong(text string, wanted bool) bool {
	return len([]rune(text)) > longest || wanted && text == ""
}

// subjectOf is how an entry names a case.
func subjectOf(id, detail string) *tutela.Subject {
	return &tutela.Subject{Kind: "breach", ID: id, Detail: detail}
}
