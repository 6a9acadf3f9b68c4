package server

import (
	"context"
	"slices"
	"strconv"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/respond/answer"
)

// answers lists what the system did about findings.
func (s *Server) answers(ctx context.Context, c *call) (any, error) {
	q := c.request.URL.Query()
	f := answer.Filter{State: answer.State(q.Get("state")), Finding: q.Get("finding")}
	if !slices.Contains([]answer.State{"", answer.Active, answer.Over, answer.Undone, answer.Withheld}, f.State) {
		return nil, errs.New(errs.Invalid, "state is active, over, undone or withheld")
	}
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return nil, errs.New(errs.Invalid, "limit is a number from 0 up")
		}
		f.Limit = n
	}
	return s.cfg.API.Answers.List(ctx, c.caller, f)
}

// answer gives one.
func (s *Server) answer(ctx context.Context, c *call) (any, error) {
	id := c.request.PathValue("id")
	c.entry.Subject = &tutela.Subject{Kind: "answer", ID: id}
	return s.cfg.API.Answers.Find(ctx, c.caller, id)
}

// undoAnswer takes one back.
func (s *Server) undoAnswer(ctx context.Context, c *call) (any, error) {
	id := c.request.PathValue("id")
	c.entry.Subject = &tutela.Subject{Kind: "answer", ID: id}
	a, err := s.cfg.API.Answers.Undo(ctx, c.caller, c.entry, id)
	c.written = err == nil
	return a, err
}

// answerRoutes are those of automatic answers.
func (s *Server) answerRoutes(mux *router) {
	s.call(mux, "GET /api/v1/answers", tutela.ActionAnswerList, s.answers)
	s.call(mux, "GET /api/v1/answers/{id}", tutela.ActionAnswerList, s.answer)
	s.call(mux, "POST /api/v1/answers/{id}/undo", tutela.ActionAnswerUndo, s.undoAnswer)
}
