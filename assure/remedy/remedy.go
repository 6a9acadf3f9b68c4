package remedy

import (
	"slices"
	"time"
	"unicode/utf8"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/register"
	"github.com/tutela-health/tutela/internal/errs"
)

// The register's words for what is kept here.
const (
	kindGap    register.Kind = "gap"
	kindTest   register.Kind = "test"
	kindScore  register.Kind = "score"
	kindSource register.Kind = "scanned"
)

// State says where a gap is.
type State = register.State

// The states of a gap.
const (
	Open     State = "open"
	Disputed State = "disputed" // somebody says that the test is wrong, and a second person is to agree
	Closed   State = "closed"
)

// Severity is how bad a gap is.
type Severity string

// The severities, the worst first.
const (
	Critical Severity = "critical"
	High     Severity = "high"
	Medium   Severity = "medium"
	Low      Severity = "low"
)

// Severities are all of them, the worst first.
func Severities() []Severity { return []Severity{Critical, High, Medium, Low} }

// deadline is how many days a gap may stay open unless somebody says otherwise.
func (s Severity) deadline() int {
	return map[Severity]int{Critical: 7, High: 30, Medium: 90, Low: 180}[s]
}

// weight is how much closing a gap of a test is worth, beside risks that name a check's controls.
func (s Severity) weight() int { return map[Severity]int{Critical: 20, High: 12, Medium: 6, Low: 2}[s] }

// Gap is one thing that is not as it should be.
type Gap struct {
	Check string `json:"check,omitempty"` // which fails; empty for what else found it
	Test  string `json:"test,omitempty"`  // which found it
	// Repository is that whose pipeline's scan found it, and Class the kind of check.
	Repository string        `json:"repository,omitempty"`
	Class      string        `json:"class,omitempty"`
	Review     string        `json:"review,omitempty"` // the follow-up of a review that it is
	Title      string        `json:"title"`
	Where      string        `json:"where,omitempty"`
	Severity   Severity      `json:"severity"`
	Seen       string        `json:"seen,omitempty"` // what was observed
	Opened     time.Time     `json:"opened"`
	Until      time.Time     `json:"until"`           // when it is to be closed
	Owner      tutela.UserID `json:"owner,omitempty"` // nobody yet where it is empty
	OwnerName  string        `json:"owner_name,omitempty"`
	Effort     int           `json:"effort,omitempty"` // hours that closing it takes, as somebody guesses
	Plan       string        `json:"plan,omitempty"`   // what is done about it
	Dispute    string        `json:"dispute,omitempty"`
	Disputer   tutela.UserID `json:"disputer,omitempty"`
	Closed     time.Time     `json:"closed,omitzero"`
	How        string        `json:"how,omitempty"` // it was closed
}

// Assignment says who sees to a gap.
type Assignment struct {
	Owner  string `json:"owner"` // by username or id
	Until  string `json:"until"` // a day, as 2027-03-01
	Effort int    `json:"effort,omitempty"`
	Plan   string `json:"plan,omitempty"`
}

// Test is a penetration test, an audit or a scan that somebody else does again and again.
type Test struct {
	Title     string        `json:"title"`
	Owner     tutela.UserID `json:"owner"`
	OwnerName string        `json:"owner_name"`
	Every     int           `json:"every"` // months, 1 to 12
	Last      time.Time     `json:"last"`  // the day of the newest run; before the first, when it was planned
	Runs      int           `json:"runs"`
	By        string        `json:"by,omitempty"`     // who did the newest run
	Report    string        `json:"report,omitempty"` // SHA-256 of its findings as they were read
}

func (t Test) due() time.Time { return t.Last.AddDate(0, t.Every, 0) }

// Finding is what a run of a test found.
type Finding struct {
	Rule     string   `json:"rule"`
	Title    string   `json:"title"`
	Where    string   `json:"where"`
	Severity Severity `json:"severity"`
}

// Bounds.
const (
	maxText     = 2000
	maxFindings = 900 // of one run; a change of the register takes 1,000
	longest     = 366 * 24 * time.Hour
	usualEffort = 4 // hours, where nobody guessed
)

func plain(s string, least int) bool {
	return len(s) >= least && len(s) <= maxText && utf8.ValidString(s)
}

func (f Finding) check() error {
	switch {
	case !plain(f.Rule, 1) || !plain(f.Title, 1) || !plain(f.Where, 0):
		return errs.New(errs.Invalid, "a finding has a rule and a title, and a place, in %d bytes each at most", maxText)
	case !slices.Contains(Severities(), f.Severity):
		return errs.New(errs.Invalid, "%q is no severity; there are %v", f.Severity, Severities())
	}
	return nil
}
