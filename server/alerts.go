package server

import (
	"context"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/respond/alert"
)

// alerts lists of what people were told.
func (s *Server) alerts(ctx context.Context, c *call) (any, error) {
	state := alert.State(c.request.URL.Query().Get("state"))
	if state != "" && state != alert.Open && state != alert.Acknowledged {
		return nil, errs.New(errs.Invalid, "state is open or acknowledged")
	}
	return s.cfg.API.Alerts.List(ctx, c.caller, state)
}

// alertDigest is the last day in some lines.
func (s *Server) alertDigest(ctx context.Context, _ *call) (any, error) {
	return s.cfg.API.Alerts.Summary(ctx, s.cfg.Clock())
}

// acknowledgeAlert says that one was seen.
func (s *Server) acknowledgeAlert(ctx context.Context, c *call) (any, error) {
	id := c.request.PathValue("id")
	c.entry.Subject = &tutela.Subject{Kind: "alert", ID: id}
	a, err := s.cfg.API.Alerts.Acknowledge(ctx, c.caller, c.entry, id)
	c.written = err == nil
	return a, err
}

// alertRoutes are those of alerts.
func (s *Server) alertRoutes(mux *router) {
	s.call(mux, "GET /api/v1/alerts", tutela.ActionAlertList, s.alerts)
	s.call(mux, "GET /api/v1/alerts/digest", tutela.ActionAlertList, s.alertDigest)
	s.call(mux, "POST /api/v1/alerts/{id}/acknowledge", tutela.ActionAlertAck, s.acknowledgeAlert)
	s.call(mux, "GET /api/v1/export-targets", tutela.ActionExportList, func(ctx context.Context, _ *call) (any, error) {
		return s.cfg.API.Export.States(ctx)
	})
	s.call(mux, "POST /api/v1/alerts/test", tutela.ActionAlertTest, func(ctx context.Context, _ *call) (any, error) {
		return s.cfg.API.Alerts.Test(ctx)
	})
}
