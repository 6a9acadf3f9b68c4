package sigma

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/tutela-health/tutela"
)

// The form of a snapshot: what each correlation remembers, under a hash of the text that it was remembered for.
type (
	snapshot struct {
		Form     int
		Now      int64
		Trackers []trackerState
	}
	trackerState struct {
		Rule, Text string
		Groups     []groupState
	}
	groupState struct {
		Key          string
		Opened, Seen int64
		Samples      []sampleState          `json:",omitempty"`
		Newest       map[string]sampleState `json:",omitempty"`
		Chains       [][]sampleState        `json:",omitempty"`
	}
	sampleState struct {
		At      int64           `json:"t"`
		Weight  int64           `json:"w"`
		Values  []string        `json:"v,omitempty"`
		Actor   tutela.UserID   `json:"a,omitempty"`
		Entries []string        `json:"e,omitempty"`
		Charts  []tutela.Bucket `json:"c,omitempty"`
		Marked  []tutela.Bucket `json:"s,omitempty"`
	}
)

// form numbers the form of a snapshot.
const form = 1

// Snapshot writes what the Engine remembers. The same state gives the same bytes.
func (x *Engine) Snapshot(w io.Writer) error {
	s := snapshot{Form: form, Now: x.now}
	for i, c := range x.set.rules {
		if t := x.trackers[i]; t != nil {
			s.Trackers = append(s.Trackers, trackerState{c.key(), x.set.digest(i), t.state()})
		}
	}
	if err := json.NewEncoder(w).Encode(s); err != nil {
		return fmt.Errorf("write what rules remember: %w", err)
	}
	return nil
}

func (t *tracker) state() []groupState {
	var list []groupState
	for _, key := range slices.Sorted(maps.Keys(t.groups)) {
		g := t.groups[key]
		s := groupState{Key: key, Opened: g.opened, Seen: g.seen, Samples: statesOf(g.samples)}
		for v, one := range g.newest {
			if s.Newest == nil {
				s.Newest = map[string]sampleState{}
			}
			s.Newest[v] = stateOf(one)
		}
		for _, c := range g.chains {
			s.Chains = append(s.Chains, statesOf(c))
		}
		list = append(list, s)
	}
	return list
}

func statesOf(samples []sample) []sampleState {
	var list []sampleState
	for _, s := range samples {
		list = append(list, stateOf(s))
	}
	return list
}

func stateOf(s sample) sampleState {
	return sampleState{s.At, s.Weight, s.Values, s.Actor, s.entries, s.patients, s.sensitive}
}

func (s sampleState) sample() sample {
	if len(s.Entries) == 0 {
		s.Entries = []string{""}
	}
	return sample{s.At, s.Weight, s.Values, s.Actor, proof{entries: s.Entries, patients: s.Charts, sensitive: s.Marked}}
}

func samplesOf(list []sampleState) []sample {
	var out []sample
	for _, s := range list {
		out = append(out, s.sample())
	}
	return out
}

// Restore takes up what a Snapshot remembered. What it remembers for rules that are gone, or say something else now, is
// dropped.
func (x *Engine) Restore(r io.Reader) error {
	var s snapshot
	if err := json.NewDecoder(r).Decode(&s); err != nil {
		return fmt.Errorf("read what rules remembered: %w", err)
	}
	if s.Form != form {
		return fmt.Errorf("read what rules remembered: its form is %d, and this version knows %d", s.Form, form)
	}
	x.now, x.items = s.Now, 0
	for i, c := range x.set.rules {
		if x.trackers[i] == nil {
			continue
		}
		x.trackers[i] = newTracker(c.relates)
		for _, state := range s.Trackers {
			if state.Rule == c.key() && state.Text == x.set.digest(i) {
				x.trackers[i].restore(state.Groups)
			}
		}
		x.items += x.trackers[i].items
	}
	return nil
}

func (t *tracker) restore(groups []groupState) {
	for _, state := range groups {
		g := t.group(state.Key, state.Opened)
		g.seen, g.samples = state.Seen, samplesOf(state.Samples)
		for v, s := range state.Newest {
			g.latest(v, s.sample())
		}
		for _, c := range state.Chains {
			g.chains = append(g.chains, samplesOf(c))
		}
		t.items += g.size()
	}
}

// digest is the hash of a rule's text and of those that it counts.
func (s *Set) digest(i int) string {
	h := sha256.New()
	var add func(i, depth int)
	add = func(i, depth int) {
		h.Write(s.rules[i].text)
		for j, c := range s.rules {
			if c != nil && depth < maxDepth && slices.ContainsFunc(c.feeds, func(f feed) bool { return f.to == i }) {
				add(j, depth+1)
			}
		}
	}
	add(i, 0)
	return hex.EncodeToString(h.Sum(nil))
}
