package baseline

import (
	"cmp"
	"io"
	"maps"
	"slices"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/state"
)

const (
	stateName    = "baseline"
	stateVersion = 3

	maxPeople  = 200_000
	maxCharted = 2_000_000
)

// Snapshot writes everything that the model has learned. The same model gives the same bytes. The
// directory is not part of it: it has a snapshot of its own.
func (m *Model) Snapshot(w io.Writer) error {
	s := state.NewWriter(w, stateName, stateVersion)
	m.pass(state.Writing(s))
	return s.Close()
}

// Restore replaces what the model has learned by what a snapshot tells. The directory must have been
// restored to the same moment: persons, roles and units appear by its numbers. After an error the
// model is as it was.
func (m *Model) Restore(r io.Reader) error {
	s := state.NewReader(r, stateName, stateVersion)
	got := New(m.cfg, m.dir)
	if got.pass(state.Reading(s)); s.Err() == nil {
		*m = *got
	}
	return s.Err()
}

// pass writes or reads the model.
func (m *Model) pass(c state.Codec) {
	state.Integer(c, &m.began)
	c.Float(&m.uncovered)
	m.budget.pass(c)
	m.everyone.pass(c)
	passMap(c, m.groups, maxGroups, groupKey.compare, func(key *groupKey, g **group) {
		state.Integer(c, &key.role)
		state.Integer(c, &key.unit)
		if *g == nil {
			*g = &group{}
		}
		(*g).pass(c)
	})
	state.List(c, &m.people, maxPeople, func(p **person) {
		is := *p != nil
		if c.Bool(&is); is && *p == nil {
			*p = &person{}
		}
		if is {
			(*p).pass(c)
		}
	})
	passMap(c, m.visits, maxCharted, cmp.Compare[tutela.Bucket], func(p *tutela.Bucket, list *[]visit) {
		state.Integer(c, p)
		state.List(c, list, maxVisits, func(one *visit) { one.pass(c) })
	})
	passMap(c, m.house, maxHouse, cmp.Compare[uint64], func(place *uint64, last *date) {
		state.Hash(c, place)
		state.Integer(c, last)
	})
	passMap(c, m.kinds, maxKinds, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }, func(kind *[2]string, n *int) {
		c.Text(&kind[0])
		c.Text(&kind[1])
		state.Integer(c, n)
	})
	passMap(c, m.purposes, maxKinds, cmp.Compare[tutela.Purpose], func(p *tutela.Purpose, n *int) {
		text := string(*p)
		c.Text(&text)
		*p = tutela.Purpose(text)
		state.Integer(c, n)
	})
	if c.Reads() {
		m.adopt()
	}
}

// adopt gives groups that were read their parents.
func (m *Model) adopt() {
	for key, g := range m.groups {
		g.parent, g.trust = m.everyone, roleTrust
		if key.unit == 0 {
			continue
		}
		g.trust = unitTrust
		if role, ok := m.groups[groupKey{role: key.role}]; ok {
			g.parent = role
		}
	}
}

func (k groupKey) compare(other groupKey) int {
	return cmp.Or(cmp.Compare(k.role, other.role), cmp.Compare(k.unit, other.unit))
}

// passMap passes a map in the order of its keys.
func passMap[K comparable, V any](c state.Codec, m map[K]V, limit int, order func(a, b K) int, one func(*K, *V)) {
	keys := slices.SortedFunc(maps.Keys(m), order)
	state.List(c, &keys, limit, func(key *K) {
		value := m[*key]
		if one(key, &value); c.Err() == nil {
			m[*key] = value
		}
	})
}
