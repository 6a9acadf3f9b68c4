package answer

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// Topic is the invalidation topic under which changed answers are published.
const Topic = "answers"

// tooOld is how long after its last hit a finding is answered no more: after an outage people look first.
const tooOld = time.Hour

// slowFor is how long an address is slowed that named an account which did not act.
const slowFor = 30 * time.Minute

// actor is who gives answers.
func actor() tutela.Actor {
	return tutela.Actor{ID: "system:respond", Kind: tutela.ActorSystem, Name: "tutela respond"}
}

// answer does what the policy says about a finding. What was answered already is not answered again.
func (s *Service) answer(ctx context.Context, id string) error {
	f, err := s.cfg.Findings.Find(ctx, tutela.Principal{}, id)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("finding %s: %w", id, err)
	}
	p := s.cfg.Policy()
	if p == nil || f.State != finding.Open || s.now().Sub(f.Last) > tooOld {
		return nil
	}
	seen, err := s.deedsOf(ctx, f)
	if err != nil || seen.staged {
		return err
	}
	kind, err := s.kindOf(ctx, f.Actor)
	if err != nil {
		return err
	}
	for _, o := range p.Orders {
		if !o.When.holds(f, kind) {
			continue
		}
		for _, t := range seen.targets(o, f.Actor) {
			if err := s.order(ctx, p, o, t, f, seen); err != nil {
				return fmt.Errorf("answer finding %s: %w", f.ID, err)
			}
		}
	}
	return nil
}

// kindOf tells what an account of this system is; empty for one that is not there.
func (s *Service) kindOf(ctx context.Context, id tutela.UserID) (tutela.ActorKind, error) {
	if id == "" {
		return "", nil
	}
	u, err := s.cfg.People.UserByID(ctx, id)
	if errs.Is(err, errs.NotFound) {
		return "", nil
	}
	return u.Kind, err
}

// order carries out one order about one target.
func (s *Service) order(ctx context.Context, p *Policy, o Order, t Target, f finding.Finding, seen deeds) error {
	d, err := s.guard(ctx, p, draft{kind: o.Do, target: t}, seen)
	if err != nil {
		return err
	}
	if err := s.give(ctx, p, o, d, f); err != nil || !d.strange {
		return err
	}
	for _, a := range seen.addresses {
		slow, err := s.guard(ctx, p, draft{kind: Throttle, target: Target{On: Address, ID: a}}, seen)
		if err != nil {
			return err
		}
		if err := s.give(ctx, p, Order{Do: Throttle, On: Address, For: slowFor}, slow, f); err != nil {
			return err
		}
	}
	return nil
}

// give writes an answer, unless it was given before.
func (s *Service) give(ctx context.Context, p *Policy, o Order, d draft, f finding.Finding) error {
	now := s.now()
	a := Answer{
		ID: identify(s.cfg.People.Alias, f.ID, d.kind, d.target), Kind: d.kind, Target: d.target, State: Active, Because: d.because,
		Finding: f.ID, Rule: f.Rule, Title: f.Title, Given: now, Until: now.Add(o.For), Policy: p.version,
	}
	if d.kind != o.Do {
		a.Asked = o.Do
	}
	if _, err := s.find(ctx, a.ID); !errs.Is(err, errs.NotFound) {
		return err
	}
	if !d.withheld {
		var err error
		if d, err = s.capped(ctx, p, d); err != nil {
			return err
		}
	}
	if d.withheld {
		a.State, a.Because, a.Until = Withheld, d.because, now
	}
	err := s.commit(ctx, a, s.entry(a))
	if errs.Is(err, errs.Conflict) {
		if _, there := s.find(ctx, a.ID); there == nil {
			return nil // another node was first
		}
	}
	if err == nil {
		s.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "a finding was answered", slog.String("answer", a.ID), slog.String("kind", string(a.Kind)),
			slog.String("state", string(a.State)), slog.String("finding", a.Finding))
	}
	return err
}

// entry is what the ledger says of an answer that is given or withheld.
func (s *Service) entry(a Answer) tutela.Entry {
	e := tutela.Entry{
		Time: a.Given, Actor: actor(), Action: tutela.ActionAnswerGive, Outcome: tutela.OutcomeSuccess,
		Subject: &tutela.Subject{Kind: "answer", ID: a.ID, Detail: fmt.Sprintf("%s on %s until %s, finding %s", a.Kind, a.Target, a.Until.Format(time.RFC3339), a.Finding)},
	}
	if a.State == Withheld {
		e.Outcome = tutela.OutcomeDenied
		e.Subject.Detail = fmt.Sprintf("%s on %s withheld: %s, finding %s", a.Kind, a.Target, a.Because, a.Finding)
	}
	return e
}

// commit writes an answer with its entry, does what it says, and has every node hear of it, in one transaction.
func (s *Service) commit(ctx context.Context, a Answer, e tutela.Entry) error {
	if a.Kind == Revoke && a.State == Active {
		err := s.cfg.People.EndAccess(ctx, actor(), tutela.UserID(a.Target.ID), func(ended tutela.Ending) (store.Op, error) {
			a.Ended, e.Ending = &ended, &ended
			return s.op(ctx, a, e)
		})
		s.Forget(nil)
		return err
	}
	op, err := s.op(ctx, a, e)
	if err == nil {
		err = s.cfg.DB.Commit(ctx, op)
	}
	s.Forget(nil)
	return err
}

func (s *Service) op(ctx context.Context, a Answer, e tutela.Entry) (store.Op, error) {
	claim, err := s.claim(ctx, a)
	if err != nil {
		return store.Op{}, err
	}
	leaves, err := s.cfg.Audit.Encode(ctx, e, nil, nil)
	return store.Op{Claims: []store.Claim{claim}, Inserts: []store.Rows{s.cfg.DB.Publish(store.Invalidation{Topic: Topic})}, Entries: leaves}, err
}
