package risk

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/control"
	"github.com/tutela-health/tutela/assure/register"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
)

// kind is the register's word for risks.
const kind register.Kind = "risk"

// Config says what a Service works with.
type Config struct {
	Register *register.Book
	Board    func() *control.Board // asked when it is needed: it knows the server's own checks
	Clock    clock.Clock
	// Person finds the account of a person by its username or id; one that is not there is errs.NotFound.
	Person func(ctx context.Context, name string) (tutela.UserID, string, error)
	Checks func() []tutela.Check
	// Vendors gives for each vendor what is wrong with it, or nothing.
	Vendors func(context.Context) (map[string]string, error)
	// Gaps tells of each gap whether it is open.
	Gaps func(context.Context) (map[string]bool, error)
}

// Service keeps risks. Safe for concurrent use.
type Service struct{ cfg Config }

// New returns a Service.
func New(c Config) *Service { return &Service{c} }

// Kept is a risk as it is kept.
type Kept struct {
	ID       string    `json:"id"`
	Revision int64     `json:"revision"`
	State    State     `json:"state"`
	At       time.Time `json:"at"`
	By       string    `json:"by"`
	Risk
	Score   int      `json:"score"`             // of what is left
	Overdue bool     `json:"overdue,omitempty"` // its review
	Failing []string `json:"failing,omitempty"` // controls and checks that hold it down and are red, gaps that are open, vendors with whom something is wrong
}

// List gives risks, what is left the most first. Those that are closed come only where all are wanted.
func (s *Service) List(ctx context.Context, all bool) ([]Kept, error) {
	items, err := s.cfg.Register.List(ctx, register.Filter{Kind: kind})
	if err != nil {
		return nil, err
	}
	red, err := s.troubles(ctx)
	if err != nil {
		return nil, err
	}
	list := []Kept{}
	for _, it := range items {
		k, err := s.kept(it, red)
		if err != nil {
			return nil, err
		}
		if all || k.State != Closed {
			list = append(list, k)
		}
	}
	slices.SortStableFunc(list, func(a, b Kept) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(b.Residual.Safety, a.Residual.Safety), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

// Left gives, by requirement, how much is left of the open risks that name it.
func (s *Service) Left(ctx context.Context) (map[string]int, error) {
	items, err := s.cfg.Register.List(ctx, register.Filter{Kind: kind})
	if err != nil {
		return nil, err
	}
	left := map[string]int{}
	for _, it := range items {
		r, err := register.Decode[Risk](it)
		if err != nil {
			return nil, err
		}
		for _, id := range r.Controls {
			if State(it.State) != Closed {
				left[id] += r.Residual.Score()
			}
		}
	}
	return left, nil
}

// Duties are the reviews to come and the agreements that are waited for. A second person can be anybody but who
// proposed: the owner is to see to it.
func (s *Service) Duties(ctx context.Context) ([]register.Duty, error) {
	items, err := s.cfg.Register.List(ctx, register.Filter{Kind: kind})
	if err != nil {
		return nil, err
	}
	var list []register.Duty
	for _, it := range items {
		r, err := register.Decode[Risk](it)
		if err != nil {
			return nil, err
		}
		d := register.Duty{Kind: kind, ID: it.ID, Title: r.Title, Owner: r.Owner, Name: r.OwnerName}
		switch State(it.State) {
		case Waiting:
			d.What, d.Due, d.Do = "have a second person agree to what is left", it.At.Add(waits), "tutela risks agree "+it.ID
		case Open:
			d.What, d.Due, d.Do = "look at the risk again", r.Review, "tutela risks set "+it.ID
		default:
			continue
		}
		list = append(list, d)
	}
	return list, nil
}

// History gives every revision of a risk, the first one first.
func (s *Service) History(ctx context.Context, id string) ([]Kept, error) {
	items, err := s.cfg.Register.History(ctx, kind, id)
	if err != nil {
		return nil, err
	}
	red, err := s.troubles(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]Kept, len(items))
	for i, it := range items {
		if list[i], err = s.kept(it, red); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Put keeps a risk, new at revision 0, changed at the revision that was read. What leaves a high risk waits for a second person.
func (s *Service) Put(ctx context.Context, entry tutela.Entry, id string, revision int64, r Risk) (Kept, error) {
	if err := r.check(s.cfg.Clock()); err != nil {
		return Kept{}, err
	}
	if err := s.links(ctx, &r); err != nil {
		return Kept{}, err
	}
	r.Proposed, r.Agreed, r.Closed = "", "", ""
	state := Open
	if r.Residual.Score() >= High {
		state, r.Proposed = Waiting, entry.Actor.ID
	}
	return s.put(ctx, entry, id, revision, state, r, "kept")
}

// links finds the owner, and refuses one whom nobody knows and controls that are not in the catalogue.
func (s *Service) links(ctx context.Context, r *Risk) (err error) {
	r.Owner, r.OwnerName, err = s.cfg.Person(ctx, string(r.Owner))
	if errs.Is(err, errs.NotFound) {
		return errs.New(errs.Invalid, "the owner of a risk is a person with an account, by username or id")
	}
	if err != nil {
		return err
	}
	o, err := s.cfg.Board().List(ctx, control.Filter{})
	if err != nil {
		return err
	}
	for _, id := range r.Controls {
		if !slices.ContainsFunc(o.Controls, func(c control.Control) bool { return c.ID == id }) {
			return errs.New(errs.Invalid, "%q is no requirement in the catalogue", id)
		}
	}
	for _, id := range r.Checks {
		if !slices.ContainsFunc(s.cfg.Checks(), func(c tutela.Check) bool { return c.ID == id }) {
			return errs.New(errs.Invalid, "%q is no check: tutela assess lists them", id)
		}
	}
	vendors, gaps, err := s.others(ctx)
	if err != nil {
		return err
	}
	for _, id := range r.Vendors {
		if _, there := vendors[id]; !there {
			return errs.New(errs.Invalid, "%q is no vendor in the register: tutela vendors list", id)
		}
	}
	for _, id := range r.Gaps {
		if _, there := gaps[id]; !there {
			return errs.New(errs.Invalid, "%q is no gap: tutela gaps list --all", id)
		}
	}
	return nil
}

func (s *Service) others(ctx context.Context) (vendors map[string]string, gaps map[string]bool, err error) {
	if vendors, err = s.cfg.Vendors(ctx); err == nil {
		gaps, err = s.cfg.Gaps(ctx)
	}
	return vendors, gaps, err
}

// Agree has a second person live with a high risk, at the revision that he read.
func (s *Service) Agree(ctx context.Context, entry tutela.Entry, id string, revision int64) (Kept, error) {
	it, r, err := s.get(ctx, id)
	switch {
	case err != nil:
		return Kept{}, err
	case State(it.State) != Waiting:
		return Kept{}, errs.New(errs.Conflict, "risk %s waits for nobody", id)
	case it.Revision != revision:
		return Kept{}, errs.New(errs.Conflict, "risk %s is at revision %d: read it again", id, it.Revision)
	case r.Proposed == entry.Actor.ID:
		return Kept{}, errs.New(errs.Denied, "somebody else than who proposed it has to agree")
	}
	r.Agreed = entry.Actor.ID
	return s.put(ctx, entry, id, it.Revision, Open, r, "agreed to")
}

// Close ends a risk that is none any more.
func (s *Service) Close(ctx context.Context, entry tutela.Entry, id, why string) (Kept, error) {
	it, r, err := s.get(ctx, id)
	switch {
	case err != nil:
		return Kept{}, err
	case State(it.State) == Closed:
		return Kept{}, errs.New(errs.Conflict, "risk %s is closed already", id)
	case why == "" || len(why) > maxText:
		return Kept{}, errs.New(errs.Invalid, "say in %d bytes at most why it is none any more", maxText)
	}
	r.Closed, r.Review = why, time.Time{}
	return s.put(ctx, entry, id, it.Revision, Closed, r, "closed")
}

func (s *Service) get(ctx context.Context, id string) (register.Item, Risk, error) {
	it, err := s.cfg.Register.Get(ctx, kind, id)
	if err != nil {
		return it, Risk{}, err
	}
	r, err := register.Decode[Risk](it)
	return it, r, err
}

func (s *Service) put(ctx context.Context, entry tutela.Entry, id string, revision int64, state State, r Risk, what string) (Kept, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return Kept{}, fmt.Errorf("encode risk: %w", err)
	}
	list, err := s.cfg.Register.Put(ctx, entry, register.Change{What: what, Item: register.Item{
		Kind: kind, ID: id, Revision: revision, State: register.State(state), Owner: r.Owner, Due: r.Review, Body: body,
	}})
	if err != nil {
		return Kept{}, err
	}
	return s.kept(list[0], nil)
}

func (s *Service) kept(it register.Item, troubles func(Risk) []string) (Kept, error) {
	r, err := register.Decode[Risk](it)
	if err != nil {
		return Kept{}, err
	}
	k := Kept{ID: it.ID, Revision: it.Revision, State: State(it.State), At: it.At, By: it.By.Name, Risk: r, Score: r.Residual.Score()}
	k.Overdue = k.State != Closed && !s.cfg.Clock().Before(r.Review)
	if troubles != nil && k.State != Closed {
		k.Failing = troubles(r)
	}
	return k, nil
}

// troubles looks once, and tells of each risk what no longer holds it down, or feeds it.
func (s *Service) troubles(ctx context.Context) (func(Risk) []string, error) {
	red, err := s.red(ctx)
	if err != nil {
		return nil, err
	}
	newest, err := s.cfg.Board().Tried(ctx)
	if err != nil {
		return nil, err
	}
	vendors, gaps, err := s.others(ctx)
	if err != nil {
		return nil, err
	}
	return func(r Risk) (list []string) {
		for _, id := range r.Controls {
			if red[id] {
				list = append(list, id)
			}
		}
		for _, id := range r.Checks {
			if newest[id].Verdict == tutela.Fail {
				list = append(list, "check "+id)
			}
		}
		for _, id := range r.Gaps {
			if gaps[id] {
				list = append(list, "gap "+id)
			}
		}
		for _, id := range r.Vendors {
			if wrong := vendors[id]; wrong != "" {
				list = append(list, "vendor "+id+" "+wrong)
			}
		}
		return list
	}, nil
}

// red are the controls that fail.
func (s *Service) red(ctx context.Context) (map[string]bool, error) {
	o, err := s.cfg.Board().List(ctx, control.Filter{Standing: control.Red})
	if err != nil {
		return nil, err
	}
	ids := map[string]bool{}
	for _, c := range o.Controls {
		ids[c.ID] = true
	}
	return ids, nil
}
