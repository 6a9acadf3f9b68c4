package vendor

import (
	"encoding/hex"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// Data says what of the organisation's a vendor gets, at the worst.
type Data string

// The kinds of data.
const (
	NoData       Data = "none"
	Pseudonymous Data = "pseudonymous" // about persons whom the vendor cannot name
	Personal     Data = "personal"     // about persons, and not their health
	Health       Data = "health"       // about patients
)

// State says where a vendor is in its life.
type State string

// The states.
const (
	Open   State = "open"
	Closed State = "closed" // it works for us no more, and why
)

// Form is the kind of an agreement.
type Form string

// The kinds of agreements.
const (
	BAA   Form = "baa"   // business associate contract (45 CFR 164.504(e))
	DPA   Form = "dpa"   // contract with a processor (GDPR, Article 28(3))
	Other Form = "other" // whatever else binds, e.g. 45 CFR 164.504(e)(3)
	None  Form = "none"
)

// Agreement is what a vendor has bound itself to.
type Agreement struct {
	Kind   Form      `json:"kind"`
	Signed time.Time `json:"signed,omitzero"`
	Ends   time.Time `json:"ends,omitzero"`    // from then on it does not hold; zero is an agreement without an end
	SHA256 string    `json:"sha256,omitempty"` // of its file, in hexadecimal digits
}

// Live reports whether an agreement holds at a moment.
func (a Agreement) Live(now time.Time) bool {
	return a.Kind != None && a.Kind != "" && (a.Ends.IsZero() || now.Before(a.Ends))
}

// Details are what is written about a vendor.
type Details struct {
	Name      string        `json:"name"`
	Service   string        `json:"service"` // what it does for us
	Contact   string        `json:"contact"` // whom one asks there
	Owner     tutela.UserID `json:"owner"`   // who answers for it here: also by username
	OwnerName string        `json:"owner_name,omitempty"`
	Data      Data          `json:"data"`
	Critical  int           `json:"critical"` // 1 we hardly miss it, 3 care stands still without it
	Agreement Agreement     `json:"agreement"`
	// Assess is by when it is assessed. Of a new vendor that is said, or follows; after that an assessment alone moves it.
	Assess time.Time `json:"assess,omitzero"`
}

// Word is an answer in a word.
type Word string

// The words.
const (
	Yes           Word = "yes"
	Partly        Word = "partly"
	No            Word = "no"
	NotApplicable Word = "not-applicable"
)

// Answer is what was said to a question.
type Answer struct {
	Is    Word      `json:"is"`
	Text  string    `json:"text,omitempty"` // how so
	Until time.Time `json:"until,omitzero"` // from then on it is to be asked again, e.g. when a certificate ends
}

// Action is something that a vendor is to put right.
type Action struct {
	Number   int       `json:"number"` // of the vendor's own, from 1
	Question string    `json:"question,omitempty"`
	What     string    `json:"what"`
	Until    time.Time `json:"until,omitzero"`
	Done     time.Time `json:"done,omitzero"` // or waived
	By       string    `json:"by,omitempty"`  // who said that it is done, or waived it
	How      string    `json:"how,omitempty"`
	Waived   string    `json:"waived,omitempty"` // why it need not be
}

// Open reports whether it is to be done yet.
func (a Action) Open() bool { return a.Done.IsZero() }

// Vendor is one who does work for the organisation.
type Vendor struct {
	Details
	Assessed time.Time         `json:"assessed,omitzero"`  // last
	Answers  map[string]Answer `json:"answers,omitempty"`  // by the questions' ids
	Source   *Source           `json:"source,omitempty"`   // of the answers, where the vendor's ledger vouches for them
	Actions  []Action          `json:"actions,omitempty"`  // since the last assessment, and what was open then
	Numbered int               `json:"numbered,omitempty"` // the last number that an action got
	Closed   string            `json:"closed,omitempty"`   // why it works for us no more
}

// Due is by when the vendor is to be assessed: when it was said, or when one of its answers ends before.
func (v Vendor) Due() time.Time {
	due := v.Assess
	for _, a := range v.Answers {
		if !a.Until.IsZero() && a.Until.Before(due) {
			due = a.Until
		}
	}
	return due
}

// next is the first day on which somebody has to do something about it.
func (v Vendor) next() time.Time {
	first := v.Due()
	if ends := v.Agreement.Ends; v.Agreement.Kind != None && !ends.IsZero() && ends.Before(first) {
		first = ends
	}
	for _, a := range v.Actions {
		if a.Open() && a.Until.Before(first) {
			first = a.Until
		}
	}
	return first
}

// Score is the weighted share of questions that are answered well, in percent: yes counts whole, partly half. What is not
// applicable does not count; what is not answered, or whose answer has ended, counts against.
func (q Questionnaire) Score(answers map[string]Answer, now time.Time) int {
	got, of := 0, 0
	for _, one := range q.Questions {
		a := answers[one.ID]
		ended := !a.Until.IsZero() && !now.Before(a.Until)
		if a.Is == NotApplicable && !ended {
			continue
		}
		of += 2 * one.Weight
		switch {
		case ended:
		case a.Is == Yes:
			got += 2 * one.Weight
		case a.Is == Partly:
			got += one.Weight
		}
	}
	if of == 0 {
		return 0
	}
	return 100 * got / of
}

// Bounds of a vendor.
const (
	maxText    = 2000 // bytes
	maxActions = 200
	longest    = 366 * 24 * time.Hour      // until the next assessment, or until something is put right
	farthest   = 50 * 366 * 24 * time.Hour // of an agreement's dates
	ahead      = 24 * time.Hour            // somewhere it is tomorrow already
	first      = 30 * 24 * time.Hour       // until a new vendor is assessed, where nothing else is said
)

// check refuses what is no vendor at a moment.
func (d Details) check(now time.Time) error {
	for _, f := range []struct{ name, text string }{{"name", d.Name}, {"service", d.Service}, {"contact", d.Contact}, {"owner", string(d.Owner)}} {
		if f.text == "" || !plain(f.text) {
			return errs.New(errs.Invalid, "a vendor says its %s, in a line of %d bytes at most", f.name, maxText)
		}
	}
	switch {
	case !slices.Contains([]Data{NoData, Pseudonymous, Personal, Health}, d.Data):
		return errs.New(errs.Invalid, "data is none, pseudonymous, personal or health")
	case d.Critical < 1 || d.Critical > 3:
		return errs.New(errs.Invalid, "how critical a vendor is goes from 1 to 3")
	}
	return d.Agreement.check(now)
}

func (a Agreement) check(now time.Time) error {
	switch {
	case !slices.Contains([]Form{BAA, DPA, Other, None}, a.Kind):
		return errs.New(errs.Invalid, "an agreement is baa, dpa, other or none")
	case a.Kind == None && a != (Agreement{Kind: None}):
		return errs.New(errs.Invalid, "no agreement has no dates and no file")
	case a.Kind == None:
		return nil
	case a.Signed.IsZero() || a.Signed.After(now.Add(ahead)) || now.Sub(a.Signed) > farthest:
		return errs.New(errs.Invalid, "an agreement says when it was signed, which has been")
	case !a.Ends.IsZero() && (!a.Ends.After(a.Signed) || a.Ends.Sub(now) > farthest):
		return errs.New(errs.Invalid, "an agreement ends after it was signed, within 50 years")
	}
	if digest, err := hex.DecodeString(a.SHA256); a.SHA256 != "" && (err != nil || len(digest) != 32 || strings.ToLower(a.SHA256) != a.SHA256) {
		return errs.New(errs.Invalid, "the digest of an agreement's file is SHA-256, 64 digits of 0-9 and a-f")
	}
	return nil
}

// check refuses answers that leave a question open, that answer what was not asked, or that have ended.
func (q Questionnaire) check(answers map[string]Answer, now time.Time) error {
	for id := range answers {
		if _, asked := q.Find(id); !asked {
			return errs.New(errs.Invalid, "%q is no question", clipped(id))
		}
	}
	var missing []string
	for _, one := range q.Questions {
		a := answers[one.ID]
		switch {
		case a.Is == "":
			missing = append(missing, one.ID)
		case !slices.Contains([]Word{Yes, Partly, No, NotApplicable}, a.Is):
			return errs.New(errs.Invalid, "%s is answered by yes, partly, no or not-applicable", one.ID)
		case !plain(a.Text):
			return errs.New(errs.Invalid, "%s: an answer has a line of %d bytes at most", one.ID, maxText)
		case a.Is != Yes && a.Text == "":
			return errs.New(errs.Invalid, "%s: an answer that is not yes says how so", one.ID)
		case !a.Until.IsZero() && (!a.Until.After(now) || a.Until.Sub(now) > farthest):
			return errs.New(errs.Invalid, "%s: an answer holds until a day to come", one.ID)
		}
	}
	if len(missing) > 0 {
		return errs.New(errs.Invalid, "an assessment answers every question; these are not: %s", strings.Join(missing, ", "))
	}
	return nil
}

// plain reports whether a text is short, is UTF-8, and cannot move a terminal's cursor or turn what stands around it.
func plain(s string) bool {
	return len(s) <= maxText && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
	})
}

// clipped is a foreign text for a message.
func clipped(s string) string {
	const most = 64
	if len(s) > most {
		s = s[:most]
	}
	return strings.ToValidUTF8(s, "?")
}
