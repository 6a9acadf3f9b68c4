package server

import (
	"bytes"
	"context"

	"github.com/tutela-health/tutela/respond/answer"
)

// writeResponse gives what follows from findings: answers in force, messages that wait, and how far behind the
// systems are that the ledger goes to.
func (s *Server) writeResponse(ctx context.Context, b *bytes.Buffer) error {
	f := family{b: b, tenant: s.cfg.Tenant}
	if s.cfg.API.Answers != nil {
		active, err := s.cfg.API.Answers.InForce(ctx)
		if err != nil {
			return err
		}
		f.head("tutela_answers_active", "gauge", "Automatic answers that hold somebody now, by kind.")
		for _, k := range answer.Kinds() {
			f.value(float64(active[k]), "kind", string(k))
		}
	}
	if s.cfg.API.Alerts != nil {
		waiting, err := s.cfg.API.Alerts.Measures(ctx)
		if err != nil {
			return err
		}
		f.head("tutela_alert_messages_waiting", "gauge", "Messages that wait for an alert channel.")
		for _, m := range waiting {
			f.value(float64(m.Waiting), "channel", m.Channel)
		}
	}
	if s.cfg.API.Trackers != nil {
		waiting, err := s.cfg.API.Trackers.Measures(ctx)
		if err != nil {
			return err
		}
		f.head("tutela_tracker_tickets_waiting", "gauge", "Tickets that a tracker has not taken yet, or whose state it has not.")
		for _, m := range waiting {
			f.value(float64(m.Waiting), "tracker", m.Tracker)
		}
	}
	if s.cfg.API.Export != nil {
		targets, err := s.cfg.API.Export.States(ctx)
		if err != nil {
			return err
		}
		f.head("tutela_export_entries_behind", "gauge", "Ledger entries that a system which gets them has not acknowledged yet.")
		for _, t := range targets {
			f.value(float64(t.Behind), "target", t.Name)
		}
	}
	return nil
}
