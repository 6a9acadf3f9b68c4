package duty

import (
	"time"

	"github.com/tutela-health/tutela/internal/errs"
)

// Law is a law whose duties are asked for.
type Law string

// The laws.
const (
	HIPAA  Law = "hipaa"
	GDPR   Law = "gdpr"
	PIPEDA Law = "pipeda"
	States Law = "states" // of the United States, by residents
)

// Facts are what duties follow from.
type Facts struct {
	// Discovered is when the breach was known, or would have been by reasonable diligence (45 CFR 164.404(a)(2)); for the
	// GDPR, when the organisation became aware of it.
	Discovered time.Time `json:"discovered"`
	// Determined is when it was determined that it is a breach (PIPEDA; Texas); Discovered where it is zero.
	Determined time.Time `json:"determined,omitzero"`
	// Zone is the organisation's, as in America/New_York.
	Zone string `json:"zone"`
	Laws []Law  `json:"laws"`
	// Breach: nothing says that there is a low probability that data was compromised (45 CFR 164.402(2)), no exception holds
	// and the data was unsecured.
	Breach bool `json:"breach"`
	// Associate: the organisation is a business associate (HIPAA) or a processor (GDPR), and tells whose data it is.
	Associate   bool           `json:"associate,omitempty"`
	Individuals int            `json:"individuals"`
	Residents   map[string]int `json:"residents,omitempty"` // by State
	// Risk to the rights and freedoms of people (GDPR): NoRisk is stated, never assumed.
	Risk Risk `json:"risk,omitempty"`
	// Harm: there is a real risk of significant harm (PIPEDA 10.1).
	Harm bool `json:"harm,omitempty"`
	// Unintelligible: the data is so to whoever has it, as by encryption (GDPR 34(3)(a)).
	Unintelligible bool    `json:"unintelligible,omitempty"`
	Delays         []Delay `json:"delays,omitempty"`
}

// Risk is what a breach may do to people. The zero value is a risk.
type Risk string

// The risks.
const (
	SomeRisk Risk = ""
	NoRisk   Risk = "unlikely"
	HighRisk Risk = "high"
)

// Delay is a law enforcement official's statement that a notice would impede an investigation or damage national security
// (45 CFR 164.412).
type Delay struct {
	Official string    `json:"official"` // who; it must be documented of an oral statement
	Stated   time.Time `json:"stated"`
	Until    time.Time `json:"until,omitzero"` // the time that a written statement specifies
	Written  bool      `json:"written"`
}

// ends is until when a statement holds up notices: to the time that it specifies in writing; by word of mouth, for 30 days at
// most. A written one that specifies none counts as oral.
func (d Delay) ends(z *time.Location) time.Time {
	oral := endOf(dayOf(d.Stated, z).plus(30), z)
	switch {
	case d.Written && !d.Until.IsZero():
		return d.Until
	case !d.Until.IsZero() && d.Until.Before(oral):
		return d.Until
	}
	return oral
}

func (f Facts) check() (*time.Location, error) {
	z, err := time.LoadLocation(f.Zone)
	switch {
	case err != nil || f.Zone == "" || f.Zone == "Local":
		return nil, errs.New(errs.Invalid, "zone is a time zone by name, as in America/New_York")
	case f.Discovered.IsZero():
		return nil, errs.New(errs.Invalid, "say when it was discovered")
	case f.Risk != SomeRisk && f.Risk != NoRisk && f.Risk != HighRisk:
		return nil, errs.New(errs.Invalid, "risk is %s, %s or left out", NoRisk, HighRisk)
	case f.Individuals < 0:
		return nil, errs.New(errs.Invalid, "there are no fewer than 0 individuals")
	}
	for _, l := range f.Laws {
		if l != HIPAA && l != GDPR && l != PIPEDA && l != States {
			return nil, errs.New(errs.Invalid, "laws are %s, %s, %s and %s", HIPAA, GDPR, PIPEDA, States)
		}
	}
	for _, d := range f.Delays {
		if d.Official == "" || d.Stated.IsZero() {
			return nil, errs.New(errs.Invalid, "of a delay, say which official stated it, and when (45 CFR 164.412)")
		}
	}
	return z, nil
}
