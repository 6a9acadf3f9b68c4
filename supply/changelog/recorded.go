package changelog

import (
	"slices"
	"time"

	"github.com/tutela-health/tutela/supply/git"
)

// Recorded is what the ledger of a Tutela has of the commits of a log: what pipelines reported and people
// said there, under their own names.
type Recorded struct {
	Gates     []GateResult `json:"gates"`
	Waivers   []Used       `json:"waivers"`   // that excused findings
	Approvals []Answer     `json:"approvals"` // by people who proved themselves
}

// GateResult is what a gate said of a commit, as its pipeline signed it.
type GateResult struct {
	Commit   string    `json:"commit"`
	At       time.Time `json:"at"`
	Pipeline string    `json:"pipeline"`
	Result   string    `json:"result"`
	Reasons  []string  `json:"reasons,omitempty"`
	URL      string    `json:"url,omitempty"`
	Entry    string    `json:"entry"` // of the ledger
}

// Used is a waiver that excused findings in a commit.
type Used struct {
	Commit   string    `json:"commit"`
	Rule     string    `json:"rule"`
	Reason   string    `json:"reason"`
	Owner    string    `json:"owner,omitempty"`
	Approver string    `json:"approver,omitempty"`
	Expires  time.Time `json:"expires,omitzero"`
	Findings int       `json:"findings"`
	Entry    string    `json:"entry"`
}

// Answer is somebody's approval of a commit.
type Answer struct {
	Commit string    `json:"commit"`
	At     time.Time `json:"at"`
	Who    string    `json:"who"`
	Roles  []string  `json:"roles"`
	Note   string    `json:"note,omitempty"`
	Entry  string    `json:"entry"`
}

// With adds what the ledger has of the log's commits; what it has of others is left out.
func (l Log) With(r Recorded) Log {
	known := func(commit string) bool {
		return slices.ContainsFunc(l.Commits, func(c git.Commit) bool { return c.ID == commit })
	}
	l.Recorded = &Recorded{Gates: []GateResult{}, Waivers: []Used{}, Approvals: []Answer{}}
	for _, g := range r.Gates {
		if known(g.Commit) {
			l.Recorded.Gates = append(l.Recorded.Gates, g)
		}
	}
	for _, w := range r.Waivers {
		if known(w.Commit) {
			l.Recorded.Waivers = append(l.Recorded.Waivers, w)
		}
	}
	for _, a := range r.Approvals {
		if known(a.Commit) {
			l.Recorded.Approvals = append(l.Recorded.Approvals, a)
		}
	}
	return l
}
