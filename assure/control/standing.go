package control

import (
	"cmp"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/catalog"
)

// Knowledge is how a control is known.
type Knowledge string

// The kinds of knowledge, the strongest first.
const (
	Probed     Knowledge = "probed"    // checks try to break it
	Recorded   Knowledge = "recorded"  // the ledger holds what it leaves behind
	Attested   Knowledge = "attested"  // somebody says so, until a date
	Inherited  Knowledge = "inherited" // a provider's report says so, until a date
	NotCovered Knowledge = "not-covered"
)

// Kinds are the kinds of knowledge, the strongest first.
func Kinds() []Knowledge { return []Knowledge{Probed, Recorded, Attested, Inherited, NotCovered} }

// Standing is how a control stands.
type Standing string

// The standings, the worst first.
const (
	Red           Standing = "red"   // fresh evidence says that it fails
	Amber         Standing = "amber" // no fresh evidence, or it could not be checked
	Green         Standing = "green" // fresh evidence says that it holds
	NotApplicable Standing = "not-applicable"
)

// Standings are all of them, the worst first.
func Standings() []Standing { return []Standing{Red, Amber, Green, NotApplicable} }

// Way is one thing that shows whether a control holds.
type Way struct {
	Known    Knowledge `json:"known"`
	Standing Standing  `json:"standing"`
	By       string    `json:"by"`   // id of a check, name of a population, or account
	What     string    `json:"what"` // what is tried, or said
	// Seen is what was observed the last time.
	Seen    string    `json:"seen,omitempty"`
	At      time.Time `json:"at,omitzero"`
	Expires time.Time `json:"expires,omitzero"`
}

// probed is what a check's newest evidence says at a moment.
func probed(c tutela.Check, e tutela.Evidence, tried bool, now time.Time) Way {
	w := Way{Known: Probed, Standing: Amber, By: c.ID, What: c.Title, Seen: "not tried yet"}
	if !tried {
		return w
	}
	w.Seen, w.At, w.Expires = e.Observed, e.At, e.Expires
	switch {
	case !now.Before(e.Expires):
	case e.Verdict == tutela.Pass:
		w.Standing = Green
	case e.Verdict == tutela.Fail:
		w.Standing = Red
	case e.Verdict == tutela.NotApplicable:
		w.Standing = NotApplicable
	}
	return w
}

// recorded is what a population shows.
func recorded(p catalog.Population, last time.Time) Way {
	w := Way{Known: Recorded, Standing: Amber, By: string(p), What: "entries of the ledger: " + words(p), Seen: "none among those that were looked at"}
	if !last.IsZero() {
		w.Standing, w.Seen, w.At = Green, "the newest is of this time", last
	}
	return w
}

// said is what an attestation shows at a moment.
func said(a Attestation, now time.Time) Way {
	w := Way{Known: a.Known, Standing: Green, By: string(a.By), What: a.Statement, At: a.At, Expires: a.Expires}
	if a.Provider != "" {
		w.Seen = "a report of " + a.Provider
	}
	if !now.Before(a.Expires) {
		w.Standing = Amber
	}
	return w
}

// judge gives the strongest knowledge among ways, and the standing: the worst among the strongest, and red where any is.
func judge(ways []Way) (Knowledge, Standing) {
	if len(ways) == 0 {
		return NotCovered, Amber
	}
	best := slices.MinFunc(ways, func(a, b Way) int { return cmp.Compare(rank(Kinds(), a.Known), rank(Kinds(), b.Known)) }).Known
	worst := NotApplicable
	for _, w := range ways {
		counts := w.Known == best || w.Standing == Red
		if counts && rank(Standings(), w.Standing) < rank(Standings(), worst) {
			worst = w.Standing
		}
	}
	return best, worst
}

func rank[T comparable](list []T, x T) int { return slices.Index(list, x) }
