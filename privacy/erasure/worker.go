package erasure

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/errs"
)

// Run carries out what is due, until ctx ends. Of several nodes one works at a time.
func (s *Service) Run(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.Work(ctx); err != nil && ctx.Err() == nil && !errs.Is(err, errs.Conflict) {
			log.LogAttrs(ctx, slog.LevelWarn, "erasures are not carried out to the end; trying again", slog.String("error", err.Error()))
		}
	}
}

// leaseFor is how long a node has the work for itself, renewed by doing it again.
const leaseFor = 5 * time.Minute

// Work carries out what is due, step by step, each for all erasures before the next. What fails is done
// again the next time; what was done is not harmed by it.
func (s *Service) Work(ctx context.Context) error {
	list, err := s.due(ctx)
	if err != nil || len(list) == 0 {
		return err
	}
	lease, err := s.cfg.DB.Acquire(ctx, "erasure", s.cfg.Node, leaseFor)
	if err != nil {
		return err
	}
	for _, step := range []func(context.Context, []*Erasure) error{s.redact, s.shred, s.reindex, s.rewrap, s.destroy} {
		if err = step(ctx, list); err != nil {
			break
		}
	}
	return errors.Join(err, s.cfg.DB.Release(context.WithoutCancel(ctx), lease))
}

// due lists what is to be carried out now, and what was begun.
func (s *Service) due(ctx context.Context) ([]*Erasure, error) {
	all, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	var list []*Erasure
	again := s.again()
	for i := range all {
		e := &all[i]
		switch {
		case e.State == Done && !again:
			continue
		case e.State == Asked, e.State == Withdrawn, e.State == Done && e.Certificate.Final:
			continue
		case e.State == Approved && s.now().Before(e.Due):
			continue
		case e.State == Approved:
			why, err := s.hindrance(ctx, e)
			if err != nil {
				return nil, err
			}
			if err := s.holdBack(ctx, e, why); err != nil {
				return nil, err
			}
			if why != "" {
				continue
			}
		}
		list = append(list, e)
	}
	return list, nil
}

// again reports whether it is time to ask once more whether what was certified has become final: once a minute.
func (s *Service) again() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if now.Sub(s.asked).Abs() < time.Minute {
		return false
	}
	s.asked = now
	return true
}

// holdBack notes why a due erasure waits, when that has changed.
func (s *Service) holdBack(ctx context.Context, e *Erasure, why string) error {
	if e.Held == why {
		return nil
	}
	e.Held = why
	return s.save(ctx, s.entry(tutela.ActionErasureStep), e)
}

func (s *Service) entry(action tutela.Action) tutela.Entry {
	return tutela.Entry{
		Time: s.cfg.Clock(), Actor: tutela.Actor{ID: "system:erasure", Kind: tutela.ActorSystem, Name: "tutela erasure"}, Action: action,
		Outcome: tutela.OutcomeSuccess, PolicyVersion: s.cfg.Access.Version(),
	}
}

// advance notes that a step is done.
func (s *Service) advance(ctx context.Context, e *Erasure, to State, count int) error {
	e.step(to, s.now(), count)
	return s.save(ctx, s.entry(tutela.ActionErasureStep), e)
}

// redact takes the patients out of what concerns others too.
func (s *Service) redact(ctx context.Context, list []*Erasure) error {
	for _, e := range list {
		if e.State != Approved {
			continue
		}
		n, err := s.takeOut(ctx, e)
		if err != nil {
			return err
		}
		if err := s.advance(ctx, e, Redacted, n); err != nil {
			return err
		}
	}
	return nil
}

// takeOut redacts until nothing is left to be redacted: others write meanwhile. Of a patient whom another erasure has
// erased by now there is no name to look for.
func (s *Service) takeOut(ctx context.Context, e *Erasure) (changed int, err error) {
	id, err := s.cfg.Records.OpenNote(ctx, e.Patient, nameSubject(e.ID), e.name)
	if errs.Is(err, errs.NotFound) {
		return 0, nil
	}
	for n := 1; err == nil && n > 0; changed += n {
		n, err = s.cfg.Records.Redact(ctx, s.entry(""), s.grant, tutela.PatientID(id))
	}
	return changed, err
}

// grant is the authority of the system itself: all types, as a service with every scope.
func (s *Service) grant(ctx context.Context, action tutela.Action, typ string) (access.Grant, error) {
	p := tutela.Principal{
		Tenant: s.cfg.Keys.Tenant(), ID: "system:erasure", Kind: tutela.ActorSystem, Username: "tutela erasure",
		Roles: []string{string(access.RoleService)}, Scopes: []string{"system/*.cruds"},
	}
	return s.cfg.Access.Authorize(ctx, p, access.Request{Action: action, Type: typ, Purpose: tutela.PurposeOperations})
}

// shred leaves the patients' keys behind.
func (s *Service) shred(ctx context.Context, list []*Erasure) error {
	for _, e := range list {
		if e.State != Redacted {
			continue
		}
		if _, err := s.takeOut(ctx, e); err != nil { // what came since
			return err
		}
		base := s.entry(tutela.ActionPatientErase)
		base.Type, base.Subject = "Patient", &tutela.Subject{Kind: "erasure", ID: e.ID, Detail: string(Shredded)}
		if err := s.cfg.Records.Shred(ctx, base, e.Patient); err != nil {
			return err
		}
		if err := s.advance(ctx, e, Shredded, 0); err != nil {
			return err
		}
	}
	return nil
}

// reindex has the index made anew under another key: the old terms are in old copies.
func (s *Service) reindex(ctx context.Context, list []*Erasure) error {
	waiting := at(list, Shredded)
	if len(waiting) == 0 {
		return nil
	}
	key := int64(0)
	for _, e := range waiting {
		key = max(key, e.IndexKey)
	}
	if slices.ContainsFunc(waiting, func(e *Erasure) bool { return e.IndexKey == 0 }) {
		var err error
		if key, err = s.cfg.Records.RotateIndex(ctx); err != nil {
			return err
		}
		for _, e := range waiting {
			if e.IndexKey = key; e.revision > 0 {
				if err := s.save(ctx, s.entry(tutela.ActionErasureStep), e); err != nil {
					return err
				}
			}
		}
	}
	if err := s.cfg.Records.AwaitIndexKey(ctx, key); err != nil {
		return err
	}
	for _, e := range waiting {
		if err := s.advance(ctx, e, Reindexed, 0); err != nil {
			return err
		}
	}
	return nil
}

// rewrap opens a new generation and wraps everything else anew under it.
func (s *Service) rewrap(ctx context.Context, list []*Erasure) error {
	waiting := at(list, Reindexed)
	if len(waiting) == 0 {
		return nil
	}
	if slices.ContainsFunc(waiting, func(e *Erasure) bool { return e.Generation == 0 }) {
		generation, err := s.cfg.Keys.Rotate(ctx)
		if err != nil {
			return err
		}
		for _, e := range waiting {
			e.Generation = generation
			if err := s.save(ctx, s.entry(tutela.ActionErasureStep), e); err != nil {
				return err
			}
		}
	}
	for {
		if err := s.cfg.Keys.Rewrap(ctx, func(int) {}); err != nil {
			return err
		}
		if _, err := s.cfg.Keys.Retire(ctx); err == nil {
			break
		} else if !errs.Is(err, errs.Conflict) || ctx.Err() != nil {
			return err
		}
	}
	for _, e := range waiting {
		if err := s.advance(ctx, e, Rewrapped, 0); err != nil {
			return err
		}
	}
	return nil
}

// destroy destroys every generation before the new one, and certifies.
func (s *Service) destroy(ctx context.Context, list []*Erasure) error {
	for _, e := range list {
		if e.State != Rewrapped && e.State != Done {
			continue
		}
		if backed, err := s.backed(ctx, e); err != nil || !backed {
			return err
		}
		generations, err := s.cfg.DB.Generations(ctx)
		if err != nil {
			return err
		}
		for _, g := range generations {
			if g.Number < e.Generation && g.Final.IsZero() {
				if _, err := s.cfg.Keys.Destroy(ctx, g.Number); err != nil {
					return err
				}
			}
		}
		if err := s.certify(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// backed reports whether the keyring, as it is wrapped since this erasure, lies where backups go: once the generations before
// are destroyed no backup could be restored without it, were this host lost.
func (s *Service) backed(ctx context.Context, e *Erasure) (bool, error) {
	if s.cfg.Backed == nil {
		return true, nil
	}
	return s.cfg.Backed(ctx, e.Generation)
}

func at(list []*Erasure, state State) []*Erasure {
	var some []*Erasure
	for _, e := range list {
		if e.State == state {
			some = append(some, e)
		}
	}
	return some
}
