package vendor

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/dossier"
	"github.com/tutela-health/tutela/assure/register"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
)

// kind is the register's word for vendors.
const kind register.Kind = "vendor"

// Config says what a Service works with.
type Config struct {
	Register *register.Book
	Clock    clock.Clock
	// Person finds the account of a person by its username or id; one that is not there is errs.NotFound.
	Person func(ctx context.Context, name string) (tutela.UserID, string, error)
	// Seal has the ledger name a text, for others to verify.
	Seal func(ctx context.Context, kind, text string) (dossier.Statement, error)
}

// Service keeps vendors. Safe for concurrent use.
type Service struct {
	cfg Config
	q   Questionnaire
}

// New returns a Service that asks what the product ships.
func New(c Config) (*Service, error) {
	q, err := Shipped()
	return &Service{c, q}, err
}

// Questionnaire is what vendors are asked.
func (s *Service) Questionnaire() Questionnaire { return s.q }

// Kept is a vendor as it is kept.
type Kept struct {
	ID       string    `json:"id"`
	Revision int64     `json:"revision"`
	State    State     `json:"state"`
	At       time.Time `json:"at"`
	By       string    `json:"by"`
	Vendor
	Score   int  `json:"score"`             // of its answers, 0 to 100; of none before it is assessed
	Bare    bool `json:"bare,omitempty"`    // it gets health data, and no agreement is live
	Overdue bool `json:"overdue,omitempty"` // its assessment
	Late    int  `json:"late,omitempty"`    // corrective actions whose deadline is over
}

// Wrong reports whether something is to be done about a vendor now.
func (k Kept) Wrong() bool { return k.Bare || k.Overdue || k.Late > 0 }

// List gives vendors: those about which something is to be done first, then the most critical, then those that answered worst.
// Those that are closed come only where all are wanted.
func (s *Service) List(ctx context.Context, all bool) ([]Kept, error) {
	items, err := s.cfg.Register.List(ctx, register.Filter{Kind: kind})
	if err != nil {
		return nil, err
	}
	list := []Kept{}
	for _, it := range items {
		k, err := s.kept(it)
		if err != nil {
			return nil, err
		}
		if all || k.State != Closed {
			list = append(list, k)
		}
	}
	calm := func(k Kept) int {
		if k.Wrong() {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(list, func(a, b Kept) int {
		return cmp.Or(cmp.Compare(calm(a), calm(b)), cmp.Compare(b.Critical, a.Critical), cmp.Compare(a.Score, b.Score), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

// History gives every revision of a vendor, the first one first.
func (s *Service) History(ctx context.Context, id string) ([]Kept, error) {
	items, err := s.cfg.Register.History(ctx, kind, id)
	if err != nil {
		return nil, err
	}
	list := make([]Kept, len(items))
	for i, it := range items {
		if list[i], err = s.kept(it); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Written is what is said of one vendor.
type Written struct {
	ID       string `json:"id"`
	Revision int64  `json:"revision"`       // that was read, 0 for a new one
	Line     int    `json:"line,omitempty"` // of a sheet, for what is said of it
	Details
}

// said names what a message is about.
func said(line int, id string) string {
	if line > 0 {
		return fmt.Sprintf("line %d (%s)", line, clipped(id))
	}
	return clipped(id)
}

// each makes a change of every one of a list, or says of which it cannot be: of one that came alone as it is, of more by their
// lines and ids.
func each[T any](list []T, about func(T) (line int, id string), changed func(T) (register.Change, error)) ([]register.Change, error) {
	var changes []register.Change
	var bad []string
	seen := map[string]bool{}
	for _, one := range list {
		line, id := about(one)
		c, err := changed(one)
		if err == nil && seen[id] {
			err = errs.New(errs.Invalid, "it is there twice")
		}
		seen[id] = true
		switch kind := errs.KindOf(err); {
		case err == nil:
			changes = append(changes, c)
		case len(list) == 1 && line == 0, kind != errs.Invalid && kind != errs.NotFound && kind != errs.Conflict:
			return nil, err
		default:
			bad = append(bad, said(line, id)+": "+errs.Public(err))
		}
	}
	return changes, wrong(bad)
}

// wrong is an error that names what is wrong, up to a bound.
func wrong(bad []string) error {
	const most = 20
	switch {
	case len(bad) == 0:
		return nil
	case len(bad) > most:
		return errs.New(errs.Invalid, "%s; and %d more. Nothing was written", strings.Join(bad[:most], "; "), len(bad)-most)
	}
	return errs.New(errs.Invalid, "%s. Nothing was written", strings.Join(bad, "; "))
}

// Put keeps vendors, all or none: new at revision 0, changed at the revision that was read. What follows from assessments stays.
func (s *Service) Put(ctx context.Context, entry tutela.Entry, list ...Written) ([]Kept, error) {
	before, err := s.newest(ctx)
	if err != nil {
		return nil, err
	}
	people := map[tutela.UserID]person{}
	changes, err := each(list, func(w Written) (int, string) { return w.Line, w.ID }, func(w Written) (register.Change, error) {
		v, err := s.written(ctx, w, before[w.ID], people)
		if err != nil {
			return register.Change{}, err
		}
		return change(w.ID, w.Revision, Open, v, "kept")
	})
	if err != nil {
		return nil, err
	}
	return s.put(ctx, entry, changes...)
}

// person is who was found under a name, or why nobody was.
type person struct {
	id   tutela.UserID
	name string
	err  error
}

// written is a vendor as it will be.
func (s *Service) written(ctx context.Context, w Written, before *Kept, people map[tutela.UserID]person) (Vendor, error) {
	now := s.cfg.Clock().UTC().Truncate(time.Second)
	d := w.Details
	if err := d.check(now); err != nil {
		return Vendor{}, err
	}
	if !register.Named(w.ID) {
		return Vendor{}, errs.New(errs.Invalid, "an id is of a-z, 0-9, '-', '.' and '_', begins with a letter or a digit, and has 64 characters at most")
	}
	if err := fresh(w.Revision, before); err != nil {
		return Vendor{}, err
	}
	who, known := people[d.Owner]
	if !known {
		who.id, who.name, who.err = s.cfg.Person(ctx, string(d.Owner))
		people[d.Owner] = who
	}
	if errs.Is(who.err, errs.NotFound) {
		return Vendor{}, errs.New(errs.Invalid, "the owner of a vendor is a person with an account, by username or id")
	}
	if who.err != nil {
		return Vendor{}, who.err
	}
	d.Owner, d.OwnerName = who.id, who.name
	if before == nil {
		if d.Assess.IsZero() {
			d.Assess = now.Add(first)
		}
		if !within(d.Assess, now) {
			return Vendor{}, errs.New(errs.Invalid, "a vendor is assessed within %d days from now", longest/(24*time.Hour))
		}
		return Vendor{Details: d}, nil
	}
	if !d.Assess.IsZero() && !d.Assess.Equal(before.Assess) && before.State == Open {
		return Vendor{}, errs.New(errs.Invalid, "an assessment alone moves the date of the next one, which is %s", before.Assess.Format(time.DateOnly))
	}
	v := before.Vendor
	d.Assess = v.Assess
	if before.State == Closed { // it works for us again, and is assessed like a new one
		d.Assess, v.Closed = now.Add(first), ""
	}
	v.Details = d
	return v, nil
}

// fresh refuses who has not read what he changes.
func fresh(read int64, before *Kept) error {
	var is int64
	if before != nil {
		is = before.Revision
	}
	if read != is {
		return errs.New(errs.Conflict, "it has changed since it was read: revision %d, not %d", is, read)
	}
	return nil
}

func within(t, now time.Time) bool { return t.After(now) && t.Sub(now) <= longest }

// Assessment is what came of asking a vendor.
type Assessment struct {
	ID       string            `json:"id"`
	Revision int64             `json:"revision"`       // that was read
	Line     int               `json:"line,omitempty"` // of a sheet, for what is said of it
	Answers  map[string]Answer `json:"answers"`
	Next     time.Time         `json:"next"`            // when it is assessed again
	Until    time.Time         `json:"until,omitzero"`  // by when new corrective actions are to be done
	Waive    map[string]string `json:"waive,omitempty"` // questions that need no corrective action, and why
}

// Assess writes assessments down, all or none. What is answered by no or partly becomes a corrective action, unless it is
// waived; one that is open already keeps its deadline.
func (s *Service) Assess(ctx context.Context, entry tutela.Entry, list ...Assessment) ([]Kept, error) {
	before, err := s.newest(ctx)
	if err != nil {
		return nil, err
	}
	changes, err := each(list, func(a Assessment) (int, string) { return a.Line, a.ID }, func(a Assessment) (register.Change, error) {
		v, err := s.assessed(entry, a, before[a.ID])
		if err != nil {
			return register.Change{}, err
		}
		return change(a.ID, a.Revision, Open, v, "assessed")
	})
	if err != nil {
		return nil, err
	}
	return s.put(ctx, entry, changes...)
}

// assessed is a vendor as an assessment leaves it.
func (s *Service) assessed(entry tutela.Entry, a Assessment, before *Kept) (Vendor, error) {
	now := s.cfg.Clock().UTC().Truncate(time.Second)
	if err := living(before); err != nil {
		return Vendor{}, err
	}
	if err := fresh(a.Revision, before); err != nil {
		return Vendor{}, err
	}
	if err := s.q.check(a.Answers, now); err != nil {
		return Vendor{}, err
	}
	if !within(a.Next, now) {
		return Vendor{}, errs.New(errs.Invalid, "a vendor is assessed again within %d days from now", longest/(24*time.Hour))
	}
	v := before.Vendor
	v.Answers, v.Source, v.Assessed, v.Assess = a.Answers, nil, now, a.Next
	v.Actions = slices.DeleteFunc(slices.Clone(v.Actions), func(one Action) bool { return !one.Open() }) // they are in the history
	for id, why := range a.Waive {
		if is := a.Answers[id].Is; is != No && is != Partly {
			return Vendor{}, errs.New(errs.Invalid, "%q is answered well: there is nothing to waive", clipped(id))
		}
		if why == "" || !plain(why) {
			return Vendor{}, errs.New(errs.Invalid, "a waiver says in %d bytes at most why nothing is to be put right", maxText)
		}
	}
	for _, q := range s.q.Questions {
		if err := v.follow(q, a, by(entry), now); err != nil {
			return Vendor{}, err
		}
	}
	return v, nil
}

// follow brings a vendor's corrective actions, all of which are open, in step with the answer to one question.
func (v *Vendor) follow(q Question, a Assessment, who string, now time.Time) error {
	answer := a.Answers[q.ID].Is
	why, waived := a.Waive[q.ID]
	good := answer != No && answer != Partly
	i := slices.IndexFunc(v.Actions, func(one Action) bool { return one.Question == q.ID })
	switch {
	case good && i >= 0:
		v.Actions[i].Done, v.Actions[i].By, v.Actions[i].How = now, who, "answered "+string(answer)+" in an assessment"
	case waived && i >= 0:
		v.Actions[i].Done, v.Actions[i].By, v.Actions[i].Waived = now, who, why
	case waived:
		return v.act(Action{Question: q.ID, What: q.Asks, Done: now, By: who, Waived: why})
	case good || i >= 0:
	case !within(a.Until, now):
		return errs.New(errs.Invalid, "%s is answered by %s: say by when it is put right, within %d days, or waive it with a reason", q.ID, answer, longest/(24*time.Hour))
	default:
		return v.act(Action{Question: q.ID, What: q.Asks, Until: a.Until})
	}
	return nil
}

// act adds a corrective action under the next number.
func (v *Vendor) act(a Action) error {
	if len(v.Actions) >= maxActions {
		return errs.New(errs.Invalid, "a vendor has %d corrective actions at most", maxActions)
	}
	v.Numbered++
	a.Number = v.Numbered
	v.Actions = append(v.Actions, a)
	return nil
}

// Deed is what is done about corrective actions: a new one is given, or one of a number is done or waived.
type Deed struct {
	Number int       `json:"number,omitempty"`
	Done   string    `json:"done,omitempty"`  // how it is known to be done
	Waive  string    `json:"waive,omitempty"` // why it need not be
	What   string    `json:"what,omitempty"`  // of a new one
	Until  time.Time `json:"until,omitzero"`  // of a new one
}

// check refuses what is not one deed.
func (d Deed) check(now time.Time) error {
	texts := 0
	for _, text := range []string{d.Done, d.Waive, d.What} {
		if text != "" {
			texts++
		}
		if !plain(text) {
			return errs.New(errs.Invalid, "a text is a line of %d bytes at most", maxText)
		}
	}
	switch {
	case texts != 1 || (d.What == "") != (d.Number > 0) || d.What == "" && !d.Until.IsZero():
		return errs.New(errs.Invalid, "say of one number how it was done or why it is waived, or what is to be put right by when; a deadline does not move")
	case d.What != "" && !within(d.Until, now):
		return errs.New(errs.Invalid, "a corrective action is to be done within %d days", longest/(24*time.Hour))
	}
	return nil
}

// Act does something about a vendor's corrective actions.
func (s *Service) Act(ctx context.Context, entry tutela.Entry, id string, d Deed) (Kept, error) {
	now := s.cfg.Clock().UTC().Truncate(time.Second)
	if err := d.check(now); err != nil {
		return Kept{}, err
	}
	k, err := s.get(ctx, id)
	if err == nil {
		err = living(&k)
	}
	if err != nil {
		return Kept{}, err
	}
	v, what := k.Vendor, "told what to put right"
	v.Actions = slices.Clone(v.Actions)
	if d.What != "" {
		if err := v.act(Action{What: d.What, Until: d.Until}); err != nil {
			return Kept{}, err
		}
	} else {
		i := slices.IndexFunc(v.Actions, func(a Action) bool { return a.Number == d.Number })
		switch {
		case i < 0:
			return Kept{}, errs.New(errs.NotFound, "vendor %s has no corrective action %d", id, d.Number)
		case !v.Actions[i].Open():
			return Kept{}, errs.New(errs.Conflict, "corrective action %d is closed already", d.Number)
		}
		one := &v.Actions[i]
		one.Done, one.By, one.How, one.Waived = now, by(entry), d.Done, d.Waive
		what = fmt.Sprintf("corrective action %d done", d.Number)
		if d.Waive != "" {
			what = fmt.Sprintf("corrective action %d waived", d.Number)
		}
	}
	return s.one(ctx, entry, id, k.Revision, Open, v, what)
}

// Close ends a vendor that works for the organisation no more.
func (s *Service) Close(ctx context.Context, entry tutela.Entry, id, why string) (Kept, error) {
	k, err := s.get(ctx, id)
	if err == nil {
		err = living(&k)
	}
	if err != nil {
		return Kept{}, err
	}
	if why == "" || !plain(why) {
		return Kept{}, errs.New(errs.Invalid, "say in a line of %d bytes at most why it works for us no more", maxText)
	}
	v := k.Vendor
	v.Closed = why
	return s.one(ctx, entry, id, k.Revision, Closed, v, "closed")
}

// living refuses a vendor that is not there, or is closed.
func living(k *Kept) error {
	switch {
	case k == nil:
		return errs.New(errs.NotFound, "no such vendor")
	case k.State == Closed:
		return errs.New(errs.Conflict, "vendor %s is closed", k.ID)
	}
	return nil
}

func (s *Service) get(ctx context.Context, id string) (Kept, error) {
	it, err := s.cfg.Register.Get(ctx, kind, id)
	if err != nil {
		return Kept{}, err
	}
	return s.kept(it)
}

// newest are all vendors by their ids.
func (s *Service) newest(ctx context.Context) (map[string]*Kept, error) {
	list, err := s.List(ctx, true)
	if err != nil {
		return nil, err
	}
	all := make(map[string]*Kept, len(list))
	for i := range list {
		all[list[i].ID] = &list[i]
	}
	return all, nil
}

func (s *Service) one(ctx context.Context, entry tutela.Entry, id string, revision int64, state State, v Vendor, what string) (Kept, error) {
	c, err := change(id, revision, state, v, what)
	if err != nil {
		return Kept{}, err
	}
	list, err := s.put(ctx, entry, c)
	if err != nil {
		return Kept{}, err
	}
	return list[0], nil
}

func change(id string, revision int64, state State, v Vendor, what string) (register.Change, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return register.Change{}, fmt.Errorf("encode vendor: %w", err)
	}
	it := register.Item{Kind: kind, ID: id, Revision: revision, State: register.State(state), Owner: v.Owner, Body: body}
	if state != Closed {
		it.Due = v.next()
	}
	return register.Change{Item: it, What: what}, nil
}

func (s *Service) put(ctx context.Context, entry tutela.Entry, list ...register.Change) ([]Kept, error) {
	items, err := s.cfg.Register.Put(ctx, entry, list...)
	if err != nil {
		return nil, err
	}
	all := make([]Kept, len(items))
	for i, it := range items {
		if all[i], err = s.kept(it); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (s *Service) kept(it register.Item) (Kept, error) {
	v, err := register.Decode[Vendor](it)
	if err != nil {
		return Kept{}, err
	}
	now := s.cfg.Clock()
	k := Kept{ID: it.ID, Revision: it.Revision, State: State(it.State), At: it.At, By: it.By.Name, Vendor: v}
	if len(v.Answers) > 0 {
		k.Score = s.q.Score(v.Answers, now)
	}
	if k.State == Closed {
		return k, nil
	}
	k.Bare = v.Data == Health && !v.Agreement.Live(now)
	k.Overdue = !now.Before(v.Due())
	for _, a := range v.Actions {
		if a.Open() && !now.Before(a.Until) {
			k.Late++
		}
	}
	return k, nil
}

// by names who does something.
func by(entry tutela.Entry) string { return cmp.Or(entry.Actor.Name, string(entry.Actor.ID)) }

// Troubles gives for each vendor, closed ones too, what is wrong with it, or nothing.
func (s *Service) Troubles(ctx context.Context) (map[string]string, error) {
	list, err := s.List(ctx, true)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, k := range list {
		wrong := ""
		switch {
		case k.State == Closed:
			wrong = "works for us no more"
		case k.Bare:
			wrong = "has no agreement that holds"
		case k.Late > 0:
			wrong = "is late with what it is to put right"
		case k.Overdue:
			wrong = "is to be assessed"
		}
		all[k.ID] = wrong
	}
	return all, nil
}
