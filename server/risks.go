package server

import (
	"context"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/risk"
)

// riskRoutes are those of what may happen.
func (s *Server) riskRoutes(mux *router) {
	s.call(mux, "GET /api/v1/risks", tutela.ActionRiskList, func(ctx context.Context, c *call) (any, error) {
		return s.cfg.API.Risks.List(ctx, c.request.URL.Query().Get("all") == "true")
	})
	s.call(mux, "GET /api/v1/risks/{id}", tutela.ActionRiskList, func(ctx context.Context, c *call) (any, error) {
		return s.cfg.API.Risks.History(ctx, c.risk())
	})
	s.call(mux, "PUT /api/v1/risks/{id}", tutela.ActionRiskChange, s.putRisk)
	s.call(mux, "POST /api/v1/risks/starter", tutela.ActionRiskChange, s.beginRisks)
	s.call(mux, "POST /api/v1/risks/{id}/agree", tutela.ActionRiskChange, s.agreeToRisk)
	s.call(mux, "POST /api/v1/risks/{id}/close", tutela.ActionRiskChange, s.closeRisk)
}

// risk is the id that a call is about.
func (c *call) risk() string {
	id := c.request.PathValue("id")
	c.entry.Subject = &tutela.Subject{Kind: "risk", ID: id}
	return id
}

func (s *Server) putRisk(ctx context.Context, c *call) (any, error) {
	var said struct {
		Revision int64 `json:"revision"`
		risk.Risk
	}
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	k, err := s.cfg.API.Risks.Put(ctx, c.entry, c.risk(), said.Revision, said.Risk)
	c.written = err == nil
	return k, err
}

func (s *Server) beginRisks(ctx context.Context, c *call) (any, error) {
	var said struct {
		Owner string `json:"owner"`
	}
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	return s.cfg.API.Risks.Begin(ctx, c.entry, said.Owner)
}

func (s *Server) agreeToRisk(ctx context.Context, c *call) (any, error) {
	var said struct {
		Revision int64 `json:"revision"`
	}
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	k, err := s.cfg.API.Risks.Agree(ctx, c.entry, c.risk(), said.Revision)
	c.written = err == nil
	return k, err
}

func (s *Server) closeRisk(ctx context.Context, c *call) (any, error) {
	var said struct {
		Reason string `json:"reason"`
	}
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	k, err := s.cfg.API.Risks.Close(ctx, c.entry, c.risk(), said.Reason)
	c.written = err == nil
	return k, err
}
