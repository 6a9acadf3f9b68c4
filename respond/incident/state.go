package incident

import (
	"fmt"
	"slices"
	"time"

	"github.com/tutela-health/tutela/internal/errs"
)

// State says how far an incident is.
type State string

// The states, as time goes.
const (
	Reported  State = "reported"  // somebody told of it, and nobody has looked yet
	Open      State = "open"      // it is worked on, and may still do harm
	Contained State = "contained" // it does no more harm
	Recovered State = "recovered" // everything works as before
	Closed    State = "closed"    // nothing is to be done any more
)

// States lists them, as time goes.
func States() []State { return []State{Reported, Open, Contained, Recovered, Closed} }

// Next are the states that may come after one. Whatever turns out not to be over is open again.
func (s State) Next() []State {
	switch s {
	case Reported:
		return []State{Open, Closed} // closed at once: it was nothing
	case Open:
		return []State{Contained}
	case Contained:
		return []State{Recovered, Open}
	case Recovered:
		return []State{Closed, Open}
	case Closed:
		return []State{Open}
	}
	return nil
}

// move brings an incident into a state at a moment. What is not contained any more has no time of containment:
// the next one counts.
func (in *Incident) move(to State, at time.Time) error {
	if !slices.Contains(in.State.Next(), to) {
		return errs.New(errs.Conflict, "the incident is %s: what may come next is %v", in.State, in.State.Next())
	}
	if at.Before(in.Discovered) {
		at = in.Discovered // clocks of nodes differ by moments
	}
	in.State = to
	switch to {
	case Open:
		in.Contained, in.Recovered, in.Closed = time.Time{}, time.Time{}, time.Time{}
	case Contained:
		in.Contained = at
	case Recovered:
		in.Recovered = at
	case Closed:
		in.Closed = at
	}
	return nil
}

// took says how long it was from discovery to a moment, to the minute.
func (in *Incident) took(at time.Time) string {
	return fmt.Sprintf("%d minutes after discovery", int(at.Sub(in.Discovered)/time.Minute))
}
