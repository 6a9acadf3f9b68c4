package server

import (
	"context"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/control"
	"github.com/tutela-health/tutela/assure/oscal"
)

// controlRoutes are those of what is asked of an organisation, and how it is known.
func (s *Server) controlRoutes(mux *router) {
	s.call(mux, "GET /api/v1/controls", tutela.ActionControlList, s.listControls)
	s.call(mux, "GET /api/v1/controls/{id}", tutela.ActionControlList, s.showControl)
	s.call(mux, "GET /api/v1/oscal/{model}", tutela.ActionControlList, s.oscal)
	s.call(mux, "GET /api/v1/controls/{id}/attestation", tutela.ActionControlList, s.attestation)
	s.call(mux, "PUT /api/v1/controls/{id}/attestation", tutela.ActionControlAttest, s.attest)
	s.call(mux, "DELETE /api/v1/controls/{id}/attestation", tutela.ActionControlAttest, s.withdraw)
}

// control is the id that a call is about.
func (c *call) control() string {
	id := c.request.PathValue("id")
	c.entry.Subject = &tutela.Subject{Kind: "control", ID: id}
	return id
}

func (s *Server) listControls(ctx context.Context, c *call) (any, error) {
	v := c.request.URL.Query()
	return s.cfg.API.Controls().List(ctx, control.Filter{
		Regulation: v.Get("regulation"), Known: control.Knowledge(v.Get("known")), Standing: control.Standing(v.Get("standing")),
	})
}

func (s *Server) showControl(ctx context.Context, c *call) (any, error) {
	return s.cfg.API.Controls().Show(ctx, c.control())
}

// oscal gives what is asked and how it is known in NIST's language.
func (s *Server) oscal(ctx context.Context, c *call) (any, error) {
	board := s.cfg.API.Controls()
	o, err := board.List(ctx, control.Filter{})
	if err != nil {
		return nil, err
	}
	name := s.cfg.Tenant
	if name == "" {
		name = s.cfg.Hosts[0]
	}
	return oscal.Of(oscal.Model(c.request.PathValue("model")), o, oscal.Catalogs(board.Regulations(), o.At), name)
}

// attestation gives what somebody said of a control, with the file that it rests on.
func (s *Server) attestation(ctx context.Context, c *call) (any, error) {
	return s.cfg.API.Controls().Said(ctx, c.control())
}

func (s *Server) attest(ctx context.Context, c *call) (any, error) {
	var a control.Attestation
	if err := c.decode(&a); err != nil {
		return nil, err
	}
	said, err := s.cfg.API.Controls().Attest(ctx, c.entry, c.control(), a)
	c.written = err == nil
	return said, err
}

func (s *Server) withdraw(ctx context.Context, c *call) (any, error) {
	err := s.cfg.API.Controls().Withdraw(ctx, c.entry, c.control())
	c.written = err == nil
	return struct{}{}, err
}
