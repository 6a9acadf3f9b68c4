package alert

import (
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/finding"
)

// State says whether somebody has seen an alert.
type State string

// The states.
const (
	Open         State = "open"
	Acknowledged State = "acknowledged"
)

// Alert is a finding that people are told of.
type Alert struct {
	ID      string        `json:"id"` // hash of the finding
	Finding string        `json:"finding"`
	Rule    string        `json:"rule"`
	Title   string        `json:"title"`
	Level   finding.Level `json:"level"`
	Risk    int           `json:"risk"`
	State   State         `json:"state"`
	Opened  time.Time     `json:"opened"`
	By      tutela.UserID `json:"acknowledged_by,omitempty"`
	At      time.Time     `json:"acknowledged,omitzero"`
	Steps   int           `json:"escalated,omitempty"` // how many steps were taken
	Told    int           `json:"told"`                // how many notes were written

	// Account is whose doing the finding is: he is not shown the alert, and no channel is.
	Account  tutela.UserID `json:"account,omitempty"`
	Escalate []Step        `json:"escalate,omitempty"` // as the plan was when it was opened

	revision int64
}

// shown is an alert as people are shown it.
func (a Alert) shown() Alert {
	a.Account, a.Escalate = "", nil
	return a
}

// due is when the next step is; zero when there is none.
func (a Alert) due() time.Time {
	if a.State != Open || a.Steps >= len(a.Escalate) {
		return time.Time{}
	}
	return a.Opened.Add(a.Escalate[a.Steps].After)
}

// hashOf gives an id of texts, the same whenever it is worked out.
func hashOf(alias func(what, id string) int64, of ...string) string {
	var key []byte
	for _, s := range of {
		key = binary.AppendUvarint(key, uint64(len(s)))
		key = append(key, s...)
	}
	id := binary.BigEndian.AppendUint64(nil, uint64(alias("alert-id-high", string(key))))
	return hex.EncodeToString(binary.BigEndian.AppendUint64(id, uint64(alias("alert-id-low", string(key)))))
}
