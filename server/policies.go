package server

import (
	"context"

	"github.com/tutela-health/tutela"
)

// policyRoutes are those of what people are told to do.
func (s *Server) policyRoutes(mux *router) {
	s.call(mux, "GET /api/v1/policies", tutela.ActionPolicyList, func(ctx context.Context, c *call) (any, error) {
		return s.cfg.API.Policies.List(ctx, c.request.URL.Query().Get("all") == "true")
	})
	s.call(mux, "GET /api/v1/policies/mine", tutela.ActionPolicyRead, func(ctx context.Context, c *call) (any, error) {
		return s.cfg.API.Policies.Mine(ctx, c.caller.ID)
	})
	s.call(mux, "GET /api/v1/policies/{id}", tutela.ActionPolicyList, func(ctx context.Context, c *call) (any, error) {
		return s.cfg.API.Policies.Show(ctx, c.policy())
	})
	s.call(mux, "PUT /api/v1/policies/{id}", tutela.ActionPolicyChange, s.putPolicy)
	s.call(mux, "POST /api/v1/policies/starter", tutela.ActionPolicyChange, s.startPolicies)
	s.call(mux, "POST /api/v1/policies/{id}/approve", tutela.ActionPolicyChange, s.approvePolicy)
	s.call(mux, "POST /api/v1/policies/{id}/withdraw", tutela.ActionPolicyChange, s.withdrawPolicy)
	s.call(mux, "POST /api/v1/policies/{id}/acknowledge", tutela.ActionPolicySign, s.acknowledgePolicy)
}

// policy is the id that a call is about.
func (c *call) policy() string {
	id := c.request.PathValue("id")
	c.entry.Subject = &tutela.Subject{Kind: "policy", ID: id}
	return id
}

func (s *Server) putPolicy(ctx context.Context, c *call) (any, error) {
	var said struct {
		File string `json:"file"`
	}
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	k, err := s.cfg.API.Policies.Put(ctx, c.entry, c.policy(), []byte(said.File))
	c.written = err == nil
	return k, err
}

func (s *Server) approvePolicy(ctx context.Context, c *call) (any, error) {
	var said struct {
		Digest string `json:"digest"`
	}
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	k, err := s.cfg.API.Policies.Approve(ctx, c.entry, c.policy(), said.Digest)
	c.written = err == nil
	return k, err
}

func (s *Server) startPolicies(ctx context.Context, c *call) (any, error) {
	var said struct {
		Owner string `json:"owner"`
	}
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	return s.cfg.API.Policies.Begin(ctx, c.entry, said.Owner)
}

func (s *Server) withdrawPolicy(ctx context.Context, c *call) (any, error) {
	var said struct {
		Reason string `json:"reason"`
	}
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	k, err := s.cfg.API.Policies.Withdraw(ctx, c.entry, c.policy(), said.Reason)
	c.written = err == nil
	return k, err
}

func (s *Server) acknowledgePolicy(ctx context.Context, c *call) (any, error) {
	var said struct {
		Digest string `json:"digest"`
	}
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	return s.cfg.API.Policies.Acknowledge(ctx, c.caller, c.entry, c.policy(), said.Digest)
}
