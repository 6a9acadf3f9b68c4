package server

import (
	"context"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/privacy/erasure"
)

// erasureRoutes mounts what the privacy officer and the administrator do about erasures.
func (s *Server) erasureRoutes(mux *router) {
	s.call(mux, "GET /api/v1/erasures", tutela.ActionErasureRead, func(ctx context.Context, _ *call) (any, error) {
		list, err := s.cfg.API.Erasures.List(ctx)
		if list == nil {
			list = []erasure.Erasure{}
		}
		return list, err
	})
	s.call(mux, "GET /api/v1/erasures/{id}", tutela.ActionErasureRead, func(ctx context.Context, c *call) (any, error) {
		return s.cfg.API.Erasures.Find(ctx, c.request.PathValue("id"))
	})
	s.call(mux, "POST /api/v1/erasures/{id}/approve", tutela.ActionErasureApprove, func(ctx context.Context, c *call) (any, error) {
		return written(c)(s.cfg.API.Erasures.Approve(ctx, c.caller, c.entry, c.request.PathValue("id")))
	})
	s.call(mux, "POST /api/v1/erasures/{id}/withdraw", tutela.ActionErasureAsk, func(ctx context.Context, c *call) (any, error) {
		return written(c)(s.cfg.API.Erasures.Withdraw(ctx, c.entry, c.request.PathValue("id")))
	})
	s.call(mux, "POST /api/v1/patients/{id}/erasure", tutela.ActionErasureAsk, func(ctx context.Context, c *call) (any, error) {
		id, reason, err := patientAndReason(c)
		if err != nil {
			return nil, err
		}
		return written(c)(s.cfg.API.Erasures.Ask(ctx, c.caller, c.entry, id, reason))
	})
	s.call(mux, "POST /api/v1/patients/{id}/hold", tutela.ActionErasureAsk, func(ctx context.Context, c *call) (any, error) {
		id, reason, err := patientAndReason(c)
		if err == nil {
			err = s.cfg.API.Erasures.Hold(ctx, c.entry, id, reason)
		}
		c.written = err == nil
		return struct{}{}, err
	})
	s.call(mux, "DELETE /api/v1/patients/{id}/hold", tutela.ActionErasureAsk, func(ctx context.Context, c *call) (any, error) {
		id, err := patientIn(c)
		if err == nil {
			err = s.cfg.API.Erasures.Lift(ctx, c.entry, id)
		}
		c.written = err == nil
		return struct{}{}, err
	})
}

// written gives what a call answers that wrote its own entry when it succeeded.
func written(c *call) func(erasure.Erasure, error) (any, error) {
	return func(e erasure.Erasure, err error) (any, error) {
		c.written = err == nil
		return e, err
	}
}

// patientAndReason reads whom a call is about, and why.
func patientAndReason(c *call) (tutela.PatientID, string, error) {
	id, err := patientIn(c)
	if err != nil {
		return "", "", err
	}
	var said struct {
		Reason string `json:"reason"`
	}
	err = c.decode(&said)
	return id, said.Reason, err
}
