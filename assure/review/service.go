package review

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/catalog"
	"github.com/tutela-health/tutela/assure/register"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
)

// The register's words for what is kept here.
const (
	kindPlan  register.Kind = "review"
	kindRound register.Kind = "review-round"
	kindTask  register.Kind = "follow-up"
)

// The states of a plan, of a round and of a follow-up.
const (
	planned register.State = "planned" // no round is open
	open    register.State = "open"
	done    register.State = "done"
)

// ledger is where it is written what happened.
type ledger interface {
	Search(ctx context.Context, q audit.Query, f func(audit.Opened) error) error
}

// accounts are changed with the rights of whoever decides.
type accounts interface {
	Disable(ctx context.Context, by tutela.Principal, id tutela.UserID) error
	SetRoles(ctx context.Context, by tutela.Principal, id tutela.UserID, roles []string) error
	CheckRoles(roles []string) error
}

// Config says what a Service works with.
type Config struct {
	Register    *register.Book
	Ledger      ledger
	Accounts    accounts
	Users       func(context.Context) ([]identity.User, error)
	Tried       func(context.Context) (map[string]tutela.Evidence, error) // the newest evidence of each check
	Regulations func() []catalog.Regulation
	Person      func(ctx context.Context, name string) (tutela.UserID, string, error)
	Clock       clock.Clock
}

// Service keeps reviews. Safe for concurrent use.
type Service struct{ cfg Config }

// New returns a Service.
func New(c Config) *Service { return &Service{c} }

// Kept is a plan as it stands.
type Kept struct {
	Plan
	Title    string         `json:"title"`
	Revision int64          `json:"revision"`
	State    register.State `json:"state"` // planned, or open while a round is
	Due      time.Time      `json:"due"`   // when a round is to be over
	Overdue  bool           `json:"overdue,omitempty"`
	Open     int            `json:"open,omitempty"`    // items of the open round that wait for a decision
	Waiting  int            `json:"waiting,omitempty"` // decisions of it that are not carried out
	Tasks    []KeptTask     `json:"tasks,omitempty"`   // follow-ups that are not done
}

// KeptRound is a round as it stands.
type KeptRound struct {
	Round
	Revision int64          `json:"revision"`
	State    register.State `json:"state"`
}

// KeptTask is a follow-up as it stands.
type KeptTask struct {
	ID string `json:"id"`
	Task
	State   register.State `json:"state"`
	Overdue bool           `json:"overdue,omitempty"`
}

// List gives the plans.
func (s *Service) List(ctx context.Context) ([]Kept, error) {
	items, err := s.cfg.Register.List(ctx, register.Filter{Kind: kindPlan})
	if err != nil {
		return nil, err
	}
	tasks, err := s.tasks(ctx)
	if err != nil {
		return nil, err
	}
	now, list := s.cfg.Clock(), []Kept{}
	for _, it := range items {
		p, err := register.Decode[Plan](it)
		if err != nil {
			return nil, err
		}
		k := Kept{Plan: p, Title: p.Sort.Title(), Revision: it.Revision, State: it.State, Due: it.Due, Overdue: !now.Before(it.Due)}
		if it.State == open {
			r, err := s.Round(ctx, p.Sort, p.Round)
			if err != nil {
				return nil, err
			}
			k.Open, k.Waiting = r.Open(), r.Waiting()
		}
		for _, t := range tasks {
			if t.Sort == p.Sort && t.State == open {
				k.Tasks = append(k.Tasks, t)
			}
		}
		list = append(list, k)
	}
	return list, nil
}

func (s *Service) tasks(ctx context.Context) ([]KeptTask, error) {
	items, err := s.cfg.Register.List(ctx, register.Filter{Kind: kindTask})
	if err != nil {
		return nil, err
	}
	list := make([]KeptTask, len(items))
	for i, it := range items {
		t, err := register.Decode[Task](it)
		if err != nil {
			return nil, err
		}
		list[i] = KeptTask{ID: it.ID, Task: t, State: it.State, Overdue: it.State == open && !s.cfg.Clock().Before(t.Until)}
	}
	return list, nil
}

// Round gives one round of a sort, the newest one at 0.
func (s *Service) Round(ctx context.Context, sort Sort, number int) (KeptRound, error) {
	if number == 0 {
		_, p, err := s.plan(ctx, sort)
		if err != nil {
			return KeptRound{}, err
		}
		if p.Round == 0 {
			return KeptRound{}, errs.New(errs.NotFound, "no round of %s was opened yet: tutela reviews start %s", sort, sort)
		}
		number = p.Round
	}
	it, r, err := s.round(ctx, sort, number)
	return KeptRound{Round: r, Revision: it.Revision, State: it.State}, err
}

func (s *Service) plan(ctx context.Context, sort Sort) (register.Item, Plan, error) {
	it, err := s.cfg.Register.Get(ctx, kindPlan, string(sort))
	if errs.Is(err, errs.NotFound) {
		return it, Plan{}, errs.New(errs.NotFound, "nobody has planned %s: tutela reviews plan %s --owner NAME", sort, sort)
	}
	if err != nil {
		return it, Plan{}, err
	}
	p, err := register.Decode[Plan](it)
	return it, p, err
}

func (s *Service) round(ctx context.Context, sort Sort, number int) (register.Item, Round, error) {
	it, err := s.cfg.Register.Get(ctx, kindRound, roundID(sort, number))
	if err != nil {
		return it, Round{}, err
	}
	r, err := register.Decode[Round](it)
	return it, r, err
}

func roundID(sort Sort, number int) string { return fmt.Sprintf("%s.%d", sort, number) }

// SetPlan says who reviews a sort and how often. Every 0 is what is usual.
func (s *Service) SetPlan(ctx context.Context, entry tutela.Entry, p Plan) (Kept, error) {
	if i := slices.IndexFunc(usual(), func(u Plan) bool { return u.Sort == p.Sort }); i >= 0 && p.Every == 0 {
		p.Every = usual()[i].Every
	}
	if err := p.check(); err != nil {
		return Kept{}, err
	}
	var err error
	if p.Owner, p.OwnerName, err = s.person(ctx, string(p.Owner)); err != nil {
		return Kept{}, err
	}
	it, before, err := s.plan(ctx, p.Sort)
	switch {
	case errs.Is(err, errs.NotFound):
		it, p.Last, p.Round = register.Item{Kind: kindPlan, ID: string(p.Sort), State: planned}, s.cfg.Clock().UTC(), 0
	case err != nil:
		return Kept{}, err
	default:
		p.Last, p.Round = before.Last, before.Round
	}
	c, err := change(it, p.Owner, p.due(), p, "planned")
	if err != nil {
		return Kept{}, err
	}
	list, err := s.cfg.Register.Put(ctx, entry, c)
	if err != nil {
		return Kept{}, err
	}
	return Kept{Plan: p, Title: p.Sort.Title(), Revision: list[0].Revision, State: list[0].State, Due: list[0].Due}, nil
}

func (s *Service) person(ctx context.Context, name string) (tutela.UserID, string, error) {
	id, name, err := s.cfg.Person(ctx, name)
	if errs.Is(err, errs.NotFound) {
		err = errs.New(errs.Invalid, "who sees to it is a person with an account, by username or id")
	}
	return id, name, err
}

// change is an item's next revision.
func change(it register.Item, owner tutela.UserID, due time.Time, body any, what string) (register.Change, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return register.Change{}, fmt.Errorf("encode %s: %w", it.Kind, err)
	}
	it.Owner, it.Due, it.Body = owner, due, text
	return register.Change{Item: it, What: what}, nil
}

// Start opens a round, prefilled from the running system: of what happened since the one before was opened.
func (s *Service) Start(ctx context.Context, entry tutela.Entry, sort Sort) (KeptRound, error) {
	it, p, err := s.plan(ctx, sort)
	if err != nil {
		return KeptRound{}, err
	}
	if it.State == open {
		return KeptRound{}, errs.New(errs.Conflict, "round %d of %s is open: tutela reviews show %s", p.Round, sort, sort)
	}
	now := s.cfg.Clock().UTC().Truncate(time.Millisecond)
	r := Round{Sort: sort, Number: p.Round + 1, From: now.AddDate(0, -p.Every, 0), Until: now}
	if p.Round > 0 {
		_, before, err := s.round(ctx, sort, p.Round)
		if err != nil {
			return KeptRound{}, err
		}
		r.From = before.Until
	}
	if r.Items, err = s.prefill(ctx, r); err != nil {
		return KeptRound{}, err
	}
	p.Round, it.State = r.Number, open
	plan, err := change(it, p.Owner, p.due(), p, "opened a round")
	if err != nil {
		return KeptRound{}, err
	}
	round, err := change(register.Item{Kind: kindRound, ID: roundID(sort, r.Number), State: open}, p.Owner, time.Time{}, r, "opened")
	if err != nil {
		return KeptRound{}, err
	}
	list, err := s.cfg.Register.Put(ctx, entry, plan, round)
	if err != nil {
		return KeptRound{}, err
	}
	return KeptRound{Round: r, Revision: list[1].Revision, State: open}, nil
}

// Decide takes decisions about items of the open round, all or none, and carries out what their author may. The round is
// done when every item is decided and all is carried out.
func (s *Service) Decide(ctx context.Context, by tutela.Principal, entry tutela.Entry, sort Sort, list []Decision) (KeptRound, error) {
	it, r, err := s.opened(ctx, sort)
	if err != nil {
		return KeptRound{}, err
	}
	now := s.cfg.Clock().UTC().Truncate(time.Millisecond)
	var tasks []register.Change
	for _, d := range list {
		i := slices.IndexFunc(r.Items, func(it Item) bool { return it.Key == d.Key })
		if i < 0 {
			return KeptRound{}, errs.New(errs.NotFound, "the round has no item %q", d.Key)
		}
		if err := d.check(r.Items[i], by.ID); err != nil {
			return KeptRound{}, err
		}
		decided := &Decided{Decision: d, By: by.ID, ByName: by.Username, At: now}
		switch d.Choice {
		case FollowUp:
			task, err := s.task(ctx, r, i, d, now)
			if err != nil {
				return KeptRound{}, err
			}
			tasks = append(tasks, task)
			decided.Carried = now
		case Keep:
			decided.Carried = now
		case Roles:
			if err := s.cfg.Accounts.CheckRoles(d.Roles); err != nil {
				return KeptRound{}, err
			}
		case Disable:
		}
		r.Items[i].Decided = decided
	}
	if it, err = s.write(ctx, entry, it, r, fmt.Sprintf("decided %d items", len(list)), tasks...); err != nil {
		return KeptRound{}, err
	}
	return s.carry(ctx, by, entry, it, r)
}

// Carry carries out what was decided by somebody who might not do it himself.
func (s *Service) Carry(ctx context.Context, by tutela.Principal, entry tutela.Entry, sort Sort) (KeptRound, error) {
	it, r, err := s.opened(ctx, sort)
	if err != nil {
		return KeptRound{}, err
	}
	return s.carry(ctx, by, entry, it, r)
}

// opened gives the open round of a sort.
func (s *Service) opened(ctx context.Context, sort Sort) (register.Item, Round, error) {
	plan, p, err := s.plan(ctx, sort)
	if err != nil {
		return plan, Round{}, err
	}
	if plan.State != open {
		return plan, Round{}, errs.New(errs.Conflict, "no round of %s is open: tutela reviews start %s", sort, sort)
	}
	return s.round(ctx, sort, p.Round)
}

// carry changes accounts as it was decided, as far as the caller may, and ends the round where nothing is left to do.
func (s *Service) carry(ctx context.Context, by tutela.Principal, entry tutela.Entry, it register.Item, r Round) (KeptRound, error) {
	carried := 0
	for i := range r.Items {
		if !r.Items[i].waits() || r.Items[i].Account == by.ID {
			continue
		}
		err := s.apply(ctx, by, r.Items[i])
		if errs.Is(err, errs.Denied) {
			break // it waits for an administrator
		}
		if err != nil {
			return KeptRound{}, fmt.Errorf("carry out what was decided about %s: %w", r.Items[i].Key, err)
		}
		r.Items[i].Decided.Carried = s.cfg.Clock().UTC().Truncate(time.Millisecond)
		carried++
	}
	over := r.Open() == 0 && r.Waiting() == 0
	if carried == 0 && !over {
		return KeptRound{Round: r, Revision: it.Revision, State: it.State}, nil
	}
	var more []register.Change
	if over {
		it.State = done
		plan, p, err := s.plan(ctx, r.Sort)
		if err != nil {
			return KeptRound{}, err
		}
		plan.State, p.Last = planned, s.cfg.Clock().UTC().Truncate(time.Millisecond)
		c, err := change(plan, p.Owner, p.due(), p, "ended a round")
		if err != nil {
			return KeptRound{}, err
		}
		more = append(more, c)
	}
	it, err := s.write(ctx, entry, it, r, fmt.Sprintf("carried out %d decisions", carried), more...)
	return KeptRound{Round: r, Revision: it.Revision, State: it.State}, err
}

// apply does to an account what was decided. Done twice it is as done once.
func (s *Service) apply(ctx context.Context, by tutela.Principal, it Item) error {
	if it.Decided.Choice == Disable {
		return s.cfg.Accounts.Disable(ctx, by, it.Account)
	}
	return s.cfg.Accounts.SetRoles(ctx, by, it.Account, it.Decided.Roles)
}

// write keeps a round's next revision, with what goes with it.
func (s *Service) write(ctx context.Context, entry tutela.Entry, it register.Item, r Round, what string, more ...register.Change) (register.Item, error) {
	c, err := change(it, it.Owner, time.Time{}, r, what)
	if err != nil {
		return it, err
	}
	list, err := s.cfg.Register.Put(ctx, entry, append([]register.Change{c}, more...)...)
	if err != nil {
		return it, err
	}
	return list[0], nil
}

// task is the follow-up that a decision makes.
func (s *Service) task(ctx context.Context, r Round, i int, d Decision, now time.Time) (register.Change, error) {
	until, err := time.Parse(time.DateOnly, d.Until)
	if err != nil || !until.After(now) || until.Sub(now) > longest {
		return register.Change{}, errs.New(errs.Invalid, "a follow-up is for a day within a year, as 2027-03-01")
	}
	owner, name, err := s.person(ctx, d.Owner)
	if err != nil {
		return register.Change{}, err
	}
	id := fmt.Sprintf("%s.%d", roundID(r.Sort, r.Number), i+1)
	it := register.Item{Kind: kindTask, ID: id, State: open}
	if before, err := s.cfg.Register.Get(ctx, kindTask, id); err == nil { // decided before, and now otherwise
		it.Revision = before.Revision
	} else if !errs.Is(err, errs.NotFound) {
		return register.Change{}, err
	}
	return change(it, owner, until, Task{
		Sort: r.Sort, Round: r.Number, Item: r.Items[i].Title, What: d.Reason, Owner: owner, OwnerName: name, Until: until,
	}, "opened")
}

// Finish says how a follow-up was done.
func (s *Service) Finish(ctx context.Context, entry tutela.Entry, id, how string) (KeptTask, error) {
	it, err := s.cfg.Register.Get(ctx, kindTask, id)
	if err != nil {
		return KeptTask{}, err
	}
	t, err := register.Decode[Task](it)
	switch {
	case err != nil:
		return KeptTask{}, err
	case it.State != open:
		return KeptTask{}, errs.New(errs.Conflict, "%s is done already", id)
	case how == "" || len(how) > maxText:
		return KeptTask{}, errs.New(errs.Invalid, "say in %d bytes at most how it was done", maxText)
	}
	t.Done, it.State = how, done
	c, err := change(it, t.Owner, time.Time{}, t, "done")
	if err != nil {
		return KeptTask{}, err
	}
	if _, err := s.cfg.Register.Put(ctx, entry, c); err != nil {
		return KeptTask{}, err
	}
	return KeptTask{ID: id, Task: t, State: done}, nil
}

// FollowUps are what rounds decided to be done by a day, and is not done.
func (s *Service) FollowUps(ctx context.Context) ([]register.Duty, error) {
	all, err := s.Duties(ctx)
	return slices.DeleteFunc(all, func(d register.Duty) bool { return d.Kind != kindTask }), err
}

// Duties are the rounds to be held, what of them is to be carried out, and the follow-ups.
func (s *Service) Duties(ctx context.Context) ([]register.Duty, error) {
	plans, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	var list []register.Duty
	for _, k := range plans {
		d := register.Duty{
			Kind: kindPlan, ID: string(k.Sort), Title: k.Title, Owner: k.Owner, Name: k.OwnerName, Due: k.Due,
			What: "hold the review", Do: "tutela reviews start " + string(k.Sort),
		}
		if k.State == open {
			d.What, d.Do = "end the review", "tutela reviews show "+string(k.Sort)
		}
		list = append(list, d)
		for _, t := range k.Tasks {
			list = append(list, register.Duty{
				Kind: kindTask, ID: t.ID, Title: t.Item, What: "follow up", Owner: t.Owner, Name: t.OwnerName, Due: t.Until, Do: "tutela reviews done " + t.ID,
			})
		}
	}
	return list, nil
}
