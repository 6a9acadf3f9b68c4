package siem

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/errs"
)

// Checks are what this package can show of itself by trying.
func (s *Service) Checks() []tutela.Check {
	return []tutela.Check{{
		ID: "respond.siem-current", Title: "Every system that the ledger goes to holds its newest entry",
		Controls: []string{"W06", "45 CFR 164.312(b)"}, Fresh: time.Hour, Try: s.upToDate,
	}}
}

// within is how long the newest entry may be on its way.
const within = 10 * time.Second

// upToDate looks how far the ledger is, and waits until every target has said that it has all of that.
func (s *Service) upToDate(ctx context.Context) tutela.Evidence {
	e := tutela.Evidence{On: fmt.Sprintf("%d targets of export", len(s.targets))}
	if len(s.targets) == 0 {
		e.Verdict, e.Observed = tutela.NotApplicable, "the ledger goes to no other system"
		return e
	}
	head, err := s.cfg.Audit.Size(ctx)
	if err != nil {
		e.Observed = err.Error()
		return e
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for last := time.Now().Add(within); ; <-tick.C {
		if err := s.alone(ctx); err != nil {
			e.Observed = err.Error()
			return e
		}
		missing, err := s.behind(ctx, head)
		switch {
		case err != nil:
			e.Observed = err.Error()
			return e
		case len(missing) == 0:
			e.Verdict, e.Observed = tutela.Pass, fmt.Sprintf("every target has acknowledged entry %d", head)
			return e
		case ctx.Err() != nil || time.Now().After(last):
			e.Verdict, e.Observed = tutela.Fail, strings.Join(missing, "; ")
			return e
		}
	}
}

// alone does what a running system does by itself, where none is running. What a target refuses shows in its place.
func (s *Service) alone(ctx context.Context) error {
	if s.running.Load() {
		return nil
	}
	if _, err := s.cfg.Audit.Sequence(ctx); err != nil && !errs.Is(err, errs.Conflict) {
		return err
	}
	_ = s.Work(ctx)
	return nil
}

// behind names the targets that have not acknowledged all before a place.
func (s *Service) behind(ctx context.Context, head audit.Cursor) ([]string, error) {
	list, err := s.States(ctx)
	var missing []string
	for _, t := range list {
		if t.Place < int64(head) || t.Moved.IsZero() {
			missing = append(missing, fmt.Sprintf("%s is %d entries behind", t.Name, int64(head)-t.Place))
		}
	}
	return missing, err
}
