package main

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/respond/alert"
	"github.com/tutela-health/tutela/respond/answer"
	"github.com/tutela-health/tutela/respond/incident"
	"github.com/tutela-health/tutela/respond/siem"
	"github.com/tutela-health/tutela/respond/tracker"
)

// respondConfig says what follows from findings.
type respondConfig struct {
	// Answers is the file of the policy of automatic answers; the shipped one where it is left out.
	Answers string `yaml:"answers,omitempty"`
	// Alerts is the file of the plan of alerts; nobody is told where it is left out.
	Alerts string `yaml:"alerts,omitempty"`
	// Incidents says which findings open one.
	Incidents incidentConfig `yaml:"incidents,omitempty"`
	// Trackers is the file that says which findings and steps become tickets, and where; none does where it is left out.
	Trackers string `yaml:"trackers,omitempty"`
	// Export is the file that says to which other systems the ledger goes; to none where it is left out.
	Export string `yaml:"export,omitempty"`
}

// response is what follows from findings, wired.
type response struct {
	answers  *answer.Service
	policy   *answer.Book
	alerts   *alert.Service
	export   *siem.Service
	trackers *tracker.Service

	incidents *incident.Service
}

// respond wires what follows from findings.
func (s *system) respond() (*response, error) {
	r := &response{policy: &answer.Book{Record: s.recordAnswers}}
	if file := s.config.Respond.Answers; file != "" {
		r.policy.Read = func() ([]byte, error) { return os.ReadFile(s.config.path(file)) }
	}
	err := r.policy.Open()
	if err != nil && !s.readOnly {
		return nil, usage("%v", err)
	}
	r.answers = answer.New(answer.Config{
		DB: s.db, Audit: s.audit, Clock: clock.System, Notes: s.records, People: s.identity, Findings: s.detection, Policy: r.policy.Policy,
		Fresh: s.changes.Fresh, Proxies: s.gateway.Proxies, Node: s.config.Node + s.role, Log: s.log,
	})
	s.identity.OnHold(r.answers.Hold)
	if r.alerts, err = s.alerting(); err != nil {
		return nil, usage("respond: alerts: %v", err)
	}
	if r.export, err = s.exporting(); err != nil {
		return nil, usage("respond: export: %v", err)
	}
	if r.incidents, err = s.keepIncidents(); err != nil {
		return nil, err
	}
	if r.trackers, err = s.tracking(r.incidents); err != nil {
		return nil, usage("respond: trackers: %v", err)
	}
	return r, nil
}

// exporting wires who hands the ledger on.
func (s *system) exporting() (*siem.Service, error) {
	c := siem.Config{
		DB: s.db, Audit: s.audit, Clock: clock.System, Findings: s.detection, Alias: s.identity.Alias,
		Node: s.config.Node + s.role, Log: s.log, Read: func(path string) ([]byte, error) { return os.ReadFile(s.config.path(path)) },
	}
	if file := s.config.Respond.Export; file != "" && !s.readOnly {
		text, err := c.Read(file)
		if err != nil {
			return nil, err
		}
		if c.Plan, err = siem.Parse(text); err != nil {
			return nil, err
		}
	}
	return siem.New(c)
}

// checks are those of what follows from findings.
func (r *response) checks(s *system) []tutela.Check {
	return slices.Concat(r.answers.Checks(s.identity.Bound), r.alerts.Checks(s.config.TryOut), r.export.Checks(), r.trackers.Checks())
}

// alerting wires who tells people.
func (s *system) alerting() (*alert.Service, error) {
	c := alert.Config{
		DB: s.db, Audit: s.audit, Clock: clock.System, Notes: s.records, Findings: s.detection, Alias: s.identity.Alias,
		Node: s.config.Node + s.role, Log: s.log, Read: func(path string) ([]byte, error) { return os.ReadFile(s.config.path(path)) },
	}
	if file := s.config.Respond.Alerts; file != "" && !s.readOnly {
		text, err := c.Read(file)
		if err != nil {
			return nil, err
		}
		if c.Plan, err = alert.Parse(text); err != nil {
			return nil, err
		}
	}
	return alert.New(c)
}

// tracking wires who keeps tickets in step.
func (s *system) tracking(incidents *incident.Service) (*tracker.Service, error) {
	c := tracker.Settings{
		DB: s.db, Audit: s.audit, Clock: clock.System, Notes: s.records, Findings: s.detection, Incidents: incidents, Alias: s.identity.Alias,
		Node: s.config.Node + s.role, Log: s.log, Read: func(path string) ([]byte, error) { return os.ReadFile(s.config.path(path)) },
	}
	if file := s.config.Respond.Trackers; file != "" && !s.readOnly {
		text, err := c.Read(file)
		if err != nil {
			return nil, err
		}
		if c.Plan, err = tracker.Parse(text); err != nil {
			return nil, err
		}
	}
	return tracker.New(c)
}

// run works until ctx ends.
func (r *response) run(ctx context.Context, log *slog.Logger) {
	var work sync.WaitGroup
	work.Go(func() { r.answers.Run(ctx) })
	work.Go(func() { r.alerts.Run(ctx) })
	work.Go(func() { r.trackers.Run(ctx) })
	work.Go(func() { r.export.Run(ctx) })
	work.Go(func() { r.followPolicy(ctx, log) })
	work.Go(func() { r.incidents.Run(ctx) })
	work.Wait()
}

// followPolicy takes up a changed policy of answers, as policies are.
func (r *response) followPolicy(ctx context.Context, log *slog.Logger) {
	look := time.NewTicker(policyInterval)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		if err := r.policy.Look(ctx); err != nil && ctx.Err() == nil {
			log.LogAttrs(ctx, slog.LevelError, "a changed policy of answers is not in force", slog.String("error", err.Error()))
		}
	}
}

// recordAnswers writes down that a policy of answers takes force, or why it does not.
func (s *system) recordAnswers(ctx context.Context, r answer.Reload) error {
	e := tutela.Entry{
		Actor: systemActor("node"), Action: tutela.ActionAnswerReload, Outcome: tutela.OutcomeSuccess,
		Subject: &tutela.Subject{Kind: "answers", ID: r.Now, Detail: "instead of " + r.Before},
	}
	level := slog.LevelInfo
	if r.Refused != "" {
		e.Outcome, e.Subject.Detail, level = tutela.OutcomeFailed, r.Refused[:min(len(r.Refused), 500)], slog.LevelError
	}
	_, err := s.audit.Append(ctx, e, nil)
	s.log.LogAttrs(ctx, level, "the policy of answers was reloaded", slog.String("version", r.Now), slog.String("detail", e.Subject.Detail))
	return err
}
