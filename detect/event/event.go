package event

import (
	"time"

	"github.com/tutela-health/tutela"
)

// Event is something that happened: here, or in a system that tells of it.
type Event struct {
	tutela.Entry

	// Source names who told: empty for the tenant's own ledger, else the source as it is configured.
	Source string
	// Log is there when the event is a line of an application's or a system's log.
	Log *Log
}

// Log is a line of a log (RFC 5424 section 6, or a JSON object), with patient data and secrets taken out.
type Log struct {
	Host, App, Process string
	Severity           int               // RFC 5424 section 6.2.1: 0 emergency to 7 debug
	Text               string            // the message
	Fields             map[string]string // structured data, or the members of a JSON object, by dotted name
}

// Staff is one person who works with charts, as a roster tells of him. A later line for the same ID
// and From replaces the one before; overlapping lines (two wards) hold side by side.
type Staff struct {
	ID        tutela.UserID
	Roles     []string
	Unit      string        // ward or department
	From, To  time.Time     // employed there; zero means from always, for ever
	Chart     tutela.Bucket // of the person's own chart, 0 when there is none or nobody knows
	Household string        // keyed hash of the home address, empty when unknown
	Family    string        // keyed hash of the family name, empty when unknown
}

// RelationKind says what joins a patient to somebody.
type RelationKind string

// The kinds of relation.
const (
	Admission   RelationKind = "admission"   // the patient lies in the unit
	Encounter   RelationKind = "encounter"   // was seen there or by them
	Appointment RelationKind = "appointment" // is to be seen
	Order       RelationKind = "order"       // an examination or treatment was asked of them
	Referral    RelationKind = "referral"    // was sent to them
	CareTeam    RelationKind = "care-team"
	Cover       RelationKind = "cover" // they stand in for another unit; Patient is 0
	Billing     RelationKind = "billing"
)

// Relation joins a patient to a person or to a unit for a time.
type Relation struct {
	Kind     RelationKind
	Patient  tutela.Bucket
	Staff    tutela.UserID // empty when Unit stands for everybody there
	Unit     string
	From, To time.Time // To is zero while it lasts
}

// Chart is what is known of a patient beside the care.
type Chart struct {
	Patient   tutela.Bucket
	VIP       bool
	Household string // keyed hash of the home address, comparable to Staff.Household
	Family    string // keyed hash of the family name, comparable to Staff.Family
	Sensitive bool   // holds what access treats as sensitive
}
