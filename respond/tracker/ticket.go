package tracker

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/finding"
)

// State says whether there is anything to do about a ticket's subject.
type State string

// The states.
const (
	Open   State = "open"
	Closed State = "closed"
)

// Kind says what a ticket is about.
type Kind string

// The kinds.
const (
	OfFinding Kind = "finding"
	OfStep    Kind = "step" // of an incident
)

// Reason says why a subject is closed here: a verdict on a finding, a result of a step, or that the incident is over.
type Reason string

// over is the reason of a step that nobody did when its incident was closed.
const over Reason = "incident closed"

// needless reports whether nothing had to be done.
func (r Reason) needless() bool {
	return r == Reason(finding.Benign) || r == Reason(finding.Expected) || r == "skipped" || r == over
}

// Ticket is a finding or a step, in a tracker.
type Ticket struct {
	ID      string        `json:"id"` // keyed hash of tracker and subject; the ticket carries it as its marker
	Tracker string        `json:"tracker"`
	Kind    Kind          `json:"kind"`
	Subject string        `json:"subject"` // id of the finding or the incident
	Step    string        `json:"step,omitempty"`
	Title   string        `json:"title"`
	Level   finding.Level `json:"level"`
	Due     time.Time     `json:"due,omitzero"`     // of a step
	Number  string        `json:"number,omitempty"` // what it is called there; empty: it is not there yet
	Link    string        `json:"link,omitempty"`
	Here    State         `json:"here"`
	Reason  Reason        `json:"reason,omitempty"` // why it is closed here
	Told    State         `json:"told"`             // as both were when they last agreed
	There   State         `json:"there,omitempty"`  // as it was seen there; empty: never, or it is there no more
	Gone    bool          `json:"gone,omitempty"`   // it was there, and is not found any more
	Since   time.Time     `json:"since"`            // when the ledger told of its subject: the ticket is no older
	Seen    time.Time     `json:"seen,omitzero"`    // when it was last looked at there

	// Accounts are those whose doing it may be: they are not shown it.
	Accounts []tutela.UserID `json:"accounts,omitempty"`

	revision int64
	tries    int64     // that failed, one after the other
	next     time.Time // when it is handed over or looked at; zero: it is over
	written  time.Time
}

// Proposed is the state that somebody there wants; empty where nobody does.
func (t Ticket) Proposed() State {
	if t.There == "" || t.There == t.Here || t.There == t.Told {
		return ""
	}
	return t.There
}

// about reports whether it may be the caller's own doing, by his id or, as other systems tell it, his name.
func (t Ticket) about(by tutela.Principal) bool {
	return slices.ContainsFunc(t.Accounts, func(a tutela.UserID) bool {
		return a != "" && (a == by.ID || strings.EqualFold(string(a), by.Username))
	})
}

// identify gives the id of a ticket: the same whenever it is worked out.
func identify(alias func(what, id string) int64, of ...string) string {
	var key []byte
	for _, s := range of {
		key = binary.AppendUvarint(key, uint64(len(s)))
		key = append(key, s...)
	}
	id := binary.BigEndian.AppendUint64(nil, uint64(alias("ticket-id-high", string(key))))
	return hex.EncodeToString(binary.BigEndian.AppendUint64(id, uint64(alias("ticket-id-low", string(key)))))
}
