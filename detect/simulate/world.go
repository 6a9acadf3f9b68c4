package simulate

import (
	"context"
	"maps"
	"slices"
	"time"
)

// world is the hospital as it is on one day, and what is to come.
type world struct {
	cfg Config
	calendar
	*layout
	*town
	jobs *jobs
	to   Receiver

	hr, care, bad, ids dice

	staff    []staffer
	patients []patient
	panels   map[int][]int // patients by their clinic doctor

	today    int
	rosters  [][]duty // of today, by unit
	nights   [][]duty // of yesterday
	scratch  []int
	stays    [][]*stay // by ward
	booked   map[int][]appointment
	agenda   map[int][]task
	covers   map[int][]tie
	gone     []departure // of late
	projects []study
	member   map[int]int // project of each researcher
	schemes  []*scheme
	famous   celebrity
	byRecord []int // patients in the order of their record numbers

	drafts   map[int][]draft
	notices  map[int][]Notice
	sessions sessions
	summary  Summary
}

// Run invents the hospital and tells the receiver of it, day by day, until it is over or ctx ends.
// progress is called after every day, with how many are over.
func Run(ctx context.Context, cfg Config, to Receiver, progress func(days int)) (Summary, error) {
	if err := cfg.check(); err != nil {
		return Summary{}, err
	}
	w := newWorld(cfg, to)
	if err := w.charts(); err != nil {
		return Summary{}, err
	}
	if err := w.people(); err != nil {
		return Summary{}, err
	}
	for d := range cfg.Days {
		if err := ctx.Err(); err != nil {
			return w.summary, err
		}
		w.live(d)
		if err := w.flush(d); err != nil {
			return w.summary, err
		}
		progress(d + 1)
	}
	return w.summary, w.close()
}

func newWorld(cfg Config, to Receiver) *world {
	w := &world{
		cfg: cfg, calendar: calendar{cfg.Start.UnixMilli()}, layout: newLayout(cfg.Staff), jobs: newJobs(), to: to,
		hr: newDice(cfg.Seed, streamRoster), care: newDice(cfg.Seed, streamCare), bad: newDice(cfg.Seed, streamMisuse), ids: newDice(cfg.Seed, streamIDs),
		panels: make(map[int][]int), booked: make(map[int][]appointment), agenda: make(map[int][]task), covers: make(map[int][]tie),
		member: make(map[int]int), drafts: make(map[int][]draft), notices: make(map[int][]Notice), sessions: newSessions(),
	}
	w.patients, w.town = settle(newDice(cfg.Seed, streamPatients), cfg.Patients)
	w.hire(newDice(cfg.Seed, streamPeople))
	w.rosters, w.nights, w.stays = make([][]duty, len(w.units)), make([][]duty, len(w.units)), make([][]*stay, len(w.units))
	w.summary.Kinds = make(map[string]int)
	w.byRecord = make([]int, len(w.patients))
	for i := range w.patients {
		w.byRecord[w.patients[i].record-firstRecord] = i
	}
	w.fill()
	w.plot()
	return w
}

// fill gives the hospital patients, appointments and studies as on any day.
func (w *world) fill() {
	w.doctors()
	w.enrol()
	w.plan(0)
	for _, u := range w.wards {
		for range int(0.8 * float64(w.units[u].beds)) {
			w.admit(w.somebody(w.units[u].specialty), u, w.midnight(0)-int64(w.care.IntN(int(4*day))))
		}
	}
	for _, c := range w.clinics {
		for d := range horizon {
			w.book(c, d, 0.82*(1-float64(d)/horizon), w.midnight(0))
		}
	}
	clear(w.drafts) // what was done before the first day is not told
}

// doctors gives half of the patients a clinic doctor; the systems know of most.
func (w *world) doctors() {
	for p := range w.patients {
		who := &w.patients[p]
		if !w.care.chance(0.5) {
			continue
		}
		doctor := w.homeDoctor(w.clinicOf(int(who.field)))
		if doctor == none {
			continue
		}
		who.doctor = int32(doctor)
		w.panels[doctor] = append(w.panels[doctor], p)
		if w.care.chance(0.6) {
			w.know(p, tie{kind: teamTie, staff: int32(doctor), unit: none, from: w.midnight(0) - 400*day, to: w.midnight(0) + 600*day}, w.midnight(0))
		}
	}
}

// live lets a day happen.
func (w *world) live(d int) {
	w.today = d
	w.plan(d)
	w.wardDay(d)
	w.clinicDay(d)
	w.emergencyDay(d)
	w.officeDay(d)
	w.learning(d)
	w.misuseDay(d)
}

// close tells of what still lasts.
func (w *world) close() error {
	last := w.midnight(w.cfg.Days)
	for _, d := range slices.Sorted(maps.Keys(w.notices)) {
		for _, n := range w.notices[d] {
			if n.Step == Moves {
				n.Step, n.Relation = Ends, n.Before
			}
			if n.Step == Begins || n.Relation.From.UnixMilli() >= last {
				continue
			}
			n.Relation.To = time.Time{} // it comes after the history
			if err := w.to.Notice(n); err != nil {
				return err
			}
		}
	}
	for _, u := range w.wards {
		for _, s := range w.stays[u] {
			if err := w.stillThere(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// stillThere tells of an admission that outlasts the history: it has no end.
func (w *world) stillThere(s *stay) error {
	last := w.midnight(w.cfg.Days)
	for _, t := range w.patients[s.patient].ties {
		if t.kind == admissionTie && t.to == 0 && t.from < last {
			if err := w.to.Notice(Notice{At: last, Step: Ends, Relation: w.relation(s.patient, t)}); err != nil {
				return err
			}
		}
	}
	return nil
}
