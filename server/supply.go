package server

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
	"github.com/tutela-health/tutela/supply/attest"
	"github.com/tutela-health/tutela/supply/evidence"
)

// supplyRoutes mounts what pipelines report, and what is made of it.
func (s *Server) supplyRoutes(mux *router) {
	s.callUpTo(evidence.MaxReport, mux, "POST /api/v1/evidence", tutela.ActionPipelineReport, s.receiveEvidence)
	s.call(mux, "GET /api/v1/pipelines", tutela.ActionPipelineList, func(ctx context.Context, _ *call) (any, error) {
		return s.cfg.API.Supply.Pipelines(ctx)
	})
	s.call(mux, "POST /api/v1/pipelines", tutela.ActionPipelineRegister, s.registerPipeline)
	s.call(mux, "DELETE /api/v1/pipelines/{id}", tutela.ActionPipelineRevoke, func(ctx context.Context, c *call) (any, error) {
		id := c.request.PathValue("id")
		c.entry.Subject = &tutela.Subject{Kind: "pipeline", ID: id}
		return struct{}{}, s.cfg.API.Supply.Revoke(ctx, c.caller, id)
	})
	s.call(mux, "POST /api/v1/approvals", tutela.ActionPipelineApprove, approve)
	s.call(mux, "GET /api/v1/sboms", tutela.ActionBillRead, func(ctx context.Context, _ *call) (any, error) {
		return s.cfg.API.Supply.Bills(ctx)
	})
	s.call(mux, "GET /api/v1/sboms/{id}", tutela.ActionBillRead, func(ctx context.Context, c *call) (any, error) {
		id := c.request.PathValue("id")
		c.entry.Subject = &tutela.Subject{Kind: "sbom", ID: id}
		return s.cfg.API.Supply.Bill(ctx, id)
	})
}

// receiveEvidence takes in what a pipeline signed.
func (s *Server) receiveEvidence(ctx context.Context, c *call) (any, error) {
	if err := c.isJSON(); err != nil {
		return nil, err
	}
	body, err := httpx.Body(nil, c.request, evidence.MaxReport)
	if err != nil {
		return nil, err
	}
	got, err := s.cfg.API.Supply.Receive(ctx, c.caller, &c.entry, body)
	c.written = err == nil
	return got, err
}

// newPipeline is what a call for one names.
type newPipeline struct {
	Name       string `json:"name"`
	Repository string `json:"repository"`
	Key        string `json:"key"` // PEM
}

func (s *Server) registerPipeline(ctx context.Context, c *call) (any, error) {
	var n newPipeline
	if err := c.decode(&n); err != nil {
		return nil, err
	}
	p, err := s.cfg.API.Supply.Register(ctx, c.caller, n.Name, n.Repository, []byte(n.Key))
	if err == nil {
		c.entry.Subject = &tutela.Subject{Kind: "pipeline", ID: p.ID, Detail: p.Repository}
	}
	return p, err
}

// approval is somebody's own word for a commit. Its entry is all that there is of it.
type approval struct {
	Repository string `json:"repository"`
	Commit     string `json:"commit"`
	Note       string `json:"note,omitempty"`
}

// maxNote bounds a note, in bytes.
const maxNote = 1000

var commitName = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)

func approve(_ context.Context, c *call) (any, error) {
	var a approval
	if err := c.decode(&a); err != nil {
		return nil, err
	}
	a.Repository, a.Note = attest.Repository(a.Repository), strings.TrimSpace(a.Note)
	if a.Repository == "" || !commitName.MatchString(a.Commit) || len(a.Note) > maxNote {
		return nil, errs.New(errs.Unprocessable, "name the repository by its address and the commit by all of its digits; a note has at most %d bytes", maxNote)
	}
	c.entry.Subject = &tutela.Subject{Kind: "commit", ID: a.Commit, Detail: a.Repository}
	var err error
	c.section, err = json.Marshal(a)
	c.patient = tutela.BucketGeneral
	return a, err
}
