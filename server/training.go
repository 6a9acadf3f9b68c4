package server

import (
	"context"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/training"
)

// trainingRoutes are those of what people are to know.
func (s *Server) trainingRoutes(mux *router) {
	s.call(mux, "GET /api/v1/training", tutela.ActionTrainingList, func(ctx context.Context, c *call) (any, error) {
		return s.cfg.API.Training.List(ctx, c.request.URL.Query().Get("all") == "true")
	})
	s.call(mux, "GET /api/v1/training/mine", tutela.ActionTrainingRead, func(ctx context.Context, c *call) (any, error) {
		return s.cfg.API.Training.Mine(ctx, c.caller.ID)
	})
	s.call(mux, "PUT /api/v1/training/{id}", tutela.ActionTrainingChange, s.putModule)
	s.call(mux, "DELETE /api/v1/training/{id}", tutela.ActionTrainingChange, func(ctx context.Context, c *call) (any, error) {
		k, err := s.cfg.API.Training.Withdraw(ctx, c.entry, c.module())
		c.written = err == nil
		return k, err
	})
	s.call(mux, "POST /api/v1/training/starter", tutela.ActionTrainingChange, func(ctx context.Context, c *call) (any, error) {
		return s.cfg.API.Training.Begin(ctx, c.entry)
	})
	s.call(mux, "POST /api/v1/training/{id}/answers", tutela.ActionTrainingTake, s.takeModule)
	s.call(mux, "POST /api/v1/training/{id}/lab", tutela.ActionTrainingTake, s.handInLab)
	s.call(mux, "POST /api/v1/training/{id}/certificate", tutela.ActionTrainingTake, func(ctx context.Context, c *call) (any, error) {
		return s.cfg.API.Training.Certify(ctx, c.caller, c.module())
	})
	s.call(mux, "POST /api/v1/training/{id}/results", tutela.ActionTrainingChange, s.bringResults)
}

// module is the id that a call is about.
func (c *call) module() string {
	id := c.request.PathValue("id")
	c.entry.Subject = &tutela.Subject{Kind: "module", ID: id}
	return id
}

func (s *Server) putModule(ctx context.Context, c *call) (any, error) {
	var said struct {
		File string `json:"file"`
	}
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	k, err := s.cfg.API.Training.Put(ctx, c.entry, c.module(), []byte(said.File))
	c.written = err == nil
	return k, err
}

func (s *Server) takeModule(ctx context.Context, c *call) (any, error) {
	var said struct {
		Digest  string `json:"digest"`
		Answers []int  `json:"answers"`
	}
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	r, err := s.cfg.API.Training.Take(ctx, c.caller, c.entry, c.module(), said.Digest, said.Answers)
	c.written = err == nil
	return r, err
}

func (s *Server) handInLab(ctx context.Context, c *call) (any, error) {
	var said struct {
		Digest string            `json:"digest"`
		Files  map[string]string `json:"files"`
	}
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	h, err := s.cfg.API.Training.HandIn(ctx, c.caller, c.entry, c.module(), said.Digest, said.Files)
	c.written = err == nil && h.Mended
	return h, err
}

func (s *Server) bringResults(ctx context.Context, c *call) (any, error) {
	var said []training.Brought
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	n, err := s.cfg.API.Training.Bring(ctx, c.entry, c.module(), said)
	return map[string]int{"taken": n}, err
}
