package rules

import (
	"fmt"
	"time"

	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/finding"
)

// RuleClock is the id of the rule about clocks.
const RuleClock = "c2f7e9a1-58d3-4b6e-8f04-1e9d7c3b5a55"

// clocks takes offence at a node whose clock went back: its entries follow each other in the ledger, and their times
// do not.
type clocks struct {
	state clocksState
}

type clocksState struct {
	Latest map[string]time.Time // by node
}

// back is how far times may go back: entries of one node are written side by side.
const back = 2 * time.Minute

// maxNodes bounds the nodes that are remembered.
const maxNodes = 1000

func newClocks() *clocks { return &clocks{clocksState{Latest: map[string]time.Time{}}} }

func (*clocks) name() string      { return "clocks" }
func (c *clocks) remembered() any { return &c.state }

func (c *clocks) observe(ev *event.Event) []finding.Hit {
	if ev.Log != nil || ev.Source != "" || ev.Node == "" || ev.Demo {
		return nil
	}
	latest, known := c.state.Latest[ev.Node]
	if !known && len(c.state.Latest) >= maxNodes {
		return nil
	}
	c.state.Latest[ev.Node] = ev.Time // after a jump what counts is the clock as it goes now
	if by := latest.Sub(ev.Time); known && by > back {
		h := hit(ev, RuleClock, "A node's clock was set back", finding.High)
		h.Actor, h.Patients, h.Group = "", nil, ev.Node
		h.Reasons = []string{fmt.Sprintf("node %s wrote an entry, and after it one of %s earlier", ev.Node, by.Round(time.Second))}
		h.Answer = "Compare the machine's clock with another one, find out who set it, and revoke tokens that lived longer by it."
		return []finding.Hit{h}
	}
	return nil
}
