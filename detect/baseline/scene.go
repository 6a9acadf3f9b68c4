package baseline

import (
	"hash/fnv"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/roster"
)

// scene is one access with everything around it that does not depend on the patient.
type scene struct {
	ev        *event.Event
	who       roster.Person
	person    *person
	role      roster.Role
	units     [4]roster.Unit // the event's and the roster's, 0 for none
	group     *group         // peers of role and unit
	tally     *tally
	at        roster.Minute
	day       date
	hourOfDay int
	bin       int // hour of the week's two kinds of day
	place     uint64
	kind      int // of action and type, 0 when unknown
	purpose   int
	writes    bool
	login     bool   // the first access from this address, or of this session
	marks     uint32 // signals that hold
}

func (s *scene) has(g signal) bool { return s.marks&(1<<g) != 0 }

func (s *scene) mark(g signal, holds bool) {
	if holds {
		s.marks |= 1 << g
	}
}

// scene looks at who acts, from where and when.
func (m *Model) scene(ev *event.Event) scene {
	s := scene{ev: ev, who: m.dir.Person(ev.Actor.ID), at: roster.MinuteOf(ev.Time), day: m.cfg.dateOf(ev.Time)}
	local := ev.Time.In(m.cfg.Zone)
	s.hourOfDay = local.Hour()
	s.bin = s.hourOfDay
	if d := local.Weekday(); d == time.Saturday || d == time.Sunday {
		s.bin += 24
	}
	s.person = m.personOf(s.who)
	m.place(&s)
	s.group = m.groupOf(groupKey{s.role, s.units[0]})
	s.place = hashOf(ev.Address)
	s.kind = m.kindOf(ev)
	s.purpose = m.purposeOf(ev.Purpose)
	s.writes = writing(ev.Action)
	s.tally = m.tallyOf(&s)
	return s
}

// place finds role and units: what the event says goes before what the roster says.
func (m *Model) place(s *scene) {
	s.role = m.dir.Role(s.ev.Actor.Roles)
	if s.role == 0 && s.ev.Actor.Kind == tutela.ActorService {
		s.role = m.dir.Role([]string{string(tutela.ActorService)})
	}
	n := 0
	if u := m.dir.Unit(s.ev.Actor.Unit); u != 0 {
		s.units[0] = u
		n = 1
	}
	last := roster.Post{}
	for _, p := range m.dir.Posts(s.who) {
		if s.at < p.From || p.To <= s.at {
			if p.To <= s.at && p.To > last.To {
				last = p
			}
			continue
		}
		if s.role == 0 {
			s.role = p.Role
		}
		if p.Unit != 0 && n < len(s.units) && !slices.Contains(s.units[:n], p.Unit) {
			s.units[n] = p.Unit
			n++
		}
	}
	if n == 0 {
		s.units[0] = last.Unit // who has left on paper still stands where he stood, if he works on
	}
}

// within tells whether a unit is one of the person's.
func (s *scene) within(u roster.Unit) bool {
	return u != 0 && (u == s.units[0] || u == s.units[1] || u == s.units[2] || u == s.units[3])
}

// slept tells whether the account had not been used for a month.
func (m *Model) slept(s *scene) bool {
	const month = 30
	if s.person.known && s.person.seen > 0 {
		if s.day >= s.person.seen+month {
			s.person.woke = s.day
		}
		return s.person.woke > 0 && s.day < s.person.woke+aWeekOfDays
	}
	if m.began == 0 || s.day < m.began+month {
		return false
	}
	for _, p := range m.dir.Posts(s.who) {
		if p.From+month*24*60 <= s.at {
			s.person.woke = s.day
			return true
		}
	}
	return false
}

func (m *Model) kindOf(ev *event.Event) int {
	kind := [2]string{string(ev.Action), ev.Type}
	if kind[1] == "" && len(ev.Patients) > 0 {
		for name := range ev.Patients[0].Counts {
			if kind[1] == "" || name < kind[1] {
				kind[1] = name
			}
		}
	}
	if n, ok := m.kinds[kind]; ok {
		return n
	}
	if len(m.kinds) >= maxKinds-1 {
		return 0
	}
	kind = [2]string{strings.Clone(kind[0]), strings.Clone(kind[1])}
	m.kinds[kind] = len(m.kinds) + 1
	return len(m.kinds)
}

func (m *Model) purposeOf(p tutela.Purpose) int {
	if n, ok := m.purposes[p]; ok || p == "" || len(m.purposes) >= 256 {
		return n
	}
	m.purposes[tutela.Purpose(strings.Clone(string(p)))] = len(m.purposes) + 1
	return len(m.purposes)
}

// writing tells whether an action leaves something in a chart.
func writing(a tutela.Action) bool {
	switch a {
	case tutela.ActionCreate, tutela.ActionUpdate, tutela.ActionDelete, tutela.ActionBatch, tutela.ActionTransaction:
		return true
	}
	return false
}

// exporting tells whether an action takes data out as a whole.
func exporting(a tutela.Action) bool {
	return a == tutela.ActionExport || a == tutela.ActionPatientExport || strings.Contains(string(a), "export")
}

func hashOf(text string) uint64 {
	if text == "" {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // a hash's Write never fails
	return h.Sum64() | 1
}

func ones(n uint32) int { return bits.OnesCount32(n) }

func contains(list []uint64, one uint64) bool { return slices.Contains(list, one) }
