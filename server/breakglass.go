package server

import (
	"context"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access/emergency"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
)

// openedAccess is an emergency access as its holder sees it.
type openedAccess struct {
	ID      string    `json:"id"`
	Patient string    `json:"patient"` // Patient/ID
	Opened  time.Time `json:"opened"`
	Until   time.Time `json:"until"`
}

// breakGlass gives the caller access to one patient for minutes. The answer is the same whether or not
// there is such a patient.
func (s *Server) breakGlass(ctx context.Context, c *call) (any, error) {
	var asked struct {
		Patient string         `json:"patient"`
		Reason  string         `json:"reason"`
		Purpose tutela.Purpose `json:"purpose"`
	}
	if err := c.decode(&asked); err != nil {
		return nil, err
	}
	typ, id, _ := strings.Cut(asked.Patient, "/")
	a, err := s.cfg.API.Emergencies.Break(ctx, c.caller, c.entry, emergency.Ask{
		Patient: tutela.Ref{Type: typ, ID: id}, Reason: asked.Reason, Purpose: asked.Purpose,
	})
	c.written = err == nil
	return openedAccess{a.ID, a.Patient.String(), a.Opened, a.Until}, err
}

// ended says which emergency access is over.
type ended struct {
	Ended string `json:"ended"`
}

// endBreakGlass ends an emergency access of the caller's own.
func (s *Server) endBreakGlass(ctx context.Context, c *call) (any, error) {
	id := c.request.PathValue("id")
	err := s.cfg.API.Emergencies.End(ctx, c.caller, c.entry, id)
	c.written = err == nil
	return ended{id}, err
}

// revokeBreakGlass ends anybody's.
func (s *Server) revokeBreakGlass(ctx context.Context, c *call) (any, error) {
	id := c.request.PathValue("id")
	err := s.cfg.API.Emergencies.Revoke(ctx, c.entry, id)
	c.written = err == nil
	return ended{id}, err
}

// glassCase is an emergency access as a reviewer sees it.
type glassCase struct {
	ID        string    `json:"id"`
	Pseudonym string    `json:"pseudonym"`
	Patient   string    `json:"patient,omitempty"` // Patient/ID; empty once the patient's key is destroyed
	By        string    `json:"by"`                // username
	Opened    time.Time `json:"opened"`
	Until     time.Time `json:"until"`
	Reason    string    `json:"reason,omitempty"`
	Accesses  int       `json:"accesses"` // that really reached the patient
	State     string    `json:"state"`    // open or closed: of the review
	Reviewed  time.Time `json:"reviewed,omitzero"`
	Reviewer  string    `json:"reviewer,omitempty"`
	Verdict   string    `json:"verdict,omitempty"`
	Note      string    `json:"note,omitempty"`
}

// listBreakGlass gives every emergency access, those whose review is open first.
func (s *Server) listBreakGlass(ctx context.Context, c *call) (any, error) {
	cases, err := s.cfg.API.Emergencies.Cases(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]glassCase, len(cases))
	for i := range cases {
		list[i] = caseOf(&cases[i])
	}
	return list, nil
}

func caseOf(k *emergency.Case) glassCase {
	c := glassCase{
		ID: k.ID, Pseudonym: audit.Pseudonym(k.Patient), Patient: k.Ref, By: k.Who.Name, Opened: k.Opened, Until: k.Until,
		Reason: k.Reason, Accesses: k.Accesses, State: "open",
		Reviewed: k.Reviewed, Reviewer: k.Reviewer.Name, Verdict: string(k.Verdict), Note: k.Note,
	}
	if !k.Reviewed.IsZero() {
		c.State = "closed"
	}
	return c
}

// reviewed says how a case was closed.
type reviewed struct {
	Reviewed string `json:"reviewed"`
	Verdict  string `json:"verdict"`
}

// reviewBreakGlass closes a case.
func (s *Server) reviewBreakGlass(ctx context.Context, c *call) (any, error) {
	var said struct {
		Verdict emergency.Verdict `json:"verdict"`
		Note    string            `json:"note"`
	}
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	id := c.request.PathValue("id")
	err := s.cfg.API.Emergencies.Review(ctx, c.caller, c.entry, id, said.Verdict, said.Note)
	c.written = err == nil
	return reviewed{id, string(said.Verdict)}, err
}

// decode reads the call's body as JSON that holds nothing beside what is asked for.
func (c *call) decode(v any) error {
	if err := c.isJSON(); err != nil {
		return err
	}
	body, err := httpx.Body(nil, c.request, maxCallBody)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, v, json.RejectUnknownMembers(true)); err != nil {
		return errs.Wrap(errs.Invalid, err, "the body is not the JSON object that this call takes")
	}
	return nil
}

// isJSON holds a body to the one form that calls take.
func (c *call) isJSON() error {
	if typ, _, _ := strings.Cut(c.request.Header.Get("Content-Type"), ";"); typ != "application/json" {
		return errs.New(errs.MediaType, "send application/json")
	}
	return nil
}

// breakGlassRoutes are those of emergency access.
func (s *Server) breakGlassRoutes(mux *router) {
	s.call(mux, "POST /api/v1/break-glass", tutela.ActionBreakGlassOpen, s.breakGlass)
	s.call(mux, "GET /api/v1/break-glass", tutela.ActionBreakGlassList, s.listBreakGlass)
	s.call(mux, "DELETE /api/v1/break-glass/{id}", tutela.ActionBreakGlassEnd, s.endBreakGlass)
	s.call(mux, "POST /api/v1/break-glass/{id}/revoke", tutela.ActionBreakGlassRevoke, s.revokeBreakGlass)
	s.call(mux, "POST /api/v1/break-glass/{id}/review", tutela.ActionBreakGlassReview, s.reviewBreakGlass)
}
