package main

import (
	"github.com/tutela-health/tutela/detect"
	"github.com/tutela-health/tutela/detect/roster"
	"github.com/tutela-health/tutela/internal/clock"
)

// detect follows the ledger and keeps findings.
func (s *system) detect() *detect.Service {
	return detect.New(detect.Config{
		DB: s.db, Audit: s.audit, Clock: clock.System, Notes: s.records, Alias: s.identity.Alias, Node: s.config.Node, Log: s.log,
		Streams: []detect.Stream{detect.Ledger(s.audit)}, Watch: watch,
	})
}

// watch makes the detectors of a running system and of a replay.
func watch() (detect.Watch, error) { return detect.Watch{Roster: roster.New()}, nil }
