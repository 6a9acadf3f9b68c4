package duty

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Duty is something that must be done, for whom, and until when at the latest.
type Duty struct {
	ID    string `json:"id"` // stable, as in hipaa.individuals or states.ca.individuals
	Law   string `json:"law"`
	To    string `json:"to"`
	State string `json:"state,omitempty"` // of which it is, where a State's residents are told
	// Count is of how many people it is.
	Count int `json:"count,omitempty"`
	// Day is the last on which it can be done in the organisation's time zone; empty where the law names none.
	Day string `json:"day,omitempty"`
	// Due is when it is overdue: the end of Day, or of a period in hours. Zero where the law names no time: then it is to
	// be done at once.
	Due  time.Time `json:"due,omitzero"`
	Soon string    `json:"soon"` // what the law says beside the last day
	// Delayed is until when law enforcement asked for silence.
	Delayed time.Time `json:"delayed_until,omitzero"`
	// Unverified: it was not read in an official text.
	Unverified bool   `json:"unverified,omitempty"`
	Note       string `json:"note,omitempty"`
}

// What laws say beside the last day.
const (
	unreasonable = "without unreasonable delay"
	undue        = "without undue delay"
	feasible     = "as soon as feasible"
)

// Of lists the duties that follow from facts, those first that are due first; what is to be done at once comes before.
func Of(f Facts) ([]Duty, error) {
	z, err := f.check()
	if err != nil {
		return nil, err
	}
	list := []Duty{}
	for _, l := range []Law{HIPAA, GDPR, PIPEDA, States} {
		if !slices.Contains(f.Laws, l) {
			continue
		}
		switch l {
		case HIPAA:
			list = append(list, f.hipaa(z)...)
		case GDPR:
			list = append(list, f.gdpr()...)
		case PIPEDA:
			list = append(list, f.pipeda(z)...)
		case States:
			list = append(list, f.states(z)...)
		}
	}
	slices.SortStableFunc(list, func(a, b Duty) int { return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID)) })
	return list, nil
}

// by gives a duty its last day.
func (d Duty) by(last day, z *time.Location) Duty {
	d.Day, d.Due = last.String(), endOf(last, z)
	return d
}

// delayed moves a duty behind what law enforcement asked for. The day on which the silence ends is then the last.
func (d Duty) delayed(f Facts, z *time.Location) Duty {
	for _, s := range f.Delays {
		if end := s.ends(z); end.After(d.Delayed) {
			d.Delayed = end
		}
	}
	if d.Delayed.After(d.Due) {
		d = d.by(dayOf(d.Delayed.Add(-time.Nanosecond), z), z)
	}
	return d
}

// hipaa are the duties of 45 CFR 164.404 to 164.410.
func (f Facts) hipaa(z *time.Location) []Duty {
	if !f.Breach {
		return []Duty{{ID: "hipaa.record", Law: "45 CFR 164.414(b)", To: "own records", Soon: "kept for six years (164.530(j)(2))", Note: "the assessment by which it is no breach"}}
	}
	found := dayOf(f.Discovered, z)
	sixty := found.plus(60)
	if f.Associate {
		d := Duty{ID: "hipaa.associate", Law: "45 CFR 164.410", To: "the covered entity", Count: f.Individuals, Soon: unreasonable}
		return []Duty{d.by(sixty, z).delayed(f, z)}
	}
	individuals := Duty{ID: "hipaa.individuals", Law: "45 CFR 164.404", To: "individuals", Count: f.Individuals, Soon: unreasonable}.by(sixty, z).delayed(f, z)
	list := []Duty{individuals}
	for _, state := range slices.Sorted(maps.Keys(f.Residents)) {
		if n := f.Residents[state]; n > 500 && state != "" {
			d := Duty{ID: "hipaa.media." + state, Law: "45 CFR 164.406", To: "prominent media outlets serving " + state, State: state, Count: n, Soon: unreasonable}
			list = append(list, d.by(sixty, z).delayed(f, z))
		}
	}
	secretary := Duty{ID: "hipaa.secretary", Law: "45 CFR 164.408(b)", To: "the Secretary of HHS", Count: f.Individuals, Soon: "contemporaneously with the individuals' notice"}.by(sixty, z)
	if f.Individuals < 500 {
		secretary.Law, secretary.Soon = "45 CFR 164.408(c)", "logged now; with the others of the calendar year"
		secretary = secretary.by(found.lastOfYear().plus(60), z)
	}
	return append(list, secretary.delayed(f, z))
}

// gdpr are the duties of Articles 33 and 34. 72 hours are counted from the moment itself: Regulation (EEC, Euratom) 1182/71,
// Article 3, would end them no earlier.
func (f Facts) gdpr() []Duty {
	list := []Duty{{ID: "gdpr.register", Law: "GDPR 33(5)", To: "own register of breaches", Soon: "at once"}}
	if f.Associate {
		return append(list, Duty{ID: "gdpr.controller", Law: "GDPR 33(2)", To: "the controller", Count: f.Individuals, Soon: undue})
	}
	if f.Risk != NoRisk {
		list = append(list, Duty{
			ID: "gdpr.authority", Law: "GDPR 33(1)", To: "the supervisory authority", Count: f.Individuals, Due: f.Discovered.Add(72 * time.Hour).UTC(),
			Soon: undue, Note: "later only with reasons for the delay; in phases where not all is known (33(4))",
		})
	}
	if f.Risk == HighRisk && !f.Unintelligible {
		list = append(list, Duty{ID: "gdpr.individuals", Law: "GDPR 34(1)", To: "data subjects", Count: f.Individuals, Soon: undue})
	}
	return list
}

// pipeda are the duties of sections 10.1 to 10.3 of the Personal Information Protection and Electronic Documents Act.
func (f Facts) pipeda(z *time.Location) []Duty {
	from := f.Determined
	if from.IsZero() {
		from = f.Discovered
	}
	keep := dayOf(from, z).months(24)
	list := []Duty{{
		ID: "pipeda.record", Law: "PIPEDA 10.3, SOR/2018-64", To: "own records", Soon: "at once", Unverified: true, Note: "kept for 24 months, until " + keep.String() + " at least",
	}}
	if !f.Harm {
		return list
	}
	for id, to := range map[string]string{"commissioner": "the Privacy Commissioner of Canada", "individuals": "individuals", "others": "organizations that can reduce the harm"} {
		law := "PIPEDA 10.1"
		if id == "others" {
			law = "PIPEDA 10.2"
		}
		list = append(list, Duty{ID: "pipeda." + id, Law: law, To: to, Soon: feasible, Unverified: true})
	}
	slices.SortFunc(list, func(a, b Duty) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// states are the duties of States' laws, by residents.
func (f Facts) states(z *time.Location) []Duty {
	list := []Duty{}
	for _, r := range shippedRules() {
		n := f.Residents[r.State]
		if n == 0 || !f.Breach || n < r.Least {
			continue
		}
		from := f.Discovered
		if r.From == "determined" && !f.Determined.IsZero() {
			from = f.Determined
		}
		d := Duty{ID: "states." + r.ID, Law: r.Law, To: r.To, State: r.State, Count: n, Soon: r.Soon, Unverified: !r.Verified, Note: r.Note}
		if r.Days > 0 {
			d = d.by(dayOf(from, z).plus(r.Days), z)
		}
		list = append(list, d)
	}
	for _, state := range slices.Sorted(maps.Keys(f.Residents)) {
		if f.Breach && state != "" && f.Residents[state] > 0 && !known(state) {
			list = append(list, Duty{
				ID: "states." + state, Law: fmt.Sprintf("the law of %s", state), To: "to be found out", State: state, Count: f.Residents[state],
				Soon: "at once", Unverified: true, Note: "no rule of this State is shipped: ask counsel",
			})
		}
	}
	return list
}
