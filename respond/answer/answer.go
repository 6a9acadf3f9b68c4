package answer

import (
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/tutela-health/tutela"
)

// State says what became of an answer.
type State string

// The states. An active answer whose time has passed is over.
const (
	Active   State = "active"
	Over     State = "over"
	Undone   State = "undone"
	Withheld State = "withheld" // a guard or a cap kept it from being given
)

// Answer is what was done about a finding, or held back.
type Answer struct {
	ID      string         `json:"id"` // hash of finding, kind and target
	Kind    Kind           `json:"kind"`
	Asked   Kind           `json:"asked,omitempty"` // what the policy said, where a guard made it milder
	Target  Target         `json:"target"`
	State   State          `json:"state"`
	Because string         `json:"because,omitempty"` // why it is milder than asked, or was withheld
	Finding string         `json:"finding"`
	Rule    string         `json:"rule"`
	Title   string         `json:"title"`
	Given   time.Time      `json:"given"`
	Until   time.Time      `json:"until"`
	Undone  time.Time      `json:"undone,omitzero"`
	By      tutela.UserID  `json:"undone_by,omitempty"`
	Policy  string         `json:"policy"` // version
	Ended   *tutela.Ending `json:"ended,omitempty"`

	revision int64
}

// at gives the state at a moment.
func (a Answer) at(now time.Time) State {
	if a.State == Active && !now.Before(a.Until) {
		return Over
	}
	return a.State
}

// identify gives the id of an answer: the same whenever it is worked out.
func identify(alias func(what, id string) int64, finding string, k Kind, t Target) string {
	key := joined(finding, string(k), string(t.On), t.ID, t.Role)
	id := binary.BigEndian.AppendUint64(nil, uint64(alias("answer-id-high", key)))
	return hex.EncodeToString(binary.BigEndian.AppendUint64(id, uint64(alias("answer-id-low", key))))
}

// joined puts texts together so that no two lists of them give the same.
func joined(of ...string) string {
	var b []byte
	for _, s := range of {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return string(b)
}
