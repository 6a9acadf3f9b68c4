package erasure

import (
	"time"

	"github.com/tutela-health/tutela"
)

// State says how far an erasure is.
type State string

// The states, in their order.
const (
	Asked     State = "asked"     // another person has to approve it
	Approved  State = "approved"  // it waits for its time
	Redacted  State = "redacted"  // what concerned others too no longer names the patient
	Shredded  State = "shredded"  // nothing of the patient opens in this system any more
	Reindexed State = "reindexed" // the index has a new key
	Rewrapped State = "rewrapped" // everything else is wrapped by a new generation
	Done      State = "done"      // the old generations are destroyed, as far as the provider does that
	Withdrawn State = "withdrawn" // before it was carried out
)

// Erasure is one patient's. After Shredded the reason is all that tells why.
type Erasure struct {
	ID          string        `json:"id"`
	Patient     tutela.Bucket `json:"-"`
	Pseudonym   string        `json:"patient"` // as the ledger writes it
	State       State         `json:"state"`
	Reason      string        `json:"reason"`
	AskedBy     tutela.UserID `json:"asked_by"`
	Asked       time.Time     `json:"asked"`
	ApprovedBy  tutela.UserID `json:"approved_by,omitempty"`
	Approved    time.Time     `json:"approved,omitzero"`
	Due         time.Time     `json:"due,omitzero"` // from when on it is carried out
	Steps       []Step        `json:"steps,omitempty"`
	IndexKey    int64         `json:"index_key,omitempty"`  // the key of the index that replaced the old one
	Generation  int           `json:"generation,omitempty"` // the generation that replaced the old ones
	Held        string        `json:"held,omitempty"`       // why it is not carried out although it is due
	Certificate *Certificate  `json:"certificate,omitempty"`

	revision int64
	name     []byte // the patient's id, sealed under his own key
}

// Step is one that is done.
type Step struct {
	State State     `json:"step"`
	At    time.Time `json:"at"`
	Count int       `json:"count,omitempty"` // of resources that were redacted
}

// Certificate says what was done, for whoever has to show it. It names no patient but by the pseudonym.
type Certificate struct {
	Tenant     tutela.Tenant `json:"tenant"`
	Erasure    string        `json:"erasure"`
	Patient    string        `json:"patient"`
	AskedBy    tutela.UserID `json:"asked_by"`
	ApprovedBy tutela.UserID `json:"approved_by"`
	Steps      []Step        `json:"steps"`
	Destroyed  []Destroyed   `json:"generations_destroyed"`
	Final      bool          `json:"final"`
	Missing    []string      `json:"missing,omitempty"` // why it is not final
	Issued     time.Time     `json:"issued"`
	Key        string        `json:"key"`       // the public key of the signature: Ed25519 (RFC 8032), base64
	Signature  string        `json:"signature"` // over the JSON of all before it, base64
}

// Destroyed is a generation whose key the provider was told to destroy.
type Destroyed struct {
	Generation int       `json:"generation"`
	Provider   string    `json:"provider"`
	Told       time.Time `json:"told"`
	Final      time.Time `json:"final,omitzero"`
}

// Rule is a statutory duty to retain records: an erasure waits until so many years after the last change.
type Rule struct {
	Name  string `yaml:"name"` // such as "10 years, § 630f (3) BGB"
	Years int    `yaml:"years"`
}

func (e *Erasure) step(s State, at time.Time, count int) {
	e.State = s
	e.Steps = append(e.Steps, Step{s, at, count})
}
