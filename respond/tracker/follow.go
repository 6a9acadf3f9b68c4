package tracker

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/respond/deliver"
	"github.com/tutela-health/tutela/respond/incident"
	"github.com/tutela-health/tutela/respond/trail"
	"github.com/tutela-health/tutela/store"
)

// Work writes into the outbox what the ledger has told since the last time. While another node works the error's kind
// is errs.Conflict.
func (s *Service) Work(ctx context.Context) error {
	if len(s.desks) == 0 {
		return nil
	}
	return s.follower.Entries(ctx, s.heardOf)
}

// heardOf looks anew at what an entry is about, where that may have tickets. The entry itself says no more than that.
func (s *Service) heardOf(ctx context.Context, e tutela.Entry) error {
	if e.Foreign != nil || e.Subject == nil || e.Outcome != tutela.OutcomeSuccess {
		return nil
	}
	told, is := trail.Told(e)
	switch e.Action {
	case tutela.ActionFindingFeedback:
		is = e.Subject.Kind == "finding"
		told.ID = e.Subject.ID
	case tutela.ActionIncidentOpen, tutela.ActionIncidentJoin, tutela.ActionIncidentMove, tutela.ActionIncidentStep:
		if e.Subject.Kind == "incident" {
			return s.incident(ctx, e.Subject.ID, e.Time)
		}
	}
	if !is {
		return nil
	}
	return s.finding(ctx, told.ID, e.Time)
}

// stagedPrefix begins the names of accounts that checks invent: no ticket is made of what they do.
const stagedPrefix = "tutela-assess"

func (s *Service) finding(ctx context.Context, id string, at time.Time) error {
	f, err := s.cfg.Findings.Find(ctx, tutela.Principal{}, id)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("finding %s: %w", id, err)
	}
	if strings.HasPrefix(string(f.Actor), stagedPrefix) {
		return nil
	}
	t := Ticket{Kind: OfFinding, Subject: f.ID, Title: deliver.Line(f.Title, maxTitle), Level: f.Level, Here: Open, Since: at.UTC()}
	if f.Actor != "" {
		t.Accounts = []tutela.UserID{f.Actor}
	}
	if f.State == finding.Closed {
		t.Here, t.Reason = Closed, Reason(f.Verdict)
	}
	for _, name := range s.names() {
		if err := s.settle(ctx, name, t, s.desks[name].of.Findings.takes(f)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) incident(ctx context.Context, id string, at time.Time) error {
	in, err := s.cfg.Incidents.Find(ctx, tutela.Principal{}, id)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("incident %s: %w", id, err)
	}
	if in.Drill || in.State == incident.Reported {
		return nil
	}
	for _, step := range in.Steps {
		t := Ticket{
			Kind: OfStep, Subject: in.ID, Step: step.ID, Title: deliver.Line(step.Title, maxTitle), Level: in.Severity, Due: step.Due,
			Here: Open, Since: at.UTC(), Accounts: in.About,
		}
		switch {
		case step.Result != "":
			t.Here, t.Reason = Closed, Reason(step.Result)
		case in.Over():
			t.Here, t.Reason = Closed, over
		}
		for _, name := range s.names() {
			if err := s.settle(ctx, name, t, s.desks[name].of.Steps.covers(in.Severity)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *When) covers(l finding.Level) bool { return w != nil && l.Severity() >= w.Level.Severity() }

// mostHourly is how many tickets a tracker gets in an hour. What comes after them comes later, and is not lost.
const mostHourly = 100

// settle has a tracker's ticket say what its subject is now. One that is not there yet is written where it is wanted.
func (s *Service) settle(ctx context.Context, name string, now Ticket, wanted bool) error {
	now.Tracker = name
	now.ID = identify(s.cfg.Alias, name, string(now.Kind), now.Subject, now.Step)
	t, err := s.find(ctx, now.ID)
	if errs.Is(err, errs.NotFound) {
		if !wanted || now.Here != Open {
			return nil
		}
		return s.write(ctx, now)
	}
	if err != nil || t.Here == now.Here && t.Reason == now.Reason {
		return err
	}
	t.Here, t.Reason, t.Accounts = now.Here, now.Reason, now.Accounts
	if t.Number != "" { // else an attempt at making it may be under way, and is waited for
		t.next, t.tries = s.now(), 0
	}
	claim, err := s.claim(ctx, t)
	if err != nil {
		return err
	}
	return s.cfg.DB.Commit(ctx, store.Op{Claims: []store.Claim{claim}})
}

// write puts a new ticket into the outbox.
func (s *Service) write(ctx context.Context, t Ticket) error {
	t.written = s.now()
	n, err := s.writtenSince(ctx, t.Tracker, t.written.Add(-time.Hour))
	if err != nil {
		return err
	}
	t.Told, t.next = Open, t.written.Add(time.Duration(n/mostHourly)*time.Hour)
	return s.save(ctx, t, tutela.Entry{Action: tutela.ActionTicketWrite, Outcome: tutela.OutcomeSuccess}, fmt.Sprintf("%s %s%s, for tracker %s", t.Kind, t.Subject, t.ofStep(), t.Tracker))
}

func (t Ticket) ofStep() string {
	if t.Step == "" {
		return ""
	}
	return " " + t.Step
}

// save writes a ticket with the entry that tells of it.
func (s *Service) save(ctx context.Context, t Ticket, e tutela.Entry, detail string) error {
	claim, err := s.claim(ctx, t)
	if err != nil {
		return err
	}
	e.Time, e.Subject = s.now(), &tutela.Subject{Kind: "ticket", ID: t.ID, Detail: detail}
	if e.Actor.ID == "" {
		e.Actor = machine()
	}
	leaves, err := s.cfg.Audit.Encode(ctx, e, nil, nil)
	if err != nil {
		return err
	}
	return s.cfg.DB.Commit(ctx, store.Op{Claims: []store.Claim{claim}, Entries: leaves})
}
