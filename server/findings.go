package server

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/internal/errs"
)

// findings lists what detection found.
func (s *Server) findings(ctx context.Context, c *call) (any, error) {
	f, err := findingFilter(c.request.URL.Query())
	if err != nil {
		return nil, err
	}
	return s.cfg.API.Findings.List(ctx, c.caller, f)
}

// findingFilter reads what a list is asked for.
func findingFilter(q url.Values) (detect.Filter, error) {
	f := detect.Filter{
		State: finding.State(q.Get("state")), Actor: q.Get("actor"), Rule: q.Get("rule"), Level: finding.Level(q.Get("level")), After: q.Get("after"),
	}
	if f.State != "" && f.State != finding.Open && f.State != finding.Closed {
		return f, errs.New(errs.Invalid, "state is open or closed")
	}
	if f.Level != "" && f.Level.Severity() == 0 {
		return f, errs.New(errs.Invalid, "level is informational, low, medium, high or critical")
	}
	for name, to := range map[string]*int{"risk": &f.Risk, "limit": &f.Limit} {
		if text := q.Get(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 {
				return f, errs.New(errs.Invalid, "%s is a number from 0 up", name)
			}
			*to = n
		}
	}
	if text := q.Get("since"); text != "" {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return f, errs.New(errs.Invalid, "since is a time in RFC 3339")
		}
		f.Since = at
	}
	return f, nil
}

// finding gives one.
func (s *Server) finding(ctx context.Context, c *call) (any, error) {
	id := c.request.PathValue("id")
	c.entry.Subject = &tutela.Subject{Kind: "finding", ID: id}
	return s.cfg.API.Findings.Find(ctx, c.caller, id)
}

// judgeFinding closes one with a verdict.
func (s *Server) judgeFinding(ctx context.Context, c *call) (any, error) {
	var said struct {
		Verdict finding.Verdict `json:"verdict"`
		Note    string          `json:"note"`
	}
	id := c.request.PathValue("id")
	c.entry.Subject = &tutela.Subject{Kind: "finding", ID: id}
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	f, err := s.cfg.API.Findings.Judge(ctx, c.caller, c.entry, id, said.Verdict, said.Note)
	c.written = err == nil
	return f, err
}

// findingRoutes are those of detection.
func (s *Server) findingRoutes(mux *router) {
	s.call(mux, "GET /api/v1/findings", tutela.ActionFindingList, s.findings)
	s.call(mux, "GET /api/v1/findings/{id}", tutela.ActionFindingList, s.finding)
	s.call(mux, "POST /api/v1/findings/{id}/feedback", tutela.ActionFindingFeedback, s.judgeFinding)
}
