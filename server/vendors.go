package server

import (
	"context"

	"github.com/go-json-experiment/json"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/dossier"
	"github.com/tutela-health/tutela/assure/vendor"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
)

// maxVendors bounds what is said of many vendors at once, in bytes.
const maxVendors = 16 << 20

// vendorRoutes are those of who works for the organisation.
func (s *Server) vendorRoutes(mux *router) {
	s.call(mux, "GET /api/v1/questionnaire", tutela.ActionVendorList, func(context.Context, *call) (any, error) {
		return s.cfg.API.Vendors.Questionnaire(), nil
	})
	s.call(mux, "GET /api/v1/vendors", tutela.ActionVendorList, func(ctx context.Context, c *call) (any, error) {
		return s.cfg.API.Vendors.List(ctx, c.request.URL.Query().Get("all") == "true")
	})
	s.call(mux, "GET /api/v1/vendors/{id}", tutela.ActionVendorList, func(ctx context.Context, c *call) (any, error) {
		return s.cfg.API.Vendors.History(ctx, c.vendor())
	})
	s.callUpTo(maxVendors, mux, "PUT /api/v1/vendors", tutela.ActionVendorChange, func(ctx context.Context, c *call) (any, error) {
		return manyVendors(ctx, c, s.cfg.API.Vendors.Put)
	})
	s.callUpTo(maxVendors, mux, "POST /api/v1/vendors/assess", tutela.ActionVendorChange, func(ctx context.Context, c *call) (any, error) {
		return manyVendors(ctx, c, s.cfg.API.Vendors.Assess)
	})
	s.call(mux, "PUT /api/v1/vendors/{id}", tutela.ActionVendorChange, s.putVendor)
	s.call(mux, "POST /api/v1/vendors/{id}/act", tutela.ActionVendorChange, s.actOnVendor)
	s.callUpTo(maxStatement, mux, "POST /api/v1/vendors/{id}/statement", tutela.ActionVendorChange, s.takeStatement)
	s.call(mux, "POST /api/v1/vendors/{id}/close", tutela.ActionVendorChange, s.closeVendor)
	s.call(mux, "GET /api/v1/questionnaire/answers", tutela.ActionVendorList, func(ctx context.Context, c *call) (any, error) {
		c.answers()
		return s.cfg.API.Vendors.Own(ctx)
	})
	s.call(mux, "PUT /api/v1/questionnaire/answers", tutela.ActionVendorChange, s.putAnswers)
	s.call(mux, "POST /api/v1/questionnaire/answers/share", tutela.ActionVendorShare, func(ctx context.Context, c *call) (any, error) {
		c.answers()
		st, err := s.cfg.API.Vendors.Share(ctx)
		if err != nil {
			return nil, err
		}
		c.entry.Subject.Detail = "sha256 " + st.SHA256()
		return st, nil
	})
}

// maxStatement bounds a statement of a vendor and what is said of it, in bytes.
const maxStatement = dossier.MaxStatement + 256<<10

// answers says that a call is about the organisation's own.
func (c *call) answers() { c.entry.Subject = &tutela.Subject{Kind: "answers", ID: "own"} }

// vendor is the id that a call is about.
func (c *call) vendor() string {
	id := c.request.PathValue("id")
	c.entry.Subject = &tutela.Subject{Kind: "vendor", ID: id}
	return id
}

// manyVendors writes many down at once: each of them has an entry of its own.
func manyVendors[T any](ctx context.Context, c *call, write func(context.Context, tutela.Entry, ...T) ([]vendor.Kept, error)) (any, error) {
	var list []T
	if err := c.decodeUpTo(maxVendors, &list); err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, errs.New(errs.Invalid, "the list is empty")
	}
	all, err := write(ctx, c.entry, list...)
	c.written = err == nil
	return all, err
}

// decodeUpTo is decode of a longer body.
func (c *call) decodeUpTo(limit int64, v any) error {
	if err := c.isJSON(); err != nil {
		return err
	}
	body, err := httpx.Body(nil, c.request, limit)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, v, json.RejectUnknownMembers(true)); err != nil {
		return errs.Wrap(errs.Invalid, err, "the body is not the JSON that this call takes")
	}
	return nil
}

func (s *Server) takeStatement(ctx context.Context, c *call) (any, error) {
	var said vendor.Taken
	if err := c.decodeUpTo(maxStatement, &said); err != nil {
		return nil, err
	}
	k, err := s.cfg.API.Vendors.Take(ctx, c.entry, c.vendor(), said)
	c.written = err == nil
	return k, err
}

func (s *Server) putAnswers(ctx context.Context, c *call) (any, error) {
	var said struct {
		Revision int64 `json:"revision"`
		vendor.Own
	}
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	c.answers()
	k, err := s.cfg.API.Vendors.Answer(ctx, c.entry, said.Revision, said.Own)
	c.written = err == nil
	return k, err
}

func (s *Server) putVendor(ctx context.Context, c *call) (any, error) {
	var said struct {
		Revision int64 `json:"revision"`
		vendor.Details
	}
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	list, err := s.cfg.API.Vendors.Put(ctx, c.entry, vendor.Written{ID: c.vendor(), Revision: said.Revision, Details: said.Details})
	if err != nil {
		return nil, err
	}
	c.written = true
	return list[0], nil
}

func (s *Server) actOnVendor(ctx context.Context, c *call) (any, error) {
	var said vendor.Deed
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	k, err := s.cfg.API.Vendors.Act(ctx, c.entry, c.vendor(), said)
	c.written = err == nil
	return k, err
}

func (s *Server) closeVendor(ctx context.Context, c *call) (any, error) {
	var said struct {
		Reason string `json:"reason"`
	}
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	k, err := s.cfg.API.Vendors.Close(ctx, c.entry, c.vendor(), said.Reason)
	c.written = err == nil
	return k, err
}
