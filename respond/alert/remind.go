package alert

import (
	"context"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/store"
)

// Reminder is what people are told of what is to be done. It names no account.
type Reminder struct {
	ID       string // told twice, the same is told once
	Escalate bool   // to those whom the plan names for what nobody does
	Title    string
	Lines    []string
}

// Remind tells those of whom the plan says so of what is to be done; nobody where it names nobody.
func (s *Service) Remind(ctx context.Context, r Reminder) error {
	to, level := s.cfg.Plan.Duties.To, finding.Informational
	if r.Escalate {
		to, level = s.cfg.Plan.Duties.Escalate, finding.Medium
	}
	channels := s.cfg.Plan.channels(to, s.now())
	if len(channels) == 0 {
		return nil
	}
	n := Note{Sort: Reminded, Title: title(r.Title), Level: level, At: s.now()}
	for _, l := range r.Lines {
		n.Lines = append(n.Lines, title(l))
	}
	var op store.Op
	if err := s.post(ctx, &op, n, channels, "reminder "+r.ID); err != nil {
		return err
	}
	e := tutela.Entry{
		Time: n.At, Actor: actor(), Action: tutela.ActionAlertRaise, Outcome: tutela.OutcomeSuccess,
		Subject: &tutela.Subject{Kind: "reminder", ID: r.ID, Detail: "to " + strings.Join(channels, " ")},
	}
	var err error
	if op.Entries, err = s.cfg.Audit.Encode(ctx, e, nil, nil); err != nil {
		return err
	}
	return s.written(s.cfg.DB.Commit(ctx, op))
}
