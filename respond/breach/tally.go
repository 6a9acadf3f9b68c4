package breach

import (
	"cmp"
	"maps"
	"slices"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
)

// tally adds up entries.
type tally struct {
	want     *wanted
	patients map[tutela.Bucket]*Reached
	actors   map[Actor]int
	bases    map[string]*tutela.Entry // by id: those that may be continued
	seen     bool                     // an entry names the actor
	accesses int
	pending  int
}

func newTally(w *wanted) *tally {
	return &tally{want: w, patients: map[tutela.Bucket]*Reached{}, actors: map[Actor]int{}, bases: map[string]*tutela.Entry{}}
}

// add takes an entry in. What continues another one is of its kind; the ledger holds it right behind.
func (t *tally) add(o audit.Opened) error {
	e := &o.Entry
	base := e
	if e.Continues != "" {
		if base = t.bases[e.Continues]; base == nil {
			return nil
		}
	} else if !t.want.meant(e) {
		return nil
	}
	t.seen = true
	did := reached(base)
	if len(did) == 0 {
		return nil
	}
	if e.Continues == "" {
		t.bases[e.ID] = kept(e)
	}
	counts := false
	for _, p := range e.Patients {
		if t.want.concerns(p.Patient) {
			t.patient(base, o.Leaf, p, did)
			counts = true
		}
	}
	if counts {
		t.count(e, base, o.Leaf)
	}
	return nil
}

// kept is what of an entry its continuations lack.
func kept(e *tutela.Entry) *tutela.Entry {
	k := *e
	k.Patients, k.Basis, k.Evidence = nil, nil, nil
	k.Writes = k.Writes[:min(1, len(k.Writes))]
	return &k
}

// count counts an entry and who acted.
func (t *tally) count(e, base *tutela.Entry, leaf int64) {
	if leaf < 0 {
		t.pending++
	}
	if e.Continues != "" {
		return
	}
	t.accesses++
	a := Actor{ID: base.Actor.ID, Name: base.Actor.Name, Kind: base.Actor.Kind, Client: base.Client}
	if base.Foreign != nil {
		a.Source = base.Foreign.Source
	}
	t.actors[a]++
}

func (t *tally) patient(e *tutela.Entry, leaf int64, p tutela.Touched, did []Did) {
	r, at := t.patients[p.Patient], happened(e)
	if r == nil {
		r = &Reached{Pseudonym: audit.Pseudonym(p.Patient), Types: map[string]int{}, First: at, Last: at}
		t.patients[p.Patient] = r
	}
	r.Accesses++
	if at.Before(r.First) {
		r.First = at
	}
	if at.After(r.Last) {
		r.Last = at
	}
	for _, d := range did {
		if !slices.Contains(r.Actions, d) {
			r.Actions = append(r.Actions, d)
		}
	}
	for typ, n := range p.Counts {
		r.Types[typ] += n
	}
	if len(p.Counts) == 0 && e.Type != "" {
		r.Types[e.Type]++
	}
	r.Emergency = r.Emergency || slices.Contains(p.Flags, "emergency")
	if len(r.Entries) < maxLines {
		r.Entries = append(r.Entries, Line{e.ID, leaf})
	}
}

// reached says what an entry did to the data of its patients: nothing where it was refused or failed, and nothing where it
// only speaks of them, as the breaking of glass does.
func reached(e *tutela.Entry) []Did {
	if e.Outcome != tutela.OutcomeSuccess {
		return nil
	}
	var did []Did
	switch e.Action { //nolint:exhaustive // all others reach nobody's data
	case tutela.ActionRead, tutela.ActionVRead, tutela.ActionHistory, tutela.ActionSearch,
		tutela.ActionPatientDisclosures, tutela.ActionPatientAccesses, tutela.ActionRightsRead, tutela.ActionBreachLetters:
		did = append(did, Read)
	case tutela.ActionCreate, tutela.ActionUpdate, tutela.ActionDelete:
		did = append(did, Written)
	case tutela.ActionBatch, tutela.ActionTransaction:
		if did = append(did, Read); len(e.Writes) > 0 {
			did = append(did, Written)
		}
	case tutela.ActionExport, tutela.ActionPatientExport, tutela.ActionDowntimeCreate:
		did = append(did, Exported)
	}
	if e.Disclosure != nil {
		did = append(did, Disclosed)
	}
	return did
}

// scope is what was added up, before patients have names.
func (t *tally) scope(a Ask) Scope {
	sc := Scope{
		From: a.From, To: a.To, Actors: []Actor{}, Patients: []Reached{}, Count: len(t.patients), Accesses: t.accesses, Pending: t.pending,
		States: map[string]int{},
	}
	for who, n := range t.actors {
		who.Accesses = n
		sc.Actors = append(sc.Actors, who)
	}
	slices.SortFunc(sc.Actors, func(x, y Actor) int {
		return cmp.Or(y.Accesses-x.Accesses, cmp.Compare(x.ID, y.ID), cmp.Compare(x.Client, y.Client), cmp.Compare(x.Source, y.Source))
	})
	return sc
}

// buckets are those of the patients, sorted.
func (t *tally) buckets() []tutela.Bucket { return slices.Sorted(maps.Keys(t.patients)) }
