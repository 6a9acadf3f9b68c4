package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
)

// policies are those that the configuration names. A system does not start without.
func (c config) policies() (*access.Policies, error) {
	if c.Policies == "" {
		return access.Shipped()
	}
	p, err := access.LoadPolicies(os.DirFS(c.path(c.Policies)))
	if err != nil {
		return nil, usage("policies in %s: %v", c.path(c.Policies), err)
	}
	return p, nil
}

// policyInterval is how often a node looks at its policy files.
const policyInterval = 2 * time.Second

// followPolicies takes up changed policy files until ctx ends.
func (s *system) followPolicies(ctx context.Context) {
	s.followFiles(ctx, "policies", s.reloader().Look)
}

// followFiles has somebody look at files until ctx ends: every two seconds, and at once on SIGHUP. A try-out system
// leaves that signal alone, since it ends with its terminal.
func (s *system) followFiles(ctx context.Context, what string, lookAt func(ctx context.Context, now bool) error) {
	hup := make(chan os.Signal, 1)
	if !s.config.TryOut {
		signal.Notify(hup, syscall.SIGHUP)
		defer signal.Stop(hup)
	}
	look := time.NewTicker(policyInterval)
	defer look.Stop()
	for {
		now := false
		select {
		case <-ctx.Done():
			return
		case <-hup:
			now = true
		case <-look.C:
		}
		if err := lookAt(ctx, now); err != nil && ctx.Err() == nil {
			s.log.LogAttrs(ctx, slog.LevelError, "changed "+what+" are not in force", slog.String("error", err.Error()))
		}
	}
}

func (s *system) reloader() *access.Reloader {
	return &access.Reloader{Dir: os.DirFS(s.config.path(s.config.Policies)), Authorizer: s.access, Record: s.recordReload}
}

// recordReload writes down that policies take force, or that they do not, and why.
func (s *system) recordReload(ctx context.Context, r access.Reload) error {
	e := tutela.Entry{
		Actor: systemActor("node"), Action: tutela.ActionPolicyReload, Outcome: tutela.OutcomeSuccess, PolicyVersion: r.Tried,
		Subject: &tutela.Subject{Kind: "policies", ID: r.Tried, Detail: r.Text()},
	}
	level, text := slog.LevelInfo, "policies were reloaded"
	if r.Err != nil {
		e.Outcome, e.PolicyVersion = tutela.OutcomeFailed, r.Before
		level, text = slog.LevelError, "policies were refused"
	}
	_, err := s.audit.Append(ctx, e, nil)
	s.log.LogAttrs(ctx, level, text, slog.String("version", r.Tried), slog.String("detail", r.Text()))
	return err
}
