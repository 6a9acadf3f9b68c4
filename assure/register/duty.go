package register

import (
	"time"

	"github.com/tutela-health/tutela"
)

// Duty is something that a person has to do by a time: look at a risk again, acknowledge a policy, renew an agreement.
// What keeps items says which duties follow from them.
type Duty struct {
	Kind  Kind          `json:"kind"`
	ID    string        `json:"id"`    // of the item
	What  string        `json:"what"`  // in a line: "look at the risk again", "acknowledge the policy"
	Title string        `json:"title"` // of the item
	Owner tutela.UserID `json:"owner"` // who has to
	Name  string        `json:"name"`  // of the owner, as a username
	Due   time.Time     `json:"due"`
	Do    string        `json:"do"` // the command that does it
}

// Overdue reports whether it should have been done.
func (d Duty) Overdue(now time.Time) bool { return !now.Before(d.Due) }
