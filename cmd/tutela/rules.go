package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"
	_ "time/tzdata" // zones are known on machines without a table of them

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/rules"
)

// detectConfig says what misuse is looked for by.
type detectConfig struct {
	// Rules is the folder of the organisation's own Sigma rules, which count beside the shipped ones.
	Rules string `yaml:"rules,omitempty"`
	// TimeZone is where midnight ends a day of the organisation; UTC when it is left out.
	TimeZone string `yaml:"time_zone,omitempty"`
}

func (c detectConfig) check() error {
	if _, err := time.LoadLocation(c.TimeZone); err != nil {
		return fmt.Errorf("time_zone is none: %s", c.TimeZone)
	}
	return nil
}

// zone is the organisation's. One that check refuses is UTC.
func (c detectConfig) zone() *time.Location {
	if z, err := time.LoadLocation(c.TimeZone); err == nil {
		return z
	}
	return time.UTC
}

// rules are the shipped ones and those of the folder that the configuration names.
func (c config) rules() *rules.Book {
	if c.Detect.Rules == "" {
		return rules.Open(nil)
	}
	return rules.Open(os.DirFS(c.path(c.Detect.Rules)))
}

// followRules names rules that are not understood, and takes up changed files until ctx ends.
func (s *system) followRules(ctx context.Context) {
	for _, p := range s.rules.Edition().Problems {
		s.log.LogAttrs(ctx, slog.LevelError, "a rule of detection is not in force", slog.String("error", p.Error()))
	}
	r := &rules.Reloader{Dir: os.DirFS(s.config.path(s.config.Detect.Rules)), Book: s.rules, Record: s.recordRules}
	s.followFiles(ctx, "rules", r.Look)
}

// recordRules writes down that rules take force, and which do not.
func (s *system) recordRules(ctx context.Context, r rules.Reload) error {
	e := tutela.Entry{
		Actor: systemActor("node"), Action: tutela.ActionRulesReload, Outcome: tutela.OutcomeSuccess,
		Subject: &tutela.Subject{Kind: "rules", ID: r.Now, Detail: r.Text()},
	}
	level := slog.LevelInfo
	if len(r.Refused) > 0 {
		e.Outcome, level = tutela.OutcomeFailed, slog.LevelError
	}
	_, err := s.audit.Append(ctx, e, nil)
	s.log.LogAttrs(ctx, level, "rules of detection were reloaded", slog.String("version", r.Now), slog.String("detail", r.Text()))
	return err
}
