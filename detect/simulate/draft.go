package simulate

import (
	"slices"

	"github.com/tutela-health/tutela"
)

// draft is an entry before the ledger's own words are added.
type draft struct {
	id       string
	at       int64
	who      int32
	patient  int32   // or none
	others   []int32 // further patients, of a list
	action   tutela.Action
	typ      string
	job      *job
	opened   int // resources of each patient
	bytes    int64
	status   int
	address  uint32
	session  string
	glass    string
	labelled bool // what it opened bears a label, where the chart has any
	subject  *tutela.Subject
	listed   int16 // where the roster had him: the unit in his token
	scheme   int32 // 1 and up: whose misuse this is a part of
	also     role  // a role that was added to his own
	cause    cause // what the hospital's systems know of why, as the summary counts it
}

// call says how a visit differs from an ordinary one. The zero value is an ordinary one.
type call struct {
	address uint32 // 0: one of the usual workstations
	glass   string // the emergency under which it happens
	scheme  int32
	factor  float64 // of the number of steps; 0 means 1
	quick   bool    // one step after another without reading
	also    role    // a role that the account has for the moment
}

// visit lets somebody do a job with a patient's chart, and gives when it was done.
func (w *world) visit(who, p int, at int64, j *job, c call) int64 {
	if who == none || p == none || !w.staff[who].employed(w.dayOf(at)) && c.scheme == 0 {
		return at
	}
	r := w.rng(c)
	if c.address == 0 {
		c.address = w.desk(r, who, at)
	}
	at += int64(r.IntN(int(50 * second))) // nobody is on time to the second
	w.slip(who, p, at, j, c)
	for _, s := range j.open {
		if r.chance(0.85) {
			at = w.do(who, p, at, j, s, c)
		}
	}
	factor := c.factor
	if factor == 0 {
		factor = 1
	}
	for range max(1, r.some(j.mean*factor*w.staff[who].pace)) {
		at = w.do(who, p, at, j, weighted(r, j.steps), c)
	}
	return at
}

// labelledShare is how much of what is opened in a sensitive chart bears a label. Invented.
const labelledShare = 0.3

// do drafts one step and gives when the next may follow.
func (w *world) do(who, p int, at int64, j *job, s step, c call) int64 {
	r := w.rng(c)
	d := draft{at: at, who: int32(who), patient: int32(p), action: s.action, typ: s.typ, job: j, address: c.address, glass: c.glass,
		scheme: c.scheme, also: c.also, opened: 1, status: 200}
	if s.most > 1 {
		d.opened = max(0, r.between(1, s.most)-r.IntN(2)*r.IntN(2))
	}
	if s.action == tutela.ActionCreate {
		d.status = 201
	}
	d.labelled = s.action != tutela.ActionCreate && s.typ != "Patient" && r.chance(labelledShare)
	d.bytes = int64(float64(d.opened) * r.around(900, 0.5))
	w.add(d)
	if c.quick {
		return at + 400 + int64(r.ExpFloat64()*1500)
	}
	return at + 1500 + int64(r.around(9000*w.staff[who].linger, 0.9))
}

// add puts a draft into its day.
func (w *world) add(d draft) {
	d.id = w.ids.id()
	d.listed = int16(w.staff[d.who].listed)
	n := max(w.today, w.dayOf(d.at))
	w.drafts[n] = append(w.drafts[n], d)
}

// rng gives the stream of chance of honest work, or of misuse.
func (w *world) rng(c call) dice {
	if c.scheme != 0 {
		return w.bad
	}
	return w.care
}

// desk is where somebody sits: mostly a usual workstation, at times another of the unit, late in the day home.
func (w *world) desk(r dice, who int, at int64) uint32 {
	s := &w.staff[who]
	hours := (at % day) / hour
	switch {
	case s.remote != 0 && (hours >= 18 || hours < 6 || r.chance(0.1)):
		return s.remote
	case r.chance(0.1):
		return w.units[s.unit].subnet | uint32(10+r.IntN(24))
	case r.chance(0.75):
		return s.desks[0]
	}
	return s.desks[1+r.IntN(2)]
}

func weighted(r dice, steps []step) step {
	var sum float64
	for _, s := range steps {
		sum += s.weight
	}
	x := r.Float64() * sum
	for _, s := range steps {
		if x -= s.weight; x < 0 {
			return s
		}
	}
	return steps[len(steps)-1]
}

// list drafts a search that shows several patients: a ward's, a clinic's day, those of a name.
func (w *world) list(who int, at int64, j *job, typ string, patients []int32, c call) {
	patients = distinct(patients)
	if len(patients) == 0 || !w.staff[who].employed(w.dayOf(at)) && c.scheme == 0 {
		return
	}
	r := w.rng(c)
	if c.address == 0 {
		c.address = w.desk(r, who, at)
	}
	at += int64(r.IntN(int(50 * second)))
	w.add(draft{at: at, who: int32(who), patient: patients[0], others: patients[1:], action: tutela.ActionSearch, typ: typ, job: j,
		address: c.address, glass: c.glass, scheme: c.scheme, opened: 1, status: 200, bytes: int64(float64(len(patients)) * r.around(700, 0.3))})
}

// distinct leaves out what has come before.
func distinct(patients []int32) []int32 {
	var list []int32
	for _, p := range patients {
		if !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	return list
}
