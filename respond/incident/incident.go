package incident

import (
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/finding"
)

// Kind says what sort of thing happened.
type Kind string

// The kinds. Each but Other has a shipped runbook.
const (
	Ransomware      Kind = "ransomware"
	Insider         Kind = "insider"
	LostDevice      Kind = "lost-device"
	VendorBreach    Kind = "vendor-breach"
	Misdirected     Kind = "misdirected-disclosure"
	AccountTakeover Kind = "account-takeover"
	Downtime        Kind = "downtime"
	Other           Kind = "other"
)

// Kinds lists them.
func Kinds() []Kind {
	return []Kind{Ransomware, Insider, LostDevice, VendorBreach, Misdirected, AccountTakeover, Downtime, Other}
}

// Source says how an incident came to be known.
type Source string

// The sources.
const (
	FromFinding Source = "finding"
	FromPerson  Source = "person" // who manages incidents opened it
	FromReport  Source = "report" // somebody told of it, signed in
	FromMail    Source = "mail"   // somebody told of it by e-mail: the sender is not proved
)

// Incident is what happened, as far as it is known.
type Incident struct {
	ID       string          `json:"id"`
	Title    string          `json:"title"`
	Kind     Kind            `json:"kind"`
	Severity finding.Level   `json:"severity"`
	State    State           `json:"state"`
	Source   Source          `json:"source"`
	Drill    bool            `json:"drill,omitempty"`
	OpenedBy tutela.Actor    `json:"opened_by"`
	Findings []string        `json:"findings,omitempty"` // ids, the first of them
	About    []tutela.UserID `json:"about,omitempty"`    // accounts whose doing it may be: they do not see it
	// Patients are the pseudonyms of those known to be touched; More says that there are others.
	Patients []string `json:"patients,omitempty"`
	More     bool     `json:"more_patients,omitempty"`

	Opened     time.Time `json:"opened"`
	Discovered time.Time `json:"discovered"` // when the first person or machine knew: clocks run from here
	Contained  time.Time `json:"contained,omitzero"`
	Recovered  time.Time `json:"recovered,omitzero"`
	Closed     time.Time `json:"closed,omitzero"`

	Items int `json:"items"` // of the timeline

	// Runbook, its clocks and its steps are those that were in force when it was taken up: id@version.
	Runbook string     `json:"runbook,omitempty"`
	Clocks  []Running  `json:"clocks,omitempty"`
	Steps   []Progress `json:"steps,omitempty"`

	// Sender is who a message says that it is from.
	Sender string `json:"sender,omitempty"`

	revision int64
	alike    int64 // keyed hash of what alike findings share; 0: none join
	reporter int64 // keyed hash of who reported it; 0: nobody did
}

// bounds of what an incident holds
const (
	maxFindings = 200
	maxPatients = 5000
	maxAbout    = 100
)

// Over reports whether nothing is to be done any more.
func (in *Incident) Over() bool { return in.State == Closed }

// about reports whether an incident may be a caller's own doing.
func (in *Incident) about(by tutela.Principal) bool {
	return by.ID != "" && slices.Contains(in.About, by.ID)
}

// touches reports whether an incident is about a patient, as far as is known. What touched more patients than
// are named may have touched anybody.
func (in *Incident) touches(pseudonym string) bool {
	return in.More || slices.Contains(in.Patients, pseudonym)
}

// ItemKind says what a line of a timeline is.
type ItemKind string

// The kinds of items. The first three are written by hand; lessons are what was learned.
const (
	Note          ItemKind = "note"
	Communication ItemKind = "communication" // somebody was told something
	Lesson        ItemKind = "lesson"
	Beginning     ItemKind = "opening"
	Joining       ItemKind = "finding" // an alike finding joined
	Moving        ItemKind = "state"
	Stepping      ItemKind = "step"
)

// Item is one line of a timeline.
type Item struct {
	Number int          `json:"number"` // from 1, without gaps
	At     time.Time    `json:"at"`     // when it was written
	By     tutela.Actor `json:"by"`
	Kind   ItemKind     `json:"kind"`
	Text   string       `json:"text"`
	// To and Channel say whom a communication went to, and how.
	To      string `json:"to,omitempty"`
	Channel string `json:"channel,omitempty"`
}
