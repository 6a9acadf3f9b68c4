package server

import (
	"context"
	"strconv"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/review"
	"github.com/tutela-health/tutela/internal/errs"
)

// reviewRoutes are those of what is looked at again and again, and of what is to be done.
func (s *Server) reviewRoutes(mux *router) {
	s.call(mux, "GET /api/v1/reviews", tutela.ActionReviewList, func(ctx context.Context, _ *call) (any, error) {
		return s.cfg.API.Reviews.List(ctx)
	})
	s.call(mux, "GET /api/v1/reviews/{sort}", tutela.ActionReviewList, s.showReview)
	s.call(mux, "PUT /api/v1/reviews/{sort}", tutela.ActionReviewChange, s.planReview)
	s.call(mux, "POST /api/v1/reviews/{sort}/rounds", tutela.ActionReviewChange, func(ctx context.Context, c *call) (any, error) {
		r, err := s.cfg.API.Reviews.Start(ctx, c.entry, c.review())
		c.written = err == nil
		return r, err
	})
	s.call(mux, "POST /api/v1/reviews/{sort}/decisions", tutela.ActionReviewChange, s.decideReview)
	s.call(mux, "POST /api/v1/reviews/{sort}/carry", tutela.ActionReviewChange, func(ctx context.Context, c *call) (any, error) {
		return s.cfg.API.Reviews.Carry(ctx, c.caller, c.entry, c.review())
	})
	s.call(mux, "POST /api/v1/follow-ups/{id}/done", tutela.ActionReviewChange, s.finishFollowUp)
	s.call(mux, "GET /api/v1/duties", tutela.ActionDutyList, func(ctx context.Context, _ *call) (any, error) {
		return s.cfg.API.Duties.List(ctx, "")
	})
	s.call(mux, "GET /api/v1/duties/mine", tutela.ActionDutyMine, func(ctx context.Context, c *call) (any, error) {
		return s.cfg.API.Duties.List(ctx, c.caller.ID)
	})
}

// review is the sort that a call is about.
func (c *call) review() review.Sort {
	sort := c.request.PathValue("sort")
	c.entry.Subject = &tutela.Subject{Kind: "review", ID: sort}
	return review.Sort(sort)
}

func (s *Server) showReview(ctx context.Context, c *call) (any, error) {
	number := 0
	if q := c.request.URL.Query().Get("round"); q != "" {
		var err error
		if number, err = strconv.Atoi(q); err != nil || number < 1 {
			return nil, errs.New(errs.Invalid, "round is a number from 1 on")
		}
	}
	return s.cfg.API.Reviews.Round(ctx, c.review(), number)
}

func (s *Server) planReview(ctx context.Context, c *call) (any, error) {
	var said struct {
		Owner string `json:"owner"`
		Every int    `json:"every"`
	}
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	k, err := s.cfg.API.Reviews.SetPlan(ctx, c.entry, review.Plan{Sort: c.review(), Owner: tutela.UserID(said.Owner), Every: said.Every})
	c.written = err == nil
	return k, err
}

func (s *Server) decideReview(ctx context.Context, c *call) (any, error) {
	var said []review.Decision
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	r, err := s.cfg.API.Reviews.Decide(ctx, c.caller, c.entry, c.review(), said)
	c.written = err == nil
	return r, err
}

func (s *Server) finishFollowUp(ctx context.Context, c *call) (any, error) {
	var said struct {
		How string `json:"how"`
	}
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	id := c.request.PathValue("id")
	c.entry.Subject = &tutela.Subject{Kind: "follow-up", ID: id}
	t, err := s.cfg.API.Reviews.Finish(ctx, c.entry, id, said.How)
	c.written = err == nil
	return t, err
}
