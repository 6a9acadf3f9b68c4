package deps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/deps/osv"
	"github.com/tutela-health/tutela/supply/deps/part"
)

// matcher holds components against advisories.
type matcher struct {
	store  *osv.Store
	now    time.Time
	reach  *reach
	absent map[string]bool // ecosystems without advisories
	seen   []osv.Collection
	failed []string
}

// Matched is what advisories say of components.
type Matched struct {
	Findings []supply.Finding
	Failed   []string        // what could not be compared
	Absent   map[string]bool // ecosystems that are there and have no advisories
	Data     []supply.Data
}

// Match holds components, such as those of a bill of materials, against advisories.
func Match(ctx context.Context, store *osv.Store, list []supply.Component, now time.Time) (Matched, error) {
	m := &matcher{store: store, now: now}
	found, err := m.all(ctx, list)
	return Matched{found, m.failed, m.absent, m.data()}, err
}

// all gives the findings of all components.
func (m *matcher) all(ctx context.Context, list []supply.Component) ([]supply.Finding, error) {
	m.absent = map[string]bool{}
	var found []supply.Finding
	for i := range list {
		if err := m.look(ctx, list[i].Ecosystem); err != nil {
			return nil, err
		}
		faults, err := m.component(ctx, &list[i])
		if err != nil {
			return nil, err
		}
		found = append(found, faults...)
	}
	return found, nil
}

// look notes whether there is a database of an ecosystem.
func (m *matcher) look(ctx context.Context, ecosystem string) error {
	base := osv.Base(ecosystem)
	if m.absent[base] || slices.ContainsFunc(m.seen, func(c osv.Collection) bool { return c.Ecosystem == base }) {
		return nil
	}
	c, err := m.store.About(ctx, base)
	if errors.Is(err, osv.ErrAbsent) {
		m.absent[base] = true
		return nil
	}
	m.seen = append(m.seen, c)
	return err
}

// fault is one fault of a component, by all advisories that speak of it.
type fault struct {
	advisories []osv.Advisory
	version    string // by which they judge: a distribution's source package may have its own
}

// component gives the findings of one component.
func (m *matcher) component(ctx context.Context, c *supply.Component) ([]supply.Finding, error) {
	var hits []osv.Advisory
	version := c.Version
	for _, name := range part.Names(*c) {
		known, err := m.store.Advisories(ctx, c.Ecosystem, name[0])
		if errors.Is(err, osv.ErrAbsent) {
			continue // not even a bulletin; look has noted it
		}
		if err != nil {
			return nil, err
		}
		for _, a := range known {
			yes, err := a.Affects(c.Ecosystem, name[1], m.now)
			if err != nil {
				m.failed = append(m.failed, fmt.Sprintf("%s: %s of %s %s: %v", c.Path, a.ID, c.Name, c.Version, err))
			}
			if yes && !slices.ContainsFunc(hits, func(h osv.Advisory) bool { return h.ID == a.ID }) {
				hits, version = append(hits, a), name[1]
			}
		}
	}
	var found []supply.Finding
	for _, f := range group(hits) {
		found = append(found, m.finding(c, fault{f, version}))
	}
	return found, nil
}

// group joins advisories that are of one fault: those that share a name, however many steps away.
func group(hits []osv.Advisory) [][]osv.Advisory {
	var groups [][]osv.Advisory
	for _, a := range hits {
		joined := []osv.Advisory{a}
		var rest [][]osv.Advisory
		for _, g := range groups {
			if slices.ContainsFunc(g, func(b osv.Advisory) bool { return same(a, b) }) {
				joined = append(g, joined...)
			} else {
				rest = append(rest, g)
			}
		}
		groups = append(rest, joined)
	}
	for _, g := range groups {
		slices.SortStableFunc(g, func(a, b osv.Advisory) int { return cmp.Or(rank(a.ID)-rank(b.ID), strings.Compare(a.ID, b.ID)) })
	}
	return groups
}

// same reports whether two advisories are of one fault. What a distribution's advisory is about names the
// fault only where that is one.
func same(a, b osv.Advisory) bool {
	other := identities(b)
	return slices.ContainsFunc(identities(a), func(n string) bool { return slices.Contains(other, n) })
}

func identities(a osv.Advisory) []string {
	names := append([]string{a.ID}, a.Aliases...)
	if len(a.Upstream) == 1 {
		names = append(names, a.Upstream...)
	}
	return names
}

// rank puts the ecosystem's own database first: it says most exactly what is affected.
func rank(id string) int {
	switch head, _, _ := strings.Cut(id, "-"); head {
	case "MAL":
		return 0
	case "GO", "RUSTSEC", "PYSEC":
		return 1
	case "GHSA":
		return 3
	case "CVE":
		return 4
	}
	return 2
}

// data says how old the advisories are that were used.
func (m *matcher) data() []supply.Data {
	var list []supply.Data
	for _, c := range m.seen {
		list = append(list, supply.Data{Name: "OSV " + c.Ecosystem, Entries: c.Entries, Newest: c.Newest})
	}
	if n, released := m.store.ExploitedList(); n > 0 && len(m.seen) > 0 {
		list = append(list, supply.Data{Name: "CISA known exploited vulnerabilities", Entries: n, Newest: released})
	}
	return list
}
