package remedy

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
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

// Config says what a Service works with.
type Config struct {
	Register *register.Book
	Clock    clock.Clock
	Board    func() *control.Board
	Checks   func() []tutela.Check
	// Risks gives, by requirement, how much is left of the risks that name it.
	Risks  func(context.Context) (map[string]int, error)
	Person func(ctx context.Context, name string) (tutela.UserID, string, error)
	// FollowUps gives what reviews decided to be done, and is not; nil where there are no reviews.
	FollowUps func(context.Context) ([]register.Duty, error)
}

// Service follows gaps. Safe for concurrent use.
type Service struct{ cfg Config }

// New returns a Service.
func New(c Config) *Service { return &Service{c} }

// Kept is a gap as it stands.
type Kept struct {
	ID string `json:"id"`
	Gap
	Revision int64 `json:"revision"`
	State    State `json:"state"`
	Overdue  bool  `json:"overdue,omitempty"`
	// Worth is how much closing it takes off: what is left of the risks that its requirements hold down and how many
	// requirements it bears on, or the severity that a test gave it.
	Worth int `json:"worth"`
}

// List gives gaps, those first whose closing is worth the most for an hour of work. Closed ones come only where all are
// wanted.
func (s *Service) List(ctx context.Context, all bool) ([]Kept, error) {
	items, err := s.cfg.Register.List(ctx, register.Filter{Kind: kindGap})
	if err != nil {
		return nil, err
	}
	risks, err := s.cfg.Risks(ctx)
	if err != nil {
		return nil, err
	}
	bears := map[string][]string{}
	for _, c := range s.cfg.Checks() {
		bears[c.ID] = c.Controls
	}
	list, now := []Kept{}, s.cfg.Clock()
	for _, it := range items {
		g, err := register.Decode[Gap](it)
		if err != nil {
			return nil, err
		}
		if it.State == Closed && !all {
			continue
		}
		k := Kept{ID: it.ID, Gap: g, Revision: it.Revision, State: it.State, Overdue: it.State != Closed && !now.Before(g.Until), Worth: g.Severity.weight()}
		if g.Check != "" {
			k.Worth = len(bears[g.Check])
			for _, id := range bears[g.Check] {
				k.Worth += risks[id]
			}
		}
		list = append(list, k)
	}
	slices.SortStableFunc(list, func(a, b Kept) int {
		return cmp.Or(cmp.Compare(b.perHour(), a.perHour()), a.Until.Compare(b.Until), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

// Open tells of each gap whether it is open.
func (s *Service) Open(ctx context.Context) (map[string]bool, error) {
	items, err := s.cfg.Register.List(ctx, register.Filter{Kind: kindGap})
	if err != nil {
		return nil, err
	}
	all := map[string]bool{}
	for _, it := range items {
		all[it.ID] = it.State != Closed
	}
	return all, nil
}

// perHour is what an hour of work on a gap is worth; nothing where it is closed.
func (k Kept) perHour() float64 {
	if k.State == Closed {
		return 0
	}
	return float64(k.Worth) / float64(max(1, cmp.Or(k.Effort, usualEffort)))
}

func (s *Service) now() time.Time { return s.cfg.Clock().UTC().Truncate(time.Millisecond) }

func (s *Service) person(ctx context.Context, name string) (tutela.UserID, string, error) {
	id, name, err := s.cfg.Person(ctx, name)
	if errs.Is(err, errs.NotFound) {
		err = errs.New(errs.Invalid, "who sees to it is a person with an account, by username or id")
	}
	return id, name, err
}

func (s *Service) gap(ctx context.Context, id string) (register.Item, Gap, error) {
	it, err := s.cfg.Register.Get(ctx, kindGap, id)
	if err != nil {
		return it, Gap{}, err
	}
	g, err := register.Decode[Gap](it)
	return it, g, err
}

func change(it register.Item, body any, owner tutela.UserID, due time.Time, what string) (register.Change, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return register.Change{}, fmt.Errorf("encode %s: %w", it.Kind, err)
	}
	it.Owner, it.Due, it.Body = owner, due, text
	return register.Change{Item: it, What: what}, nil
}

// turned is a gap's next revision in a state.
func turned(it register.Item, g Gap, to State, what string) (register.Change, error) {
	it.State = to
	due := g.Until
	if to == Closed {
		due = time.Time{}
	}
	return change(it, g, g.Owner, due, what)
}

func (s *Service) put(ctx context.Context, entry tutela.Entry, it register.Item, g Gap, to State, what string) (Kept, error) {
	c, err := turned(it, g, to, what)
	if err != nil {
		return Kept{}, err
	}
	list, err := s.cfg.Register.Put(ctx, entry, c)
	if err != nil {
		return Kept{}, err
	}
	return Kept{ID: it.ID, Gap: g, Revision: list[0].Revision, State: to}, nil
}

// Assign says who sees to a gap, and until when.
func (s *Service) Assign(ctx context.Context, entry tutela.Entry, id string, a Assignment) (Kept, error) {
	it, g, err := s.gap(ctx, id)
	if err != nil {
		return Kept{}, err
	}
	until, err := time.Parse(time.DateOnly, a.Until)
	switch now := s.now(); {
	case it.State == Closed:
		return Kept{}, errs.New(errs.Conflict, "gap %s is closed", id)
	case g.Review != "":
		return Kept{}, errs.New(errs.Conflict, "gap %s is the follow-up of a review, which said who sees to it and until when", id)
	case err != nil || !until.After(now) || until.Sub(now) > longest:
		return Kept{}, errs.New(errs.Invalid, "a gap is to be closed by a day within a year, as 2027-03-01")
	case a.Effort < 0 || a.Effort > 10_000 || !plain(a.Plan, 0):
		return Kept{}, errs.New(errs.Invalid, "the effort is a number of hours, and the plan has %d bytes at most", maxText)
	}
	if g.Owner, g.OwnerName, err = s.person(ctx, a.Owner); err != nil {
		return Kept{}, err
	}
	g.Until, g.Effort, g.Plan = until, a.Effort, a.Plan
	return s.put(ctx, entry, it, g, it.State, "assigned")
}

// Dispute says that a test was wrong. A check is not disputed: it is mended.
func (s *Service) Dispute(ctx context.Context, entry tutela.Entry, id, reason string) (Kept, error) {
	it, g, err := s.gap(ctx, id)
	switch {
	case err != nil:
		return Kept{}, err
	case it.State != Open:
		return Kept{}, errs.New(errs.Conflict, "gap %s is %s", id, it.State)
	case g.Check != "":
		return Kept{}, errs.New(errs.Conflict, "gap %s closes when the check %s passes", id, g.Check)
	case g.Review != "":
		return Kept{}, errs.New(errs.Conflict, "gap %s closes when the follow-up is done: tutela reviews done %s", id, g.Review)
	case g.Repository != "":
		return Kept{}, errs.New(errs.Conflict, "gap %s closes when a scan does not find it, or a waiver in the repository's .tutela.yaml excuses it", id)
	case !plain(reason, 1):
		return Kept{}, errs.New(errs.Invalid, "say in %d bytes at most why the test was wrong", maxText)
	}
	g.Dispute, g.Disputer = reason, entry.Actor.ID
	return s.put(ctx, entry, it, g, Disputed, "disputed")
}

// Agree has a second person say so too: the gap is closed.
func (s *Service) Agree(ctx context.Context, entry tutela.Entry, id string) (Kept, error) {
	it, g, err := s.gap(ctx, id)
	switch {
	case err != nil:
		return Kept{}, err
	case it.State != Disputed:
		return Kept{}, errs.New(errs.Conflict, "gap %s waits for nobody", id)
	case g.Disputer == entry.Actor.ID:
		return Kept{}, errs.New(errs.Denied, "somebody else than who said so has to agree")
	}
	g.Closed, g.How = s.now(), "two people say that the test was wrong"
	return s.put(ctx, entry, it, g, Closed, "agreed to be none")
}

// gapOf is the id of what a test found.
func gapOf(test string, f Finding) string {
	sum := sha256.Sum256([]byte(test + " " + f.key()))
	return "test." + hex.EncodeToString(sum[:12])
}

// KeptTest is a test as it stands.
type KeptTest struct {
	ID string `json:"id"`
	Test
	Due     time.Time `json:"due"`
	Overdue bool      `json:"overdue,omitempty"`
	Open    int       `json:"open"` // gaps that it found
}

// Tests gives what is tested by others.
func (s *Service) Tests(ctx context.Context) ([]KeptTest, error) {
	items, err := s.cfg.Register.List(ctx, register.Filter{Kind: kindTest})
	if err != nil {
		return nil, err
	}
	gaps, err := s.List(ctx, false)
	if err != nil {
		return nil, err
	}
	list := []KeptTest{}
	for _, it := range items {
		t, err := register.Decode[Test](it)
		if err != nil {
			return nil, err
		}
		k := KeptTest{ID: it.ID, Test: t, Due: t.due(), Overdue: !s.cfg.Clock().Before(t.due())}
		for _, g := range gaps {
			if g.Test == it.ID {
				k.Open++
			}
		}
		list = append(list, k)
	}
	return list, nil
}

func (s *Service) test(ctx context.Context, id string) (register.Item, Test, error) {
	it, err := s.cfg.Register.Get(ctx, kindTest, id)
	if err != nil {
		return it, Test{}, err
	}
	t, err := register.Decode[Test](it)
	return it, t, err
}

// Plan says that something is tested again and again.
func (s *Service) Plan(ctx context.Context, entry tutela.Entry, id, title, owner string, every int) (KeptTest, error) {
	if !plain(title, 1) || every < 1 || every > 12 {
		return KeptTest{}, errs.New(errs.Invalid, "a test has a title, and comes every 1 to 12 months")
	}
	it, t, err := s.test(ctx, id)
	switch {
	case errs.Is(err, errs.NotFound):
		it, t = register.Item{Kind: kindTest, ID: id, State: Open}, Test{Last: s.now()}
	case err != nil:
		return KeptTest{}, err
	}
	if t.Owner, t.OwnerName, err = s.person(ctx, owner); err != nil {
		return KeptTest{}, err
	}
	t.Title, t.Every = title, every
	c, err := change(it, t, t.Owner, t.due(), "planned")
	if err != nil {
		return KeptTest{}, err
	}
	if _, err := s.cfg.Register.Put(ctx, entry, c); err != nil {
		return KeptTest{}, err
	}
	return KeptTest{ID: id, Test: t, Due: t.due()}, nil
}

// Run is what came of one run of a test.
type Run struct {
	Test   string `json:"test"`
	Number int    `json:"number"`
	New    int    `json:"new"`    // gaps that opened
	Still  int    `json:"still"`  // that were open before
	Closed int    `json:"closed"` // that it did not find again
}

// Record takes in what a run of a test found, all or nothing. What it does not find again is closed.
func (s *Service) Record(ctx context.Context, entry tutela.Entry, id, date, by string, found []Finding) (Run, error) {
	it, t, err := s.test(ctx, id)
	if err != nil {
		return Run{}, err
	}
	day, err := time.Parse(time.DateOnly, date)
	now := s.now()
	switch {
	case err != nil || day.After(now) || now.Sub(day) > longest:
		return Run{}, errs.New(errs.Invalid, "a run has the day on which it ended, within the last year, as 2026-11-20")
	case t.Runs > 0 && day.Before(t.Last):
		return Run{}, errs.New(errs.Conflict, "the newest run is of %s, later than this one", t.Last.Format(time.DateOnly))
	case !plain(by, 1):
		return Run{}, errs.New(errs.Invalid, "say who did the test")
	}
	if err := checked(found); err != nil {
		return Run{}, err
	}
	for i, f := range found {
		if err := f.check(); err != nil {
			return Run{}, errs.New(errs.Invalid, "finding %d: %s", i+1, errs.Public(err))
		}
	}
	found = unique(found)
	text, err := json.Marshal(found)
	if err != nil {
		return Run{}, fmt.Errorf("encode findings: %w", err)
	}
	sum := sha256.Sum256(text)
	t.Last, t.By, t.Runs, t.Report = day, by, t.Runs+1, hex.EncodeToString(sum[:])
	run := Run{Test: id, Number: t.Runs}
	plan, err := change(it, t, t.Owner, t.due(), fmt.Sprintf("run %d recorded", t.Runs))
	if err != nil {
		return Run{}, err
	}
	changes, err := s.compared(ctx, &run, t, found, now)
	if err != nil {
		return Run{}, err
	}
	_, err = s.cfg.Register.Put(ctx, entry, append([]register.Change{plan}, changes...)...)
	return run, err
}

// compared opens what is new of a run's findings, and closes what is gone.
func (s *Service) compared(ctx context.Context, run *Run, t Test, found []Finding, now time.Time) ([]register.Change, error) {
	items, err := s.cfg.Register.List(ctx, register.Filter{Kind: kindGap})
	if err != nil {
		return nil, err
	}
	kept := map[string]register.Item{}
	for _, it := range items {
		kept[it.ID] = it
	}
	var list []register.Change
	seen := map[string]bool{}
	add := func(it register.Item, g Gap, to State, what string) error {
		c, err := turned(it, g, to, what)
		list = append(list, c)
		return err
	}
	for _, f := range found {
		id := gapOf(run.Test, f)
		seen[id] = true
		it, known := kept[id]
		if known && it.State != Closed {
			run.Still++
			continue
		}
		run.New++
		it.Kind, it.ID = kindGap, id
		g := Gap{Test: run.Test, Title: f.Title, Where: f.Where, Severity: f.Severity, Seen: f.Rule, Opened: now, Until: now.AddDate(0, 0, f.Severity.deadline()), Owner: t.Owner, OwnerName: t.OwnerName}
		if err := add(it, g, Open, fmt.Sprintf("found by run %d", run.Number)); err != nil {
			return nil, err
		}
	}
	for _, it := range items {
		g, err := register.Decode[Gap](it)
		if err != nil {
			return nil, err
		}
		if g.Test != run.Test || it.State == Closed || seen[it.ID] {
			continue
		}
		run.Closed++
		g.Closed, g.How = now, fmt.Sprintf("run %d did not find it", run.Number)
		if err := add(it, g, Closed, g.How); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Duties are the gaps that somebody is to close, and the tests to be run.
func (s *Service) Duties(ctx context.Context) ([]register.Duty, error) {
	gaps, err := s.List(ctx, false)
	if err != nil {
		return nil, err
	}
	tests, err := s.Tests(ctx)
	if err != nil {
		return nil, err
	}
	var list []register.Duty
	for _, k := range gaps {
		if k.Owner != "" && k.Review == "" { // a follow-up is the review's to remind of
			list = append(list, register.Duty{Kind: kindGap, ID: k.ID, Title: k.Title, What: "close the gap", Owner: k.Owner, Name: k.OwnerName, Due: k.Until, Do: "tutela gaps show " + k.ID})
		}
	}
	for _, t := range tests {
		list = append(list, register.Duty{Kind: kindTest, ID: t.ID, Title: t.Title, What: "have it tested", Owner: t.Owner, Name: t.OwnerName, Due: t.Due, Do: "tutela tests record " + t.ID})
	}
	return list, nil
}
