package supply

import "time"

// Waiver excuses a finding for a time.
type Waiver struct {
	Reason   string    `json:"reason" yaml:"reason"`
	Owner    string    `json:"owner" yaml:"owner"`
	Approver string    `json:"approver" yaml:"approver"` // somebody else than the owner
	Expires  time.Time `json:"expires" yaml:"expires"`
	From     string    `json:"from,omitempty" yaml:"-"` // the file that says so
}
