package server

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
	"github.com/tutela-health/tutela/respond/incident"
)

// incidents lists them.
func (s *Server) incidents(ctx context.Context, c *call) (any, error) {
	q := c.request.URL.Query()
	f := incident.Filter{State: incident.State(q.Get("state")), Kind: incident.Kind(q.Get("kind")), All: q.Get("all") == "true"}
	if f.State != "" && !slices.Contains(incident.States(), f.State) {
		return nil, errs.New(errs.Invalid, "state is one of %v", incident.States())
	}
	if f.Kind != "" && !slices.Contains(incident.Kinds(), f.Kind) {
		return nil, errs.New(errs.Invalid, "kind is one of %v", incident.Kinds())
	}
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return nil, errs.New(errs.Invalid, "limit is a number from 0 up")
		}
		f.Limit = n
	}
	return s.cfg.API.Incidents.List(ctx, c.caller, f)
}

// incident gives one with its timeline.
func (s *Server) incident(ctx context.Context, c *call) (any, error) {
	return s.cfg.API.Incidents.Find(ctx, c.caller, c.incident())
}

// incident is the id of the incident that a call is about.
func (c *call) incident() string {
	id := c.request.PathValue("id")
	c.entry.Subject = &tutela.Subject{Kind: "incident", ID: id}
	return id
}

// openIncident opens one.
func (s *Server) openIncident(ctx context.Context, c *call) (any, error) {
	var said struct {
		Title      string             `json:"title"`
		Kind       incident.Kind      `json:"kind"`
		Severity   finding.Level      `json:"severity"`
		Detail     string             `json:"detail"`
		Discovered time.Time          `json:"discovered"`
		Finding    string             `json:"finding"`
		Patients   []tutela.PatientID `json:"patients"`
	}
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	o := incident.Opening{
		Title: said.Title, Kind: said.Kind, Severity: said.Severity, Detail: said.Detail, Discovered: said.Discovered, Finding: said.Finding,
	}
	for _, id := range said.Patients {
		o.Patients = append(o.Patients, s.cfg.API.Bucket(id))
	}
	in, err := s.cfg.API.Incidents.Open(ctx, c.caller, c.entry, o)
	c.written = err == nil
	return in, err
}

// moveIncident brings one into its next state.
func (s *Server) moveIncident(ctx context.Context, c *call) (any, error) {
	var said struct {
		To       incident.State `json:"to"`
		Note     string         `json:"note"`
		Kind     incident.Kind  `json:"kind"`
		Severity finding.Level  `json:"severity"`
	}
	id := c.incident()
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	in, err := s.cfg.API.Incidents.Move(ctx, c.caller, c.entry, id, incident.Move(said))
	c.written = err == nil
	return in, err
}

// noteIncident writes into a timeline by hand.
func (s *Server) noteIncident(ctx context.Context, c *call) (any, error) {
	var said struct {
		Kind    incident.ItemKind `json:"kind"`
		Text    string            `json:"text"`
		To      string            `json:"to"`
		Channel string            `json:"channel"`
	}
	id := c.incident()
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	in, err := s.cfg.API.Incidents.Note(ctx, c.caller, c.entry, id, incident.Remark(said))
	c.written = err == nil
	return in, err
}

// reportIncident takes what anybody tells.
func (s *Server) reportIncident(ctx context.Context, c *call) (any, error) {
	var said struct {
		Text string        `json:"text"`
		Kind incident.Kind `json:"kind"`
	}
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	told, err := s.cfg.API.Incidents.Report(ctx, c.entry, incident.Report(said))
	c.written = err == nil
	return told, err
}

// mailIncident takes a message as a report.
func (s *Server) mailIncident(ctx context.Context, c *call) (any, error) {
	if typ, _, _ := strings.Cut(c.request.Header.Get("Content-Type"), ";"); typ != "message/rfc822" {
		return nil, errs.New(errs.MediaType, "send message/rfc822")
	}
	body, err := httpx.Body(nil, c.request, maxCallBody)
	if err != nil {
		return nil, err
	}
	m, err := incident.ReadMail(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return s.cfg.API.Incidents.Mailed(ctx, c.entry, m)
}

// reportedIncidents gives what the caller told.
func (s *Server) reportedIncidents(ctx context.Context, c *call) (any, error) {
	return s.cfg.API.Incidents.Mine(ctx, c.caller)
}

// stepIncident has a step approved, done or skipped.
func (s *Server) stepIncident(ctx context.Context, c *call) (any, error) {
	var said struct {
		Result incident.Result `json:"result"`
		Note   string          `json:"note"`
	}
	id := c.incident()
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	in, err := s.cfg.API.Incidents.Step(ctx, c.caller, c.entry, id, c.request.PathValue("step"), incident.Deed(said))
	c.written = err == nil
	return in, err
}

// scoreIncident says how one went.
func (s *Server) scoreIncident(ctx context.Context, c *call) (any, error) {
	return s.cfg.API.Incidents.Score(ctx, c.caller, c.incident())
}

// runbooks lists those in force.
func (s *Server) runbooks(context.Context, *call) (any, error) {
	return s.cfg.API.Incidents.Runbooks()
}

// drillIncident begins a drill.
func (s *Server) drillIncident(ctx context.Context, c *call) (any, error) {
	var said struct {
		Runbook string `json:"runbook"`
	}
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	in, err := s.cfg.API.Incidents.Drill(ctx, c.entry, said.Runbook)
	c.written = err == nil
	return in, err
}

// incidentRoutes are those of incidents.
func (s *Server) incidentRoutes(mux *router) {
	s.call(mux, "GET /api/v1/incidents", tutela.ActionIncidentList, s.incidents)
	s.call(mux, "POST /api/v1/incidents", tutela.ActionIncidentOpen, s.openIncident)
	s.call(mux, "GET /api/v1/incidents/{id}", tutela.ActionIncidentList, s.incident)
	s.call(mux, "POST /api/v1/incidents/{id}/state", tutela.ActionIncidentMove, s.moveIncident)
	s.call(mux, "POST /api/v1/incidents/{id}/notes", tutela.ActionIncidentNote, s.noteIncident)
	s.call(mux, "POST /api/v1/incidents/{id}/steps/{step}", tutela.ActionIncidentStep, s.stepIncident)
	s.call(mux, "GET /api/v1/incidents/{id}/score", tutela.ActionIncidentList, s.scoreIncident)
	s.call(mux, "GET /api/v1/incidents/runbooks", tutela.ActionIncidentList, s.runbooks)
	s.call(mux, "POST /api/v1/incidents/drills", tutela.ActionIncidentOpen, s.drillIncident)
	s.call(mux, "GET /api/v1/incidents/reports", tutela.ActionIncidentMine, s.reportedIncidents)
	s.call(mux, "POST /api/v1/incidents/mail", tutela.ActionIncidentMail, s.mailIncident)
	s.call(mux, "POST /api/v1/incidents/reports", tutela.ActionIncidentReport, s.reportIncident)
}
