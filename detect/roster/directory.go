package roster

import (
	"time"

	"github.com/tutela-health/tutela"
)

// What a directory holds at most: whatever foreign logs and rosters make up, memory has an end.
const (
	maxPeople  = 200_000
	maxUnits   = 1<<16 - 1
	maxTies    = 6_000_000
	maxCharts  = 2_000_000
	maxPosts   = 64   // of one person: the one that ended first goes
	maxCovers  = 256  // of one person
	maxPerHead = 2048 // ties of one patient
)

// Directory is what is known of staff, care and charts. It is not safe for concurrent use.
type Directory struct {
	people names
	units  names
	roles  names

	staff  []person // by the person's number
	owners map[tutela.Bucket]Person
	ties   map[tutela.Bucket][]Tie
	charts map[tutela.Bucket]Chart
	held   int // ties in all
}

// Person, Unit and Role are a directory's numbers for names; 0 is nobody and nowhere.
type (
	Person uint32
	Unit   uint16
	Role   uint16
)

// New makes an empty directory.
func New() *Directory {
	return &Directory{
		people: newNames(maxPeople),
		units:  newNames(maxUnits),
		roles:  newNames(maxUnits),
		staff:  make([]person, 1),
		owners: map[tutela.Bucket]Person{},
		ties:   map[tutela.Bucket][]Tie{},
		charts: map[tutela.Bucket]Chart{},
	}
}

// Person gives the number of an account, a new one for an account that was never heard of. It is 0
// for no account, and when there are more accounts than a directory holds.
func (d *Directory) Person(id tutela.UserID) Person {
	n := Person(d.people.number(string(id)))
	for int(n) >= len(d.staff) {
		d.staff = append(d.staff, person{})
	}
	return n
}

// Unit gives the number of a ward or department.
func (d *Directory) Unit(name string) Unit { return Unit(d.units.number(name)) }

// Role gives the number of a role, or of several roles together.
func (d *Directory) Role(names []string) Role {
	switch len(names) {
	case 0:
		return 0
	case 1:
		return Role(d.roles.number(names[0]))
	}
	return Role(d.roles.number(joined(names)))
}

// People tells how many persons have a number, nobody included.
func (d *Directory) People() int { return len(d.staff) }

// PersonName, UnitName and RoleName give back what a number stands for.
func (d *Directory) PersonName(n Person) tutela.UserID {
	return tutela.UserID(d.people.name(uint32(n)))
}

// UnitName gives a unit's name.
func (d *Directory) UnitName(n Unit) string { return d.units.name(uint32(n)) }

// RoleName gives a role's name.
func (d *Directory) RoleName(n Role) string { return d.roles.name(uint32(n)) }

// Forget drops what ended before a time. Who works where stays: that somebody left long ago is
// what one wants to know.
func (d *Directory) Forget(before time.Time) {
	limit := MinuteOf(before)
	ended := func(t Tie) bool { return t.To < limit }
	for p, ties := range d.ties {
		kept := drop(ties, ended)
		d.held -= len(ties) - len(kept)
		if len(kept) == 0 {
			delete(d.ties, p)
			continue
		}
		d.ties[p] = kept
	}
	for i := range d.staff {
		d.staff[i].covers = drop(d.staff[i].covers, ended)
	}
}

// drop takes out what is over, and gives memory back when much of it was.
func drop(ties []Tie, over func(Tie) bool) []Tie {
	kept := ties[:0]
	for _, t := range ties {
		if !over(t) {
			kept = append(kept, t)
		}
	}
	if len(kept) > 0 && cap(kept) > 16 && len(kept) < cap(kept)/4 {
		kept = append(make([]Tie, 0, len(kept)), kept...)
	}
	return kept
}

// Size tells how many persons, ties and charts are held.
func (d *Directory) Size() (people, ties, charts int) {
	return len(d.staff) - 1, d.held, len(d.charts)
}
