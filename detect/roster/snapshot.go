package roster

import (
	"io"
	"maps"
	"slices"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/state"
)

const (
	stateName    = "roster"
	stateVersion = 1
)

// Snapshot writes everything that the directory holds. The same directory gives the same bytes.
func (d *Directory) Snapshot(w io.Writer) error {
	s := state.NewWriter(w, stateName, stateVersion)
	for _, list := range []*names{&d.people, &d.units, &d.roles} {
		s.Uint(uint64(len(list.all)))
		for _, name := range list.all[1:] {
			s.Text(name)
		}
	}
	for i := range d.staff {
		d.staff[i].write(s)
	}
	writeMap(s, d.owners, func(n Person) { s.Uint(uint64(n)) })
	writeMap(s, d.charts, func(c Chart) {
		s.Uint(c.household)
		s.Uint(c.family)
		s.Bool(c.VIP)
		s.Bool(c.Sensitive)
	})
	writeMap(s, d.ties, func(ties []Tie) { writeTies(s, ties) })
	return s.Close()
}

// Restore replaces what the directory holds by what a snapshot tells. After an error the directory
// is as it was.
func (d *Directory) Restore(r io.Reader) error {
	s := state.NewReader(r, stateName, stateVersion)
	got := New()
	for _, list := range []*names{&got.people, &got.units, &got.roles} {
		for range s.Count(list.limit) - 1 {
			list.number(s.Text())
		}
	}
	got.staff = make([]person, len(got.people.all))
	for i := range got.staff {
		got.staff[i].read(s)
	}
	readMap(s, maxPeople, got.owners, func() Person { return Person(s.Uint()) })
	readMap(s, maxCharts, got.charts, func() Chart {
		return Chart{household: s.Uint(), family: s.Uint(), VIP: s.Bool(), Sensitive: s.Bool()}
	})
	readMap(s, maxTies, got.ties, func() []Tie {
		ties := readTies(s, maxPerHead)
		got.held += len(ties)
		return ties
	})
	if s.Err() == nil {
		*d = *got
	}
	return s.Err()
}

func (p *person) write(s *state.Writer) {
	s.Uint(uint64(len(p.posts)))
	for _, post := range p.posts {
		s.Uint(uint64(post.Role))
		s.Uint(uint64(post.Unit))
		s.Uint(uint64(post.From))
		s.Uint(uint64(post.To))
	}
	writeTies(s, p.covers)
	s.Int(int64(p.chart))
	s.Uint(p.household)
	s.Uint(p.family)
}

func (p *person) read(s *state.Reader) {
	for range s.Count(maxPosts) {
		p.posts = append(p.posts, Post{Role: Role(s.Uint()), Unit: Unit(s.Uint()), From: Minute(s.Uint()), To: Minute(s.Uint())})
	}
	p.covers = readTies(s, maxCovers)
	p.chart = tutela.Bucket(s.Int())
	p.household, p.family = s.Uint(), s.Uint()
}

func writeTies(s *state.Writer, ties []Tie) {
	s.Uint(uint64(len(ties)))
	for _, t := range ties {
		s.Uint(uint64(t.From))
		s.Uint(uint64(t.To))
		s.Uint(uint64(t.Person))
		s.Uint(uint64(t.Unit))
		s.Uint(uint64(t.Kind))
	}
}

func readTies(s *state.Reader, limit int) []Tie {
	n := s.Count(limit)
	if n == 0 {
		return nil
	}
	ties := make([]Tie, 0, n)
	for range n {
		ties = append(ties, Tie{From: Minute(s.Uint()), To: Minute(s.Uint()), Person: Person(s.Uint()), Unit: Unit(s.Uint()), Kind: Kind(s.Uint())})
	}
	return ties
}

// writeMap writes a map in the order of its keys.
func writeMap[V any](s *state.Writer, m map[tutela.Bucket]V, one func(V)) {
	s.Uint(uint64(len(m)))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		s.Int(int64(key))
		one(m[key])
	}
}

// readMap reads what writeMap wrote, and stops at the first error.
func readMap[V any](s *state.Reader, limit int, m map[tutela.Bucket]V, one func() V) {
	for range s.Count(limit) {
		key := tutela.Bucket(s.Int())
		value := one()
		if s.Err() != nil {
			return
		}
		m[key] = value
	}
}
