package server

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
)

// call is one request on /api/v1: decided, carried out and written down like one on FHIR.
type call struct {
	caller  tutela.Principal
	entry   tutela.Entry
	section []byte // personal part of the entry, if it has one
	patient tutela.Bucket
	about   tutela.PatientID // whose rights are exercised; empty for whose are not
	request *http.Request
	grant   access.Grant // that the call was let through with
	written bool         // the entry went with what the call did
}

// callFunc carries out a call and gives what to answer.
type callFunc func(ctx context.Context, c *call) (any, error)

// call mounts a route of the API.
func (s *Server) call(mux *router, pattern string, action tutela.Action, f callFunc) {
	s.callAs(mux, pattern, action, func(*call) error { return nil }, f)
}

// callUpTo mounts a route of the API that takes a longer body than others.
func (s *Server) callUpTo(limit int64, mux *router, pattern string, action tutela.Action, f callFunc) {
	s.mountCall(mux, pattern, action, limit, func(*call) error { return nil }, f)
}

// callAs mounts a route of which ready finds out, before the decision, what it is about.
func (s *Server) callAs(mux *router, pattern string, action tutela.Action, ready func(*call) error, f callFunc) {
	s.mountCall(mux, pattern, action, maxCallBody, ready, f)
}

func (s *Server) mountCall(mux *router, pattern string, action tutela.Action, limit int64, ready func(*call) error, f callFunc) {
	mux.actions[pattern] = action
	mux.Handle(pattern, s.guarded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := s.newCall(r, action)
		unready := ready(c)
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		body, err := s.run(r.Context(), c, func(g access.Grant) ([]byte, error) {
			c.grant = g
			if unready != nil {
				return nil, unready
			}
			v, err := f(r.Context(), c)
			if err != nil {
				return nil, err
			}
			return json.Marshal(v)
		})
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(append(body, '\n'))
	})))
}

// maxCallBody bounds the body of a call.
const maxCallBody = 1 << 20

func (s *Server) newCall(r *http.Request, action tutela.Action) *call {
	c := s.callOf(r.Context(), httpx.Principal(r.Context()), action)
	c.request = r
	return c
}

// callOf is a call that came over no route of the API.
func (s *Server) callOf(ctx context.Context, p tutela.Principal, action tutela.Action) *call {
	return &call{caller: p, entry: tutela.Entry{
		Time: s.cfg.Clock(), Actor: tutela.Actor{ID: p.ID, Kind: p.Kind, Name: p.Username, Roles: p.Roles, Unit: p.Unit},
		Session: p.Session, Client: p.Client, Address: p.Address, Assurance: p.Assurance,
		Request: httpx.RequestID(ctx), Action: action, PolicyVersion: s.cfg.Access.Version(),
	}}
}

// run decides, carries out, and makes the entry durable before anything is answered.
func (s *Server) run(ctx context.Context, c *call, f func(access.Grant) ([]byte, error)) ([]byte, error) {
	g, err := s.cfg.Access.Authorize(ctx, c.caller, access.Request{Action: c.entry.Action, About: c.about})
	var body []byte
	if err == nil {
		c.entry.Basis, c.entry.Status = g.Basis(), http.StatusOK
		body, err = f(g)
	}
	return s.recorded(ctx, c, body, err)
}

// recorded makes the entry of what became of a call durable, and gives back what is answered then.
func (s *Server) recorded(ctx context.Context, c *call, body []byte, err error) ([]byte, error) {
	c.entry.Outcome, c.entry.Status = httpx.OutcomeOf(err), http.StatusOK
	if err != nil {
		c.entry.Status = httpx.Status(err)
	}
	if c.written && err == nil {
		return body, nil
	}
	var sections []tutela.Section
	if len(c.section) > 0 {
		sections = []tutela.Section{{Patient: c.patient, Body: c.section}}
	}
	if _, failed := s.cfg.Audit.Append(ctx, c.entry, sections); failed != nil {
		return nil, errs.Wrap(errs.Unavailable, failed, "the call could not be recorded; nothing was returned")
	}
	return body, err
}
