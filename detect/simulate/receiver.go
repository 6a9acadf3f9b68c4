package simulate

import (
	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
)

// Chart is what a hospital's master patient index knows of somebody.
type Chart struct {
	event.Chart
	Record int // medical record number
}

// Misuse says that an entry was misuse. No detector may see it.
type Misuse struct {
	Entry string // id
	Kind  string
	Staff tutela.UserID // whose account it was
	Day   string        // of the entry, as 2006-01-02
	Case  int           // those of one scheme have one number
}

// StaffDay tells of one account's day, for measuring. No detector may see it.
type StaffDay struct {
	Staff   tutela.UserID
	Day     string
	Entries int
	Misuse  int      // of Entries
	Kinds   []string // of misuse, in alphabetical order
}

// Receiver takes what happens. Charts come first, then staff; then day by day the roster's changes, notices and entries
// in the order of time, then what of the day was misuse, and its staff-days.
// An error ends the simulation and is Run's.
type Receiver interface {
	Chart(Chart) error
	Staff(event.Staff) error
	Notice(Notice) error
	Entry(*tutela.Entry) error
	Misuse(Misuse) error
	StaffDay(StaffDay) error
}
