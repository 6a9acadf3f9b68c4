package gate

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/tutela-health/tutela/detect/intake"
	"github.com/tutela-health/tutela/internal/clock"
)

// Source is one system that may send. At least one of Certificate, Networks, Client and File must be there; where both
// of the first two are, both must hold.
type Source struct {
	Name        string
	Certificate string         // common name of the certificate that it proves
	Networks    []netip.Prefix // where it sends from
	Client      string         // client id by which it posts to the API
	File        string         // file that it writes, on this node
	Readers     []string       // roles that may see its events; none means every role that policy lets see any
	Authority   string         // whose patient numbers those without an authority are
	Silent      time.Duration  // how long it may say nothing; 0 for ever
	Rate        int            // messages a second that are read of it; 0 means 20,000
}

// Desk is a source at work. Safe for concurrent use.
type Desk struct {
	Source

	clock clock.Clock
	mu    sync.Mutex // guards what follows
	state State
	pace  time.Time // when the budget of messages was used up
}

// State is how a source is doing since this node started.
type State struct {
	Source  string        `json:"source"`
	Since   time.Time     `json:"since"`           // it is listened to
	Last    time.Time     `json:"last,omitzero"`   // something came
	Taken   int64         `json:"taken"`           // messages
	Refused int64         `json:"refused"`         // messages that made no sense
	Lag     time.Duration `json:"lag_ns"`          // from what the last one told of to its coming
	Silent  bool          `json:"silent"`          // it has said nothing for longer than it may
	Reason  string        `json:"reason,omitzero"` // why the last message that was refused was
}

// Gate knows the sources. Its zero value admits nobody.
type Gate struct{ desks []*Desk }

// New checks and opens sources.
func New(list []Source, now clock.Clock) (*Gate, error) {
	g := &Gate{}
	for _, s := range list {
		switch {
		case s.Name == "":
			return nil, errors.New("a source has no name")
		case slices.ContainsFunc(g.desks, func(d *Desk) bool { return d.Name == s.Name }):
			return nil, fmt.Errorf("two sources are named %s", s.Name)
		case s.Certificate == "" && len(s.Networks) == 0 && s.Client == "" && s.File == "":
			return nil, fmt.Errorf("source %s is known by neither certificate nor networks, and neither by client nor by file", s.Name)
		case s.Client != "" && slices.ContainsFunc(g.desks, func(d *Desk) bool { return d.Client == s.Client }):
			return nil, fmt.Errorf("two sources are the client %s", s.Client)
		}
		g.desks = append(g.desks, &Desk{Source: s, clock: now, state: State{Source: s.Name, Since: now().UTC()}})
	}
	return g, nil
}

// Admit finds the source that a peer is: of several the one that is told more closely, by certificate and network.
func (g *Gate) Admit(p intake.Peer) (*Desk, bool) {
	var best *Desk
	for _, d := range g.desks {
		if d.is(p) && (best == nil || d.closeness() > best.closeness()) {
			best = d
		}
	}
	return best, best != nil
}

// Client finds the source that posts by a client id.
func (g *Gate) Client(id string) (*Desk, bool) {
	for _, d := range g.desks {
		if id != "" && d.Client == id {
			return d, true
		}
	}
	return nil, false
}

// Files are the sources that write files.
func (g *Gate) Files() []*Desk {
	var list []*Desk
	for _, d := range g.desks {
		if d.File != "" {
			list = append(list, d)
		}
	}
	return list
}

// Readable names the sources whose events somebody with some roles may see.
func (g *Gate) Readable(roles []string) []string {
	var list []string
	for _, d := range g.desks {
		if len(d.Readers) == 0 || slices.ContainsFunc(roles, func(r string) bool { return slices.Contains(d.Readers, r) }) {
			list = append(list, d.Name)
		}
	}
	return list
}

func (s *Source) is(p intake.Peer) bool {
	named := s.Certificate == "" || s.Certificate == p.Name
	near := len(s.Networks) == 0 || slices.ContainsFunc(s.Networks, func(n netip.Prefix) bool { return n.Contains(p.Address) })
	return named && near && (s.Certificate != "" || len(s.Networks) > 0)
}

func (s *Source) closeness() int {
	n := 0
	if s.Certificate != "" {
		n += 2
	}
	if len(s.Networks) > 0 {
		n++
	}
	return n
}

// Took notes a message that made sense, and when it says that what it tells of happened.
func (d *Desk) Took(observed time.Time) {
	now := d.clock().UTC()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.state.Taken++
	d.state.Last = now
	if !observed.IsZero() {
		d.state.Lag = now.Sub(observed)
	}
}

// Refuse notes a message that made none. The reason quotes nothing of it.
func (d *Desk) Refuse(reason string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.state.Refused++
	d.state.Last, d.state.Reason = d.clock().UTC(), reason
}

// Wait is how long the next message of the source is to wait, so that it keeps to its rate; a second's worth may come at
// once.
func (d *Desk) Wait() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.clock()
	if d.pace.Before(now.Add(-time.Second)) {
		d.pace = now.Add(-time.Second)
	}
	d.pace = d.pace.Add(time.Second / time.Duration(cmp.Or(d.Rate, 20_000)))
	return d.pace.Sub(now)
}

// States tells how every source is doing.
func (g *Gate) States() []State {
	list := make([]State, len(g.desks))
	for i, d := range g.desks {
		list[i] = d.now()
	}
	return list
}

func (d *Desk) now() State {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.state
	since := s.Last
	if since.IsZero() {
		since = s.Since
	}
	s.Silent = d.Silent > 0 && d.clock().Sub(since) > d.Silent
	return s
}
