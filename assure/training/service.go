package training

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/dossier"
	"github.com/tutela-health/tutela/assure/register"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/supply"
)

// Config says what a Service works with.
type Config struct {
	Register *register.Book
	Clock    clock.Clock
	Users    func(context.Context) ([]identity.User, error)
	// Scan looks for faults in texts by their paths, as tutela scan does.
	Scan func(ctx context.Context, files map[string]string) ([]supply.Finding, error)
	// Seal has the ledger name a text, for others.
	Seal func(ctx context.Context, kind, text string) (dossier.Statement, error)
}

// Service keeps modules and results. Safe for concurrent use.
type Service struct {
	cfg      Config
	scanning chan struct{}
}

// New returns a Service.
func New(c Config) *Service { return &Service{c, make(chan struct{}, 1)} }

// Kept is a module as it stands.
type Kept struct {
	ID       string         `json:"id"`
	Revision int64          `json:"revision"`
	State    register.State `json:"state"`
	Module
	Concerned int       `json:"concerned"`
	Missing   []Missing `json:"missing,omitempty"` // who has not passed, or not of late
}

// Missing is a person who is to take a module.
type Missing struct {
	User    tutela.UserID `json:"user"`
	Name    string        `json:"name"`
	Until   time.Time     `json:"until"`
	Overdue bool          `json:"overdue,omitempty"`
}

// grace is how long people have to take a module for the first time, from when it or their account was made.
const grace = 30 * 24 * time.Hour

// soon is how long before its end a result is to be renewed.
const soon = 30 * 24 * time.Hour

func (s *Service) now() time.Time { return s.cfg.Clock().UTC().Truncate(time.Millisecond) }

// List gives modules, by id; those that were withdrawn come only where all are wanted.
func (s *Service) List(ctx context.Context, all bool) ([]Kept, error) {
	items, err := s.cfg.Register.List(ctx, register.Filter{Kind: kindModule})
	if err != nil {
		return nil, err
	}
	results, err := s.results(ctx)
	if err != nil {
		return nil, err
	}
	users, err := s.cfg.Users(ctx)
	if err != nil {
		return nil, err
	}
	list := []Kept{}
	for _, it := range items {
		m, err := register.Decode[Module](it)
		if err != nil {
			return nil, err
		}
		k := Kept{ID: it.ID, Revision: it.Revision, State: it.State, Module: m}
		switch {
		case it.State == Live:
			k.Concerned, k.Missing = s.missing(it.ID, m, users, results)
		case !all:
			continue
		}
		list = append(list, k)
	}
	return list, nil
}

func (s *Service) results(ctx context.Context) (map[string]Result, error) {
	items, err := s.cfg.Register.List(ctx, register.Filter{Kind: kindResult})
	if err != nil {
		return nil, err
	}
	all := map[string]Result{}
	for _, it := range items {
		if all[it.ID], err = register.Decode[Result](it); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// resultID is of what somebody showed about a module.
func resultID(module string, user tutela.UserID) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q", module, user))
	return hex.EncodeToString(sum[:])
}

// missing is whom a module is for, and who of them has to take it: at once, or within soon.
func (s *Service) missing(id string, m Module, users []identity.User, results map[string]Result) (concerned int, list []Missing) {
	now := s.now()
	for _, u := range users {
		if !concerns(m.Head, u) {
			continue
		}
		concerned++
		until := m.Since
		if u.Created.After(until) {
			until = u.Created
		}
		until = until.Add(grace)
		if r := results[resultID(id, u.ID)]; !r.Last.IsZero() {
			until = r.Last.AddDate(0, m.Every, 0)
			if now.Before(until.Add(-soon)) {
				continue
			}
		}
		list = append(list, Missing{User: u.ID, Name: u.Username, Until: until, Overdue: !now.Before(until)})
	}
	slices.SortFunc(list, func(a, b Missing) int { return cmp.Compare(a.Name, b.Name) })
	return concerned, list
}

// concerns reports whether a module is for somebody: people who work here, and can come in.
func concerns(h Head, u identity.User) bool {
	if u.Kind != tutela.ActorPerson || u.Patient != "" || u.Disabled || u.Waiting || !u.Removed.IsZero() || slices.Contains(u.Roles, "proxy") || slices.Contains(u.Roles, "patient") {
		return false
	}
	return len(h.Roles) == 0 || slices.ContainsFunc(u.Roles, func(r string) bool { return slices.Contains(h.Roles, r) })
}

// Mine is a module that is for somebody, without what is right.
type Mine struct {
	ID string `json:"id"`
	Module
	Result *Result   `json:"result,omitempty"` // of the newest try
	Tries  int64     `json:"tries"`
	Until  time.Time `json:"until,omitzero"` // by when it is to be taken; zero for not yet
}

// Mine gives the modules that are for an account.
func (s *Service) Mine(ctx context.Context, user tutela.UserID) ([]Mine, error) {
	users, err := s.cfg.Users(ctx)
	if err != nil {
		return nil, err
	}
	users = slices.DeleteFunc(users, func(u identity.User) bool { return u.ID != user })
	items, err := s.cfg.Register.List(ctx, register.Filter{Kind: kindModule, State: Live})
	if err != nil {
		return nil, err
	}
	list := []Mine{}
	for _, it := range items {
		m, err := register.Decode[Module](it)
		if err != nil {
			return nil, err
		}
		of, r, err := s.result(ctx, it.ID, user)
		if err != nil && !errs.Is(err, errs.NotFound) {
			return nil, err
		}
		results := map[string]Result{resultID(it.ID, user): r}
		concerned, lacking := s.missing(it.ID, m, users, results)
		if concerned == 0 {
			continue
		}
		mine := Mine{ID: it.ID, Module: m.blind()}
		if err == nil {
			mine.Result, mine.Tries = &r, of.Revision
		}
		if len(lacking) > 0 {
			mine.Until = lacking[0].Until
		}
		list = append(list, mine)
	}
	return list, nil
}

func (s *Service) result(ctx context.Context, module string, user tutela.UserID) (register.Item, Result, error) {
	it, err := s.cfg.Register.Get(ctx, kindResult, resultID(module, user))
	if err != nil {
		return register.Item{Kind: kindResult, ID: resultID(module, user)}, Result{}, err
	}
	r, err := register.Decode[Result](it)
	return it, r, err
}

func (s *Service) module(ctx context.Context, id string) (register.Item, Module, error) {
	it, err := s.cfg.Register.Get(ctx, kindModule, id)
	if err != nil {
		return it, Module{}, err
	}
	m, err := register.Decode[Module](it)
	return it, m, err
}

func change(it register.Item, owner tutela.UserID, due time.Time, body any, what string) (register.Change, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return register.Change{}, fmt.Errorf("encode %s: %w", it.Kind, err)
	}
	it.Owner, it.Due, it.Body = owner, due, text
	return register.Change{Item: it, What: what}, nil
}

// Put keeps a module. Who has passed it stays passed until his time is over.
func (s *Service) Put(ctx context.Context, entry tutela.Entry, id string, file []byte) (Kept, error) {
	m, err := Parse(file)
	if err != nil {
		return Kept{}, err
	}
	if err := s.broken(ctx, m.Lab); err != nil {
		return Kept{}, err
	}
	it, before, err := s.module(ctx, id)
	switch {
	case errs.Is(err, errs.NotFound):
		it, m.Since = register.Item{Kind: kindModule, ID: id}, s.now()
	case err != nil:
		return Kept{}, err
	case it.State == Withdrawn:
		m.Since = s.now()
	default:
		m.Since = before.Since
	}
	it.State = Live
	return s.put(ctx, entry, it, m, "kept")
}

// Withdraw ends a module.
func (s *Service) Withdraw(ctx context.Context, entry tutela.Entry, id string) (Kept, error) {
	it, m, err := s.module(ctx, id)
	if err != nil {
		return Kept{}, err
	}
	if it.State == Withdrawn {
		return Kept{}, errs.New(errs.Conflict, "module %s was withdrawn already", id)
	}
	it.State = Withdrawn
	return s.put(ctx, entry, it, m, "withdrawn")
}

func (s *Service) put(ctx context.Context, entry tutela.Entry, it register.Item, m Module, what string) (Kept, error) {
	c, err := change(it, "", time.Time{}, m, what)
	if err != nil {
		return Kept{}, err
	}
	list, err := s.cfg.Register.Put(ctx, entry, c)
	if err != nil {
		return Kept{}, err
	}
	return Kept{ID: it.ID, Revision: list[0].Revision, State: it.State, Module: m}, nil
}

// Take takes somebody's own answers, numbers from 1 in the order of the questions, to the module that he read.
func (s *Service) Take(ctx context.Context, by tutela.Principal, entry tutela.Entry, id, read string, answers []int) (Result, error) {
	it, m, err := s.module(ctx, id)
	if err != nil {
		return Result{}, err
	}
	switch {
	case it.State != Live || m.Outside:
		return Result{}, errs.New(errs.Conflict, "module %s is not taken here", id)
	case m.Digest != read:
		return Result{}, errs.New(errs.Conflict, "the module has changed: read it again")
	case len(answers) != len(m.Questions):
		return Result{}, errs.New(errs.Invalid, "there are %d questions, and %d answers came", len(m.Questions), len(answers))
	}
	r := Result{Module: id, User: by.ID, Name: by.Username, Score: m.score(answers), At: s.now(), Digest: m.Digest}
	r.Pass = r.Score >= m.Pass
	c, err := s.tried(ctx, m, r)
	if err != nil {
		return Result{}, err
	}
	if _, err := s.cfg.Register.Put(ctx, entry, c); err != nil {
		return Result{}, err
	}
	return register.Decode[Result](c.Item)
}

// tried is somebody's next try.
func (s *Service) tried(ctx context.Context, m Module, r Result) (register.Change, error) {
	it, before, err := s.result(ctx, r.Module, r.User)
	if err != nil && !errs.Is(err, errs.NotFound) {
		return register.Change{}, err
	}
	r.Last, r.Answered, r.Mended, r.Best = before.Last, cmp.Or(before.Answered, before.Last), before.Mended, before.Best
	if before.Pass {
		r.Best = cmp.Or(r.Best, before.Score)
	}
	if r.Pass && r.At.After(r.Answered) {
		r.Answered, r.Best = r.At, r.Score
	}
	what := "not passed"
	if r.Pass {
		what = "passed"
	}
	return concluded(it, m, r, fmt.Sprintf("%s: %d percent, %s", r.Module, r.Score, what))
}

// concluded is a result with what follows from its questions and its lab: both are to be done, and the older one counts.
func concluded(it register.Item, m Module, r Result, what string) (register.Change, error) {
	last := r.Answered
	if m.Lab != nil && r.Mended.Before(last) {
		last = r.Mended
	}
	if last.After(r.Last) {
		r.Last = last
	}
	switch {
	case !r.Pass && !r.At.IsZero():
		it.State = Failed
	case r.Last.IsZero():
		it.State = Begun
	default:
		it.State = Passed
	}
	due := time.Time{}
	if !r.Last.IsZero() {
		due = r.Last.AddDate(0, m.Every, 0)
	}
	return change(it, r.User, due, r, what)
}

// Brought is a result from elsewhere.
type Brought struct {
	Person string `json:"person"` // by username or id
	Date   string `json:"date"`   // 2027-03-01
	Pass   bool   `json:"pass"`
	Score  int    `json:"score"` // percent; 0 where it is not known
}

// Bring takes in what people showed elsewhere, all or nothing; the one that is wrong is named by its number. It gives how
// many were taken: an older result than the one that is kept is passed over.
func (s *Service) Bring(ctx context.Context, entry tutela.Entry, id string, list []Brought) (int, error) {
	it, m, err := s.module(ctx, id)
	if err != nil {
		return 0, err
	}
	if it.State != Live || !m.Outside {
		return 0, errs.New(errs.Conflict, "module %s is not taken elsewhere", id)
	}
	users, err := s.cfg.Users(ctx)
	if err != nil {
		return 0, err
	}
	var changes []register.Change
	seen := map[tutela.UserID]bool{}
	for i, b := range list {
		day, err := time.Parse(time.DateOnly, b.Date)
		at := slices.IndexFunc(users, func(u identity.User) bool {
			return u.Kind == tutela.ActorPerson && (strings.EqualFold(u.Username, b.Person) || string(u.ID) == b.Person)
		})
		switch {
		case at < 0:
			return 0, errs.New(errs.Invalid, "result %d: there is no person %q", i+1, b.Person)
		case err != nil || day.After(s.now()):
			return 0, errs.New(errs.Invalid, "result %d: %q is no day of the past, as 2026-11-20", i+1, b.Date)
		case b.Score < 0 || b.Score > 100:
			return 0, errs.New(errs.Invalid, "result %d: a score is of 0 to 100 percent", i+1)
		case seen[users[at].ID]:
			return 0, errs.New(errs.Invalid, "result %d: %s is there twice", i+1, b.Person)
		}
		seen[users[at].ID] = true
		r := Result{Module: id, User: users[at].ID, Name: users[at].Username, Score: b.Score, Pass: b.Pass, At: day, By: entry.Actor.Name}
		if _, before, err := s.result(ctx, id, r.User); err == nil && !day.After(before.At) {
			continue
		}
		c, err := s.tried(ctx, m, r)
		if err != nil {
			return 0, err
		}
		changes = append(changes, c)
	}
	if len(changes) == 0 {
		return 0, nil
	}
	_, err = s.cfg.Register.Put(ctx, entry, changes...)
	return len(changes), err
}

// Duties are the modules to be taken.
func (s *Service) Duties(ctx context.Context) ([]register.Duty, error) {
	all, err := s.List(ctx, false)
	if err != nil {
		return nil, err
	}
	var list []register.Duty
	for _, k := range all {
		d := register.Duty{Kind: kindModule, ID: k.ID, Title: k.Title, What: "take the training", Do: "tutela training take " + k.ID}
		if k.Outside {
			d.Do = "take it where it is held"
		}
		for _, m := range k.Missing {
			d.Owner, d.Name, d.Due = m.User, m.Name, m.Until
			list = append(list, d)
		}
	}
	return list, nil
}

// Checks are what the register can show of training.
func (s *Service) Checks() []tutela.Check {
	return []tutela.Check{{
		ID: "govern.training-current", Title: "Everybody has shown in time what he is to know",
		Controls: []string{"G06", "45 CFR 164.308(a)(5)(i)"}, Fresh: 24 * time.Hour, Try: s.try,
	}}
}

func (s *Service) try(ctx context.Context) tutela.Evidence {
	e := tutela.Evidence{On: "the register of training"}
	list, err := s.List(ctx, false)
	var wrong []string
	for _, k := range list {
		late := 0
		for _, m := range k.Missing {
			if m.Overdue {
				late++
			}
		}
		if late > 0 {
			wrong = append(wrong, fmt.Sprintf("%d of %d have not passed %s in time", late, k.Concerned, k.ID))
		}
	}
	switch {
	case err != nil:
		e.Verdict, e.Observed = tutela.CouldNotCheck, fmt.Sprintf("the register could not be read: %v", err)
	case len(list) == 0:
		e.Verdict, e.Observed = tutela.NotApplicable, "there is no module: tutela training starter"
	case len(wrong) > 0:
		e.Verdict, e.Observed = tutela.Fail, strings.Join(wrong, "; ")
	default:
		e.Verdict, e.Observed = tutela.Pass, fmt.Sprintf("%d modules", len(list))
	}
	return e
}
