package server

import (
	"context"

	"github.com/go-json-experiment/json"

	"github.com/tutela-health/tutela"
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
	s.call(mux, "POST /api/v1/vendors/{id}/close", tutela.ActionVendorChange, s.closeVendor)
}

// vendor is the id that a call is about.
func (c *call) vendor() string {
	id := c.request.PathValue("id")
	c.entry.Subject = &tutela.Subject{Kind: "vendor", ID: id}
	return id
}

// manyVendors writes many down at once: each of them has an entry of its own.
func manyVendors[T any](ctx context.Context, c *call, write func(context.Context, tutela.Entry, ...T) ([]vendor.Kept, error)) (any, error) {
	if err := c.isJSON(); err != nil {
		return nil, err
	}
	body, err := httpx.Body(nil, c.request, maxVendors)
	if err != nil {
		return nil, err
	}
	var list []T
	if err := json.Unmarshal(body, &list, json.RejectUnknownMembers(true)); err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "the body is not the JSON array that this call takes")
	}
	if len(list) == 0 {
		return nil, errs.New(errs.Invalid, "the list is empty")
	}
	all, err := write(ctx, c.entry, list...)
	c.written = err == nil
	return all, err
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
