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

// openBreach opens a case.
func (s *Server) openBreach(ctx context.Context, c *call) (any, error) {
	var o breach.Opening
	if err := c.decode(&o); err != nil {
		return nil, err
	}
	got, err := s.cfg.API.Breaches.Open(ctx, c.grant, c.entry, o)
	c.written = err == nil
	return got, err
}

// breachList lists cases.
func (s *Server) breachList(ctx context.Context, c *call) (any, error) {
	return s.cfg.API.Breaches.List(ctx, c.request.URL.Query().Get("closed") == "true")
}

// caseOf is the id of the case in a call's address.
func (*Server) caseOf(c *call) string {
	id := c.request.PathValue("id")
	c.entry.Subject = &tutela.Subject{Kind: "breach", ID: id}
	return id
}

func (s *Server) breach(ctx context.Context, c *call) (any, error) {
	return s.cfg.API.Breaches.Find(ctx, s.caseOf(c))
}

// breachChange mounts a call that changes a case by what its body says.
func breachChange[T any](s *Server, mux *router, pattern string, action tutela.Action, change func(context.Context, tutela.Entry, string, T) (breach.Case, error)) {
	s.call(mux, pattern, action, func(ctx context.Context, c *call) (any, error) {
		id := s.caseOf(c)
		var said T
		if err := c.decode(&said); err != nil {
			return nil, err
		}
		got, err := change(ctx, c.entry, id, said)
		c.written = err == nil
		return got, err
	})
}

// breachLetters drafts notices. Whose names and addresses were read for them is in the entry.
func (s *Server) breachLetters(ctx context.Context, c *call) (any, error) {
	id := s.caseOf(c)
	var w breach.Words
	if err := c.decode(&w); err != nil {
		return nil, err
	}
	d, touched, err := s.cfg.API.Breaches.Draft(ctx, c.grant, id, w)
	c.entry.Patients, c.entry.Subject.Detail = touched, w.Duty
	return d, err
}

// breachRoutes are those of breaches.
func (s *Server) breachRoutes(mux *router) {
	b := s.cfg.API.Breaches
	s.call(mux, "POST /api/v1/breaches/scope", tutela.ActionBreachScope, s.breachScope)
	s.call(mux, "POST /api/v1/breaches", tutela.ActionBreachOpen, s.openBreach)
	s.call(mux, "GET /api/v1/breaches", tutela.ActionBreachRead, s.breachList)
	s.call(mux, "GET /api/v1/breaches/{id}", tutela.ActionBreachRead, s.breach)
	breachChange(s, mux, "POST /api/v1/breaches/{id}/assessment", tutela.ActionBreachAssess, b.Assess)
	breachChange(s, mux, "POST /api/v1/breaches/{id}/close", tutela.ActionBreachAssess, func(ctx context.Context, e tutela.Entry, id string, _ struct{}) (breach.Case, error) {
		return b.Close(ctx, e, id)
	})
	breachChange(s, mux, "POST /api/v1/breaches/{id}/delay", tutela.ActionBreachDelay, b.Delay)
	breachChange(s, mux, "POST /api/v1/breaches/{id}/deliveries", tutela.ActionBreachTrack, b.Track)
	s.call(mux, "POST /api/v1/breaches/{id}/letters", tutela.ActionBreachLetters, s.breachLetters)
}
