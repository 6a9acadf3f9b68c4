package roster

import (
	"hash/fnv"
	"math"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
)

// Minute is a time in minutes since 1970 UTC; Forever is the last one.
type Minute uint32

// Forever is the end of what has none.
const Forever Minute = math.MaxUint32

// MinuteOf gives the minute of a time, the first one for a time that is zero or before 1970.
func MinuteOf(t time.Time) Minute {
	s := t.Unix()
	switch {
	case s < 0:
		return 0
	case s/60 >= int64(Forever):
		return Forever
	}
	return Minute(s / 60)
}

// endOf reads a time as an end: zero means that there is none.
func endOf(t time.Time) Minute {
	if t.IsZero() {
		return Forever
	}
	return MinuteOf(t)
}

// Post is where and as what somebody works for a time.
type Post struct {
	Role     Role
	Unit     Unit
	From, To Minute
}

// person is what is known of one account's owner.
type person struct {
	posts             []Post
	covers            []Tie
	chart             tutela.Bucket
	household, family uint64
}

// Staff takes in a line of the roster.
func (d *Directory) Staff(s event.Staff) {
	n := d.Person(s.ID)
	if n == 0 {
		return
	}
	p := &d.staff[n]
	p.post(Post{Role: d.Role(s.Roles), Unit: d.Unit(s.Unit), From: MinuteOf(s.From), To: endOf(s.To)})
	if s.Chart != 0 {
		p.chart = s.Chart
		if len(d.owners) < maxPeople {
			d.owners[s.Chart] = n
		}
	}
	if s.Household != "" {
		p.household = digest(s.Household)
	}
	if s.Family != "" {
		p.family = digest(s.Family)
	}
}

// post adds a post, or replaces the one of the same beginning.
func (p *person) post(new Post) {
	for i, old := range p.posts {
		if old.From == new.From && (old.Unit == new.Unit || new.To != Forever || old.To != Forever) {
			p.posts[i] = new
			return
		}
	}
	if len(p.posts) >= maxPosts {
		first := 0
		for i, old := range p.posts {
			if old.To < p.posts[first].To {
				first = i
			}
		}
		p.posts[first] = new
		return
	}
	p.posts = append(p.posts, new)
}

// Employment says whether somebody works here at a time.
type Employment int

// The states of employment.
const (
	Unknown Employment = iota // no roster names the person
	Employed
	Left
	NotYet // the first post begins later
)

// Employment tells whether somebody works here, and if not any more, since when.
func (d *Directory) Employment(n Person, at Minute) (Employment, Minute) {
	if int(n) >= len(d.staff) || len(d.staff[n].posts) == 0 {
		return Unknown, 0
	}
	var left Minute
	for _, p := range d.staff[n].posts {
		if p.From <= at && at < p.To {
			return Employed, 0
		}
		if p.To <= at {
			left = max(left, p.To)
		}
	}
	if left > 0 {
		return Left, left
	}
	return NotYet, 0
}

// Posts gives somebody's posts, past and future ones too. Callers do not change them.
func (d *Directory) Posts(n Person) []Post {
	if int(n) >= len(d.staff) {
		return nil
	}
	return d.staff[n].posts
}

// Covers tells whether somebody stands in for a unit at a time.
func (d *Directory) Covers(n Person, u Unit, at Minute) bool {
	if int(n) >= len(d.staff) || u == 0 {
		return false
	}
	for _, c := range d.staff[n].covers {
		if c.Unit == u && c.From <= at && at < c.To {
			return true
		}
	}
	return false
}

// digest shortens a keyed hash. Two of them that collide make one household of two, once in 2⁶⁴.
func digest(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // a hash's Write never fails
	return h.Sum64()
}
