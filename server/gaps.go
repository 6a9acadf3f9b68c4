package server

import (
	"context"
	"strconv"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/remedy"
	"github.com/tutela-health/tutela/internal/errs"
)

// gapRoutes are those of what is not as it should be, of those who look for it, and of how everything stood.
func (s *Server) gapRoutes(mux *router) {
	s.call(mux, "GET /api/v1/gaps", tutela.ActionGapList, func(ctx context.Context, c *call) (any, error) {
		return s.cfg.API.Gaps.List(ctx, c.request.URL.Query().Get("all") == "true")
	})
	s.call(mux, "PUT /api/v1/gaps/{id}/assignment", tutela.ActionGapChange, s.assignGap)
	s.call(mux, "POST /api/v1/gaps/{id}/dispute", tutela.ActionGapChange, s.disputeGap)
	s.call(mux, "POST /api/v1/gaps/{id}/agree", tutela.ActionGapChange, func(ctx context.Context, c *call) (any, error) {
		k, err := s.cfg.API.Gaps.Agree(ctx, c.entry, c.gap())
		c.written = err == nil
		return k, err
	})
	s.call(mux, "GET /api/v1/tests", tutela.ActionGapList, func(ctx context.Context, _ *call) (any, error) {
		return s.cfg.API.Gaps.Tests(ctx)
	})
	s.call(mux, "PUT /api/v1/tests/{id}", tutela.ActionGapChange, s.planTest)
	s.call(mux, "POST /api/v1/tests/{id}/runs", tutela.ActionGapChange, s.recordTest)
	s.call(mux, "GET /api/v1/scores", tutela.ActionGapList, func(ctx context.Context, c *call) (any, error) {
		days := 365
		if q := c.request.URL.Query().Get("days"); q != "" {
			var err error
			if days, err = strconv.Atoi(q); err != nil {
				return nil, errs.New(errs.Invalid, "days is a number")
			}
		}
		return s.cfg.API.Gaps.Trend(ctx, days)
	})
}

// gap is the id that a call is about.
func (c *call) gap() string {
	id := c.request.PathValue("id")
	c.entry.Subject = &tutela.Subject{Kind: "gap", ID: id}
	return id
}

func (s *Server) assignGap(ctx context.Context, c *call) (any, error) {
	var said remedy.Assignment
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	k, err := s.cfg.API.Gaps.Assign(ctx, c.entry, c.gap(), said)
	c.written = err == nil
	return k, err
}

func (s *Server) disputeGap(ctx context.Context, c *call) (any, error) {
	var said struct {
		Reason string `json:"reason"`
	}
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	k, err := s.cfg.API.Gaps.Dispute(ctx, c.entry, c.gap(), said.Reason)
	c.written = err == nil
	return k, err
}

// testID is the id of the test that a call is about.
func (c *call) testID() string {
	id := c.request.PathValue("id")
	c.entry.Subject = &tutela.Subject{Kind: "test", ID: id}
	return id
}

func (s *Server) planTest(ctx context.Context, c *call) (any, error) {
	var said struct {
		Title string `json:"title"`
		Owner string `json:"owner"`
		Every int    `json:"every"`
	}
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	k, err := s.cfg.API.Gaps.Plan(ctx, c.entry, c.testID(), said.Title, said.Owner, said.Every)
	c.written = err == nil
	return k, err
}

func (s *Server) recordTest(ctx context.Context, c *call) (any, error) {
	var said struct {
		Date     string           `json:"date"`
		By       string           `json:"by"`
		Findings []remedy.Finding `json:"findings"`
	}
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	run, err := s.cfg.API.Gaps.Record(ctx, c.entry, c.testID(), said.Date, said.By, said.Findings)
	c.written = err == nil
	return run, err
}
