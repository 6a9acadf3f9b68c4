package finding

import (
	"time"

	"github.com/tutela-health/tutela"
)

// Level says how bad it is if a hit is what it looks like, in the words of the Sigma specification
// (rules, attribute "level").
type Level string

// The levels.
const (
	Informational Level = "informational"
	Low           Level = "low"
	Medium        Level = "medium"
	High          Level = "high"
	Critical      Level = "critical"
)

// Levels are all of them, the lowest first.
func Levels() []Level { return []Level{Informational, Low, Medium, High, Critical} }

// Severity gives the level as OCSF's severity_id: 1 informational to 5 critical, 0 for no level.
func (l Level) Severity() int {
	switch l {
	case Informational:
		return 1
	case Low:
		return 2
	case Medium:
		return 3
	case High:
		return 4
	case Critical:
		return 5
	}
	return 0
}

// Hit is one time that a detector took offence.
type Hit struct {
	Rule  string // stable id of the rule or model, e.g. "sequential-ids"
	Title string // what it looks like, in a few plain words
	Level Level
	// Likelihood is how likely it is that this is what it looks like, 0 to 1. 0 stands for what the
	// level is worth where a rule cannot tell.
	Likelihood float64
	// Group is the key under which alike hits become one finding, within rule and actor: an address,
	// a patient, a day; or empty.
	Group     string
	Actor     tutela.UserID   // whose doing, empty when nobody knows
	Patients  []tutela.Bucket // whose charts
	Sensitive []tutela.Bucket // those of Patients whose chart is sensitive or of public interest
	Entries   []string        // ids of the entries or events that show it, oldest first
	Reasons   []string        // why, in plain words and without values from records
	Answer    string          // what to do about it
	At        time.Time       // of the event that completed it
}
