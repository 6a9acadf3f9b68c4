package simulate

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
)

// Summary counts what a simulation told.
type Summary struct {
	Entries   int            `json:"entries"`
	Relations int            `json:"relations"`
	StaffDays int            `json:"staff_days"`
	Misused   int            `json:"misuse_staff_days"`
	Misuse    int            `json:"misuse_entries"`
	Kinds     map[string]int `json:"misuse_staff_days_by_kind"`
	// Chart counts entries about charts that are no misuse; Joined those of them by somebody whom a relation on record
	// joins to the patient, by name or unit; Treated those of the rest whose patient has a relation to somebody at the time.
	Chart   int `json:"honest_chart_entries"`
	Joined  int `json:"honest_with_relation"`
	Treated int `json:"honest_of_treated"`
}

// people tells the roster.
func (w *world) people() error {
	for i := range w.staff {
		s := &w.staff[i]
		line := event.Staff{ID: s.id, Roles: s.roles(), Unit: w.units[s.unit].name}
		if s.joins > 0 {
			line.From = w.date(s.joins)
		}
		if s.ended < w.cfg.Days {
			line.To = w.date(s.ended + 1)
		}
		line.Family = w.families[s.family]
		if s.linked {
			line.Chart = w.patients[s.chart].bucket
		}
		if s.known {
			line.Household = w.households[s.home]
		}
		if err := w.listed(s, line); err != nil {
			return err
		}
	}
	return nil
}

// listed tells one person's line, or the two of somebody who moves.
func (w *world) listed(s *staffer, line event.Staff) error {
	if s.told >= w.cfg.Days {
		return w.to.Staff(line)
	}
	line.To = w.date(s.told)
	if err := w.to.Staff(line); err != nil {
		return err
	}
	line.From, line.To, line.Unit = line.To, time.Time{}, w.units[s.next].name
	return w.to.Staff(line)
}

// flush tells a day that is over, in the order of time.
func (w *world) flush(d int) error {
	drafts := w.signIn(w.drafts[d], d)
	delete(w.drafts, d)
	notices := w.notices[d]
	delete(w.notices, d)
	inOrder(drafts)
	slices.SortStableFunc(notices, func(a, b Notice) int { return cmp.Compare(a.At, b.At) })
	for _, n := range notices {
		w.summary.Relations++
		if err := w.to.Notice(n); err != nil {
			return fmt.Errorf("tell a relation: %w", err)
		}
	}
	for i := range drafts {
		w.summary.Entries++
		e := w.entry(&drafts[i])
		if err := w.to.Entry(&e); err != nil {
			return fmt.Errorf("tell an entry: %w", err)
		}
	}
	return w.confess(drafts, d)
}

// inOrder sorts drafts by time; ids, which are random, part those of one moment.
func inOrder(drafts []draft) {
	slices.SortFunc(drafts, func(a, b draft) int {
		if c := cmp.Compare(a.at, b.at); c != 0 {
			return c
		}
		return cmp.Compare(a.id, b.id)
	})
}

// confess tells which of a day's entries were misuse, and what each account's day held.
func (w *world) confess(drafts []draft, d int) error {
	date := w.date(d).Format("2006-01-02")
	days := make(map[int32]*StaffDay)
	for i := range drafts {
		f := &drafts[i]
		sd := days[f.who]
		if sd == nil {
			sd = &StaffDay{Staff: w.staff[f.who].id, Day: date}
			days[f.who] = sd
		}
		sd.Entries++
		if f.scheme == 0 {
			w.tally(f)
			continue
		}
		kind := w.schemes[f.scheme-1].kind.name
		sd.Misuse++
		if !slices.Contains(sd.Kinds, kind) {
			sd.Kinds = append(sd.Kinds, kind)
		}
		w.summary.Misuse++
		if err := w.to.Misuse(Misuse{Entry: f.id, Kind: kind, Staff: sd.Staff, Day: date, Case: int(f.scheme)}); err != nil {
			return fmt.Errorf("tell the truth: %w", err)
		}
	}
	return w.staffDays(days)
}

// tally counts an honest entry.
func (w *world) tally(f *draft) {
	if f.patient == none {
		return
	}
	w.summary.Chart++
	switch f.cause {
	case joined:
		w.summary.Joined++
	case treated:
		w.summary.Treated++
	}
}

func (w *world) staffDays(days map[int32]*StaffDay) error {
	list := make([]*StaffDay, 0, len(days))
	for _, sd := range days {
		list = append(list, sd)
	}
	slices.SortFunc(list, func(a, b *StaffDay) int { return cmp.Compare(a.Staff, b.Staff) })
	for _, sd := range list {
		w.summary.StaffDays++
		if sd.Misuse > 0 {
			w.summary.Misused++
		}
		slices.Sort(sd.Kinds)
		for _, k := range sd.Kinds {
			w.summary.Kinds[k]++
		}
		if err := w.to.StaffDay(*sd); err != nil {
			return fmt.Errorf("tell the truth: %w", err)
		}
	}
	return nil
}

// The nodes that a hospital's ledger is written by.
func nodes() [3]string { return [3]string{"node-1", "node-2", "node-3"} }

// entry makes the entry that the ledger would hold, and counts on the way whether a relation explains it.
func (w *world) entry(f *draft) tutela.Entry {
	s := &w.staff[f.who]
	e := tutela.Entry{
		ID: f.id, Time: instant(f.at), Node: nodes()[f.address%3], Tenant: w.cfg.Tenant,
		Actor:   tutela.Actor{ID: s.id, Kind: tutela.ActorPerson, Name: string(s.id), Roles: s.roles(), Unit: w.units[f.listed].name},
		Session: f.session, Client: f.job.client, Address: dotted(f.address), Assurance: "aal2", Request: w.ids.id(),
		Action: f.action, Type: f.typ, Outcome: outcome(f.status), Status: f.status, Purpose: f.job.purpose, Bytes: f.bytes,
		BreakGlass: f.glass, Subject: f.subject,
	}
	if f.also != "" {
		e.Actor.Roles = append(e.Actor.Roles, string(f.also))
	}
	if f.typ == "" {
		e.Purpose = ""
	}
	if f.glass != "" {
		e.Purpose = tutela.PurposeEmergency
	}
	if e.Outcome == tutela.OutcomeSuccess && f.typ != "" {
		e.Basis = &tutela.Basis{Policies: []string{f.job.policy}}
	}
	if f.patient != none && (f.opened > 0 || f.typ == "") {
		e.Patients = w.touched(f)
	}
	return e
}

func outcome(status int) tutela.Outcome {
	switch {
	case status < 400:
		return tutela.OutcomeSuccess
	case status == 403:
		return tutela.OutcomeDenied
	}
	return tutela.OutcomeFailed
}

func dotted(a uint32) string {
	return fmt.Sprintf("%d.%d.%d.%d", a>>24, a>>16&255, a>>8&255, a&255)
}
