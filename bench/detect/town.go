package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
)

// A town is the second generator: a group of practices around a small house with beds. It shares
// no code and no thought with the shipped simulator, so that a detector which has learned the one
// by heart is found out by the other. Every practice works by appointments, few relations are
// delivered, and what is delivered can be thinned out further.

// townKind says how much of a town is told besides the events.
type townKind struct {
	Name      string
	NoFlags   bool // no flags in events and no hashes of households and families
	NoUnits   bool // neither events nor roster name units
	ByStaff   bool // relations name persons only
	NoTies    bool // no relations at all
	NoRoster  bool // no roster
	BareEvent bool // actor, role, unit, patient, time and action only
}

// townKinds are the towns that the robustness test replays.
func townKinds() []townKind {
	return []townKind{
		{Name: "everything told"},
		{Name: "relations by person only", ByStaff: true},
		{Name: "no flags or hashes", NoFlags: true},
		{Name: "bare events", BareEvent: true},
		{Name: "no units", NoUnits: true, ByStaff: true},
		{Name: "no roster", NoRoster: true},
		{Name: "no relations", NoTies: true},
	}
}

// townSize says how large a town is.
type townSize struct{ Practices, Wards, Patients, Days int }

type townStaff struct {
	id        string
	role      string
	unit      string
	household int
	family    int
	chart     int
	desk      string // address
	night     bool
	left      int // day from which the person is gone, -1 for never
}

// town is the state of the generator.
type town struct {
	kind  townKind
	size  townSize
	rnd   *rand.Rand
	staff []*townStaff
	by    map[string][]*townStaff // unit/role
	// of patients, by number
	household, family []int
	celebrity         []bool
	panel             [][]int // by practice
	beds              [][]*bed
	bills             map[int][]int // patients to bill, by day
	seen              map[*townStaff][]seenPatient
	schemes           map[int][]scheme
	n                 int
	today             int
	out, late         []labelled
	to                sink
}

type bed struct{ patient, until int }

type seenPatient struct{ patient, day int }

// labelled is an event with what only its maker knows.
type labelled struct {
	ev     event.Event
	misuse string
}

// sink receives what a generator tells, each in order: facts when they become known.
type sink interface {
	Staff(event.Staff)
	Relation(event.Relation)
	Chart(event.Chart)
	Event(ev *event.Event, misuse string)
	EndOf(day time.Time)
}

// first is the day on which every town begins, a Monday.
func first() time.Time { return time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC) }

// runTown plays a town from its first day to its last.
func runTown(kind townKind, size townSize, seed uint64, to sink) {
	t := &town{kind: kind, size: size, rnd: rand.New(rand.NewPCG(seed, 77)), by: map[string][]*townStaff{}, bills: map[int][]int{},
		seen: map[*townStaff][]seenPatient{}, schemes: map[int][]scheme{}, to: to}
	t.people()
	t.plan()
	for day := range size.Days {
		t.out = append(t.out[:0], t.late...)
		t.honest(day)
		t.misuse(day)
		sort.SliceStable(t.out, func(i, j int) bool { return t.out[i].ev.Time.Before(t.out[j].ev.Time) })
		midnight := sort.Search(len(t.out), func(i int) bool { return !t.out[i].ev.Time.Before(first().AddDate(0, 0, day+1)) })
		t.late = append(t.late[:0], t.out[midnight:]...) // a night shift goes on tomorrow
		t.out = t.out[:midnight]
		for i := range t.out {
			t.n++
			t.out[i].ev.ID = fmt.Sprintf("e%08d", t.n)
			to.Event(&t.out[i].ev, t.out[i].misuse)
		}
		to.EndOf(first().AddDate(0, 0, day))
	}
}

// people settles patients in households, and hires staff from among them.
func (t *town) people() {
	for n := range t.size.Patients {
		if n == 0 || t.rnd.Float64() < .45 {
			t.household = append(t.household, n)
			t.family = append(t.family, int(400*t.rnd.Float64()*t.rnd.Float64()))
		} else {
			t.household = append(t.household, t.household[n-1])
			t.family = append(t.family, t.family[n-1])
		}
		t.celebrity = append(t.celebrity, t.rnd.Float64() < .003)
	}
	for p := range t.size.Practices {
		t.hire(fmt.Sprint("practice ", p), map[string]int{"physician": 3, "nurse": 3, "receptionist": 2})
		panel := make([]int, t.size.Patients/t.size.Practices)
		for i := range panel {
			panel[i] = t.rnd.IntN(t.size.Patients)
		}
		t.panel = append(t.panel, panel)
	}
	for w := range t.size.Wards {
		t.hire(fmt.Sprint("beds ", w), map[string]int{"physician": 4, "nurse": 14})
		t.beds = append(t.beds, make([]*bed, 24))
	}
	t.hire("laboratory", map[string]int{"lab-technician": t.size.Practices / 2})
	t.hire("imaging", map[string]int{"radiographer": t.size.Practices / 3})
	t.hire("accounts", map[string]int{"billing": t.size.Practices / 2})
	for n := range t.size.Patients {
		c := event.Chart{Patient: bucket(n), VIP: t.celebrity[n] && !t.kind.BareEvent}
		if !t.kind.NoFlags && !t.kind.BareEvent {
			c.Household, c.Family = fmt.Sprint("h", t.household[n]), fmt.Sprint("f", t.family[n])
		}
		t.to.Chart(c)
	}
}

func bucket(patient int) tutela.Bucket {
	return tutela.Bucket(uint64(patient+5) * 0x9E3779B97F4A7C15 >> 1)
}

func (t *town) hire(unit string, posts map[string]int) {
	for _, role := range slices.Sorted(keysOf(posts)) {
		for range posts[role] {
			chart := t.rnd.IntN(t.size.Patients)
			s := &townStaff{id: fmt.Sprintf("p%04d", len(t.staff)), role: role, unit: unit, chart: chart, left: -1,
				household: t.household[chart], family: t.family[chart], desk: fmt.Sprintf("10.2.%d.%d", len(t.staff)/200, len(t.staff)%200)}
			t.staff = append(t.staff, s)
			t.by[unit+"/"+role] = append(t.by[unit+"/"+role], s)
			t.tell(s, 0)
		}
	}
}

func keysOf(m map[string]int) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// tell puts a person into the roster; until is the day of leaving, 0 for none.
func (t *town) tell(s *townStaff, until int) {
	if t.kind.NoRoster {
		return
	}
	line := event.Staff{ID: tutela.UserID(s.id), Roles: []string{s.role}, Unit: s.unit, Chart: bucket(s.chart)}
	if t.kind.NoUnits {
		line.Unit = ""
	}
	if !t.kind.NoFlags && !t.kind.BareEvent {
		line.Household, line.Family = fmt.Sprint("h", s.household), fmt.Sprint("f", s.family)
	}
	if until > 0 {
		line.To = first().AddDate(0, 0, until)
	}
	t.to.Staff(line)
}

// tie delivers a relation, as far as this town delivers any.
func (t *town) tie(kind event.RelationKind, patient int, s *townStaff, unit string, from, to time.Time) {
	r := event.Relation{Kind: kind, Unit: unit, From: from, To: to}
	if patient >= 0 {
		r.Patient = bucket(patient)
	}
	if s != nil {
		r.Staff = tutela.UserID(s.id)
	}
	if t.kind.ByStaff {
		r.Unit = ""
	}
	if !t.kind.NoTies && (r.Unit != "" || r.Staff != "") {
		t.to.Relation(r)
	}
}

// open writes an access down.
func (t *town) open(s *townStaff, patient int, at time.Time, action tutela.Action, kind, misuse string) *event.Event {
	ev := event.Event{Entry: tutela.Entry{Time: at, Action: action, Outcome: tutela.OutcomeSuccess, Count: 1,
		Actor:    tutela.Actor{ID: tutela.UserID(s.id), Kind: tutela.ActorPerson, Roles: []string{s.role}, Unit: s.unit},
		Patients: []tutela.Touched{{Patient: bucket(patient)}}}}
	if t.kind.NoUnits {
		ev.Actor.Unit = ""
	}
	if !t.kind.BareEvent {
		ev.Type, ev.Address, ev.Purpose = kind, s.desk, tutela.PurposeTreatment
		ev.Bytes = int64(600 + t.rnd.IntN(4000))
		if s.role == "billing" {
			ev.Purpose = tutela.PurposePayment
		}
		if !t.kind.NoFlags && t.household[patient]%97 == s.household%97 && t.family[patient] != s.family {
			ev.Patients[0].Flags = []string{"neighbour"} // the same street
		}
	}
	t.out = append(t.out, labelled{ev, misuse})
	return &t.out[len(t.out)-1].ev
}
