package finding

import (
	"time"

	"github.com/tutela-health/tutela"
)

// State says whether anybody need look at a finding.
type State string

// The states.
const (
	Open   State = "open"
	Closed State = "closed" // somebody has judged it
)

// Verdict is what people say of a finding.
type Verdict string

// The verdicts.
const (
	True     Verdict = "true"     // it was what it looked like
	Benign   Verdict = "benign"   // it was honest work
	Expected Verdict = "expected" // it is so, and known: a migration, an audit, a test
)

// Finding is what people see of alike hits.
type Finding struct {
	ID    string `json:"id"` // hash of tenant, rule, actor, group and first entry
	Rule  string `json:"rule"`
	Title string `json:"title"`
	Level Level  `json:"level"`
	// Risk ranks findings from 0 to 100: likelihood times what it would mean, by the number of
	// patients and how sensitive their charts are.
	Risk       int           `json:"risk"`
	Likelihood float64       `json:"likelihood"`
	Actor      tutela.UserID `json:"actor,omitempty"`
	Group      string        `json:"group,omitempty"`
	State      State         `json:"state"`
	Verdict    Verdict       `json:"verdict,omitempty"`
	First      time.Time     `json:"first"`
	Last       time.Time     `json:"last"`
	Hits       int           `json:"hits"`
	Patients   []string      `json:"patients,omitempty"` // pseudonyms, the first of them
	Touched    int           `json:"touched"`            // how many patients in all
	Sensitive  int           `json:"sensitive,omitempty"`
	Entries    []string      `json:"entries"` // the first and the last that show it
	Shown      int           `json:"shown"`   // how many entries in all
	Reasons    []string      `json:"reasons"`
	Answer     string        `json:"answer,omitempty"`
}
