package breach

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/respond/breach/duty"
)

// Open opens a case: by whom accesses reached, or for storage that got away. base is the entry that tells of it, without
// its outcome.
func (s *Service) Open(ctx context.Context, g access.Grant, base tutela.Entry, o Opening) (Case, error) {
	if o.Title == "" || tooLong(o.Title, true) || len(o.Incident) > 256 {
		return Case{}, errs.New(errs.Invalid, "give it a title of %d characters at most", longest)
	}
	now := s.now()
	c := Case{
		ID: audit.NewID(), Incident: o.Incident, Title: o.Title, OpenedBy: base.Actor.Name, Opened: now, Ask: o.Ask, Storage: o.Storage, Facts: o.Facts,
		Patients: []string{},
	}
	if c.Facts.Discovered.IsZero() {
		c.Facts.Discovered = now
	}
	if c.Facts.Discovered.After(now) {
		return Case{}, errs.New(errs.Invalid, "it cannot have been discovered in the future")
	}
	var sc Scope
	var err error
	if !o.Storage {
		c.Ask.Proofs = false
		if sc, err = s.Scope(ctx, g, c.Ask); err != nil {
			return Case{}, err
		}
		c.take(sc)
	}
	if c.Harbour, err = s.harbour(ctx, o.Storage); err != nil {
		return Case{}, err
	}
	c.Form = propose(sc, o.Storage)
	if c, err = s.told(c); err != nil {
		return Case{}, err
	}
	base.Subject = subjectOf(c.ID, "opened")
	return c, s.save(ctx, c, base, o)
}

// take counts those whom a scope found.
func (c *Case) take(sc Scope) {
	types := map[string]bool{}
	for _, p := range sc.Patients {
		c.Patients = append(c.Patients, p.Pseudonym)
		if c.First.IsZero() || p.First.Before(c.First) {
			c.First = p.First
		}
		if p.Last.After(c.Last) {
			c.Last = p.Last
		}
		for typ := range p.Types {
			types[typ] = true
		}
	}
	c.Types = slices.Sorted(maps.Keys(types))
	c.Facts.Individuals, c.Facts.Residents = len(sc.Patients), sc.States
	c.Residents = sc.States
}

// told is a case with its duties as they stand.
func (s *Service) told(c Case) (Case, error) {
	var err error
	c.Duties, err = c.duties(s.cfg.Clock())
	return c, err
}

// Find gives a case with its duties; errs.NotFound where there is none.
func (s *Service) Find(ctx context.Context, id string) (Case, error) {
	c, err := s.find(ctx, id)
	if err != nil {
		return Case{}, err
	}
	return s.told(c)
}

// List gives all cases, the newest first; those that are closed only with closed.
func (s *Service) List(ctx context.Context, closed bool) ([]Case, error) {
	where := ` WHERE closed = 0 ORDER BY opened DESC, id`
	if closed {
		where = ` ORDER BY opened DESC, id`
	}
	list, err := s.rows(ctx, where)
	if err != nil {
		return nil, err
	}
	for i, c := range list {
		if list[i], err = s.told(c); err != nil {
			return nil, err
		}
		list[i].Patients, list[i].Deliveries = nil, nil
	}
	return list, nil
}

// Assess writes down what somebody decided. Those decisions that were before are kept.
func (s *Service) Assess(ctx context.Context, base tutela.Entry, id string, a Assessment) (Case, error) {
	c, err := s.find(ctx, id)
	if err != nil {
		return Case{}, err
	}
	if err := a.check(c.Harbour); err != nil {
		return Case{}, err
	}
	a.By, a.At = base.Actor.Name, s.now()
	c.Assessment = append(c.Assessment, a)
	base.Subject = subjectOf(c.ID, string(a.Finding))
	return s.put(ctx, c, base, a)
}

// put saves a case and gives it as it then is.
func (s *Service) put(ctx context.Context, c Case, base tutela.Entry, words any) (Case, error) {
	c, err := s.told(c)
	if err != nil {
		return Case{}, err
	}
	return c, s.save(ctx, c, base, words)
}

// Delay writes down what a law enforcement official stated (45 CFR 164.412).
func (s *Service) Delay(ctx context.Context, base tutela.Entry, id string, d duty.Delay) (Case, error) {
	c, err := s.find(ctx, id)
	if err != nil {
		return Case{}, err
	}
	if d.Stated.After(s.now()) {
		return Case{}, errs.New(errs.Invalid, "it cannot have been stated in the future")
	}
	c.Facts.Delays = append(c.Facts.Delays, d)
	base.Subject = subjectOf(c.ID, "delay")
	return s.put(ctx, c, base, d)
}

// Track writes down what became of notices.
func (s *Service) Track(ctx context.Context, base tutela.Entry, id string, list []Delivery) (Case, error) {
	c, err := s.Find(ctx, id)
	if err != nil {
		return Case{}, err
	}
	now := s.now()
	for i := range list {
		if err := c.owes(list[i], now); err != nil {
			return Case{}, err
		}
		if list[i].At.IsZero() {
			list[i].At = now
		}
		list[i].By = base.Actor.Name
	}
	c.Deliveries = append(c.Deliveries, list...)
	base.Subject = subjectOf(c.ID, "notices")
	return s.put(ctx, c, base, list)
}

// owes refuses what is said of a duty that there is not, or of somebody whom the case does not concern.
func (c *Case) owes(d Delivery, now time.Time) error {
	switch {
	case !slices.ContainsFunc(c.Duties, func(o Owed) bool { return o.ID == d.Duty }):
		return errs.New(errs.Invalid, "the breach has no such duty: see tutela breach duties")
	case d.Patient != "" && !slices.Contains(c.Patients, d.Patient):
		return errs.New(errs.Invalid, "the breach does not concern that patient: name him by his pseudonym in it")
	case d.State != Sent && d.State != Delivered && d.State != Returned && d.State != Substitute:
		return errs.New(errs.Invalid, "state is %s, %s, %s or %s", Sent, Delivered, Returned, Substitute)
	case d.At.After(now):
		return errs.New(errs.Invalid, "it cannot have happened in the future")
	case tooLong(d.How, false):
		return errs.New(errs.Invalid, "how takes %d characters", longest)
	}
	return nil
}

// Close ends a case in which nothing is owed any more.
func (s *Service) Close(ctx context.Context, base tutela.Entry, id string) (Case, error) {
	c, err := s.Find(ctx, id)
	if err != nil {
		return Case{}, err
	}
	if len(c.Assessment) == 0 {
		return Case{}, errs.New(errs.Unprocessable, "nobody has assessed it")
	}
	for _, o := range c.Duties {
		if !o.Done && !o.Due.IsZero() {
			return Case{}, errs.New(errs.Unprocessable, "%s is still owed", o.ID)
		}
	}
	c.Closed = s.now()
	base.Subject = subjectOf(c.ID, "closed")
	return s.put(ctx, c, base, map[string]time.Time{"closed": c.Closed})
}
