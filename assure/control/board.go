package control

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure"
	"github.com/tutela-health/tutela/assure/catalog"
	"github.com/tutela-health/tutela/assure/register"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
)

// ledger is where evidence and populations are.
type ledger interface {
	Search(ctx context.Context, q audit.Query, f func(audit.Opened) error) error
}

// Config says what a Board works with.
type Config struct {
	Catalog  *catalog.Catalog
	Checks   []tutela.Check
	Ledger   ledger
	Register *register.Book
	Clock    clock.Clock
}

// Board shows controls. Safe for concurrent use.
type Board struct {
	cfg   Config
	bears map[string][]tutela.Check // by requirement
	sight *sight
}

// New makes a Board, and refuses a check that bears on what is not in the catalogue, on none of our own requirements,
// or on one that is said not to be built.
func New(c Config) (*Board, error) {
	b := &Board{cfg: c, bears: map[string][]tutela.Check{}, sight: newSight(c.Ledger)}
	for _, check := range c.Checks {
		own := false
		for _, id := range check.Controls {
			reg, r, ok := c.Catalog.Find(id)
			switch {
			case !ok || r.ID != id:
				return nil, errs.New(errs.Invalid, "check %s bears on %s, which is not in the catalogue", check.ID, id)
			case r.Unbuilt:
				return nil, errs.New(errs.Invalid, "check %s bears on %s, which the catalogue says is not built", check.ID, id)
			}
			own = own || reg.ID == catalog.Own
			b.bears[id] = append(b.bears[id], check)
		}
		if !own {
			return nil, errs.New(errs.Invalid, "check %s bears on no requirement of our own", check.ID)
		}
	}
	return b, nil
}

// Regulations are all that is asked.
func (b *Board) Regulations() []catalog.Regulation { return b.cfg.Catalog.Regulations() }

// Control is a requirement, and how it is known.
type Control struct {
	catalog.Requirement
	Slug       string    `json:"slug"`
	Regulation string    `json:"regulation"`
	Known      Knowledge `json:"known"`
	Standing   Standing  `json:"standing"`
	Ways       []Way     `json:"ways"`
}

// Count is how the controls of a regulation are known and stand, apart.
type Count struct {
	ID       string                         `json:"id"`
	Title    string                         `json:"title"`
	Citation string                         `json:"citation"`
	Status   catalog.Status                 `json:"status"`
	Total    int                            `json:"total"`
	Known    map[Knowledge]map[Standing]int `json:"known"`
}

// Overview is how all controls stand at a moment.
type Overview struct {
	At          time.Time `json:"at"`
	Regulations []Count   `json:"regulations"`
	Controls    []Control `json:"controls"`
}

// Filter says which controls are wanted; every member that is set must hold.
type Filter struct {
	Regulation string
	Known      Knowledge
	Standing   Standing
}

// check refuses what nobody can ask for.
func (f Filter) check(c *catalog.Catalog) error {
	is := func(r catalog.Regulation) bool { return r.ID == f.Regulation }
	switch {
	case f.Known != "" && !slices.Contains(Kinds(), f.Known):
		return errs.New(errs.Invalid, "known is probed, recorded, attested, inherited or not-covered")
	case f.Standing != "" && !slices.Contains(Standings(), f.Standing):
		return errs.New(errs.Invalid, "standing is red, amber, green or not-applicable")
	case f.Regulation != "" && !slices.ContainsFunc(c.Regulations(), is):
		return errs.New(errs.NotFound, "no such regulation in the catalogue")
	}
	return nil
}

// List gives the controls that a filter lets through. The counts are of all of a regulation.
func (b *Board) List(ctx context.Context, f Filter) (Overview, error) {
	if err := f.check(b.cfg.Catalog); err != nil {
		return Overview{}, err
	}
	known, err := b.known(ctx)
	if err != nil {
		return Overview{}, err
	}
	o := Overview{At: known.at, Regulations: []Count{}, Controls: []Control{}}
	for _, reg := range b.cfg.Catalog.Regulations() {
		if f.Regulation != "" && f.Regulation != reg.ID {
			continue
		}
		count := Count{ID: reg.ID, Title: reg.Title, Citation: reg.Citation, Status: reg.Status, Total: len(reg.Requirements), Known: map[Knowledge]map[Standing]int{}}
		for _, r := range reg.Requirements {
			c := b.control(reg, r, known)
			if count.Known[c.Known] == nil {
				count.Known[c.Known] = map[Standing]int{}
			}
			count.Known[c.Known][c.Standing]++
			if (f.Known == "" || f.Known == c.Known) && (f.Standing == "" || f.Standing == c.Standing) {
				o.Controls = append(o.Controls, c)
			}
		}
		o.Regulations = append(o.Regulations, count)
	}
	return o, nil
}

// Shown is one control with its history.
type Shown struct {
	Control     `json:"control"`
	Of          string       `json:"regulation_title"`
	Attestation *Attestation `json:"attestation,omitempty"` // without the file's bytes
	// Revision is what a new attestation is to name.
	Revision int64             `json:"revision"`
	History  []tutela.Evidence `json:"history"` // of its checks, the newest first
}

// maxHistory bounds the evidence that is shown of one control.
const maxHistory = 100

// Show gives one control, by its id or slug.
func (b *Board) Show(ctx context.Context, id string) (Shown, error) {
	reg, r, err := b.requirement(id)
	if err != nil {
		return Shown{}, err
	}
	known, err := b.known(ctx)
	if err != nil {
		return Shown{}, err
	}
	s := Shown{Control: b.control(reg, r, known), Of: reg.Title, History: []tutela.Evidence{}}
	if a, ok := known.said[r.ID]; ok {
		s.Attestation = &a
	}
	if s.Revision, err = b.revision(ctx, kind, r.Slug()); err != nil {
		return Shown{}, err
	}
	mine := map[string]bool{}
	for _, c := range b.checks(r) {
		mine[c.ID] = true
	}
	for _, e := range known.evidence {
		if mine[e.Check] && len(s.History) < maxHistory {
			s.History = append(s.History, e)
		}
	}
	return s, nil
}

func (b *Board) requirement(id string) (catalog.Regulation, catalog.Requirement, error) {
	reg, r, ok := b.cfg.Catalog.Find(id)
	if !ok {
		return reg, r, errs.New(errs.NotFound, "no such requirement in the catalogue; tutela controls list has them")
	}
	return reg, r, nil
}

// knowledge is what is known at a moment.
type knowledge struct {
	at       time.Time
	evidence []tutela.Evidence // the newest first
	newest   map[string]tutela.Evidence
	seen     map[catalog.Population]time.Time
	said     map[string]Attestation
}

func (b *Board) known(ctx context.Context) (k knowledge, err error) {
	k.at = b.cfg.Clock()
	if k.evidence, err = b.evidence(ctx, k.at); err != nil {
		return k, err
	}
	k.newest = newest(k.evidence)
	if k.seen, err = b.sight.look(ctx, k.at); err != nil {
		return k, err
	}
	k.said, err = b.attested(ctx)
	return k, err
}

// evidence gives what checks observed of late, the newest first: as far back as any of it can be fresh, and as long again.
func (b *Board) evidence(ctx context.Context, now time.Time) ([]tutela.Evidence, error) {
	var fresh time.Duration
	for _, c := range b.cfg.Checks {
		fresh = max(fresh, c.Fresh)
	}
	var list []tutela.Evidence
	q := audit.Query{Actor: assure.ActorID, Action: tutela.ActionEvidence, From: now.Add(-2 * fresh), Newest: true}
	err := b.cfg.Ledger.Search(ctx, q, func(o audit.Opened) error {
		if o.Entry.Evidence != nil && o.Entry.Actor.Kind == tutela.ActorSystem {
			list = append(list, *o.Entry.Evidence)
		}
		return nil
	})
	slices.SortStableFunc(list, func(a, b tutela.Evidence) int { return b.At.Compare(a.At) })
	return list, err
}

// newest gives the newest of each check.
func newest(list []tutela.Evidence) map[string]tutela.Evidence {
	by := map[string]tutela.Evidence{}
	for _, e := range list {
		if _, there := by[e.Check]; !there {
			by[e.Check] = e
		}
	}
	return by
}

// Tried gives the newest evidence of each check.
func (b *Board) Tried(ctx context.Context) (map[string]tutela.Evidence, error) {
	list, err := b.evidence(ctx, b.cfg.Clock())
	return newest(list), err
}

// checks are those that bear on a requirement, or on one that asks for the same.
func (b *Board) checks(r catalog.Requirement) []tutela.Check {
	var list []tutela.Check
	for _, id := range append([]string{r.ID}, r.As...) {
		list = append(list, b.bears[id]...)
	}
	slices.SortFunc(list, func(a, b tutela.Check) int { return cmp.Compare(a.ID, b.ID) })
	return slices.CompactFunc(list, func(a, b tutela.Check) bool { return a.ID == b.ID })
}

// control joins a requirement with what is known of it.
func (b *Board) control(reg catalog.Regulation, r catalog.Requirement, k knowledge) Control {
	c := Control{Requirement: r, Slug: r.Slug(), Regulation: reg.ID, Ways: []Way{}}
	for _, check := range b.checks(r) {
		e, tried := k.newest[check.ID]
		c.Ways = append(c.Ways, probed(check, e, tried, k.at))
	}
	for _, p := range r.Recorded {
		c.Ways = append(c.Ways, recorded(p, k.seen[p]))
	}
	for _, id := range append([]string{r.ID}, r.As...) {
		if a, ok := k.said[id]; ok {
			c.Ways = append(c.Ways, said(a, k.at))
		}
	}
	c.Known, c.Standing = judge(c.Ways)
	return c
}
