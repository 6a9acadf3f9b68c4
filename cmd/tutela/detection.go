package main

import (
	"time"

	"github.com/tutela-health/tutela/detect"
	"github.com/tutela-health/tutela/detect/baseline"
	"github.com/tutela-health/tutela/detect/roster"
	"github.com/tutela-health/tutela/detect/rules"
)

// detect follows the ledger and keeps findings.
func (s *system) detect() *detect.Service {
	book := s.config.rules()
	s.rules = book
	return detect.New(detect.Config{
		DB: s.db, Audit: s.audit, Clock: s.clock, Notes: s.records, Alias: s.identity.Alias, Node: s.config.Node, Log: s.log,
		Streams: []detect.Stream{s.intake.facts, detect.Ledger(s.audit), s.intake.logs.Stream()}, // whom care joins, before what they did
		Rules: func() (int, []string) {
			now := book.Edition()
			var refused []string
			for _, p := range now.Problems {
				refused = append(refused, p.Error())
			}
			return len(now.Set.Rules()), refused
		},
		Watch: func() (detect.Watch, error) {
			w := watch(book, s.config.Detect.zone())
			w.Grace, w.Clock = dayGrace, s.clock
			return w, nil
		},
	})
}

// dayGrace is how long after midnight a day of a running system is closed.
const dayGrace = 15 * time.Minute

// watch makes the detectors of a running system and of a replay, with nothing learned.
func watch(book *rules.Book, zone *time.Location) detect.Watch {
	people := roster.New()
	return detect.Watch{
		Roster: people, Model: baseline.New(baseline.Config{Zone: zone}, people), Zone: zone,
		Detectors: []detect.Part{{Name: "rules", Detector: rules.New(book, people)}},
	}
}
