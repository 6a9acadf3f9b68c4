package server

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/respond/breach"
)

// breachScope answers whom accesses reached. What was asked is a personal part of the entry: it may name patients.
func (s *Server) breachScope(ctx context.Context, c *call) (any, error) {
	var ask breach.Ask
	if err := c.decode(&ask); err != nil {
		return nil, err
	}
	c.entry.Subject = &tutela.Subject{Kind: "breach", ID: "scope"}
	var err error
	if c.section, err = json.Marshal(map[string]breach.Ask{"query": ask}); err != nil {
		return nil, fmt.Errorf("encode question: %w", err)
	}
	sc, err := s.cfg.API.Breaches.Scope(ctx, c.grant, ask)
	if err == nil {
		c.entry.Subject.Detail = fmt.Sprintf("%d patients, %d accesses", sc.Count, sc.Accesses)
	}
	return sc, err
}

// breachRoutes are those of breaches.
func (s *Server) breachRoutes(mux *router) {
	s.call(mux, "POST /api/v1/breaches/scope", tutela.ActionBreachScope, s.breachScope)
}
