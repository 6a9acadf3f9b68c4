package server

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
)

// clearedUser is an account with what it is cleared for, as administrators and the privacy officer see it.
type clearedUser struct {
	ID         string    `json:"id"`
	Username   string    `json:"username"`
	Roles      []string  `json:"roles"`
	Clearances []string  `json:"clearances"`
	Asked      []string  `json:"asked,omitempty"` // waits for the privacy officer
	AskedBy    string    `json:"asked_by,omitempty"`
	AskedAt    time.Time `json:"asked_at,omitzero"`
}

// clearances lists the accounts that are cleared for something or are to be, those that wait first.
func (s *Server) clearances(ctx context.Context, _ *call) (any, error) {
	all, err := s.cfg.Identity.Users(ctx)
	if err != nil {
		return nil, err
	}
	names := map[tutela.UserID]string{}
	for _, u := range all {
		names[u.ID] = u.Username
	}
	list := []clearedUser{}
	for _, u := range all {
		if c := s.clearedUser(u, names); len(c.Clearances)+len(c.Asked) > 0 {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b clearedUser) int {
		if (len(a.Asked) > 0) != (len(b.Asked) > 0) {
			return len(b.Asked) - len(a.Asked)
		}
		return strings.Compare(a.Username, b.Username)
	})
	return list, nil
}

func (s *Server) clearedUser(u identity.User, names map[tutela.UserID]string) clearedUser {
	c := clearedUser{
		ID: string(u.ID), Username: u.Username, Roles: append([]string{}, u.Roles...), Clearances: append([]string{}, u.Clearances...),
		Asked: u.Asked(s.cfg.Clock()),
	}
	if len(c.Asked) > 0 {
		c.AskedBy, c.AskedAt = names[u.Clearing.By], u.Clearing.At
	}
	return c
}

// labels are what a call about clearances names.
type labels struct {
	Labels []string `json:"labels"`
}

// clearing mounts a deed on what an account is cleared for; its answer is the account as it then is.
func (s *Server) clearing(mux *router, pattern string, action tutela.Action, deed func(context.Context, *call, tutela.UserID, []string) error) {
	s.call(mux, pattern, action, func(ctx context.Context, c *call) (any, error) {
		id := tutela.UserID(c.request.PathValue("id"))
		c.entry.Subject = &tutela.Subject{Kind: "user", ID: string(id)}
		var said labels
		if c.request.Method != "DELETE" {
			if err := c.decode(&said); err != nil {
				return nil, err
			}
		}
		if err := deed(ctx, c, id, said.Labels); err != nil {
			return nil, err
		}
		c.written = true
		u, err := s.cfg.Identity.UserByID(ctx, id)
		return s.clearedUser(u, nil), err
	})
}

// clearanceRoutes are those of clearances.
func (s *Server) clearanceRoutes(mux *router) {
	people := s.cfg.Identity
	s.call(mux, "GET /api/v1/clearances", tutela.ActionClearanceList, s.clearances)
	s.clearing(mux, "POST /api/v1/users/{id}/clearances", tutela.ActionClearanceAsk, func(ctx context.Context, c *call, id tutela.UserID, list []string) error {
		return people.AskClearance(ctx, c.caller, id, list)
	})
	s.clearing(mux, "POST /api/v1/users/{id}/clearances/give", tutela.ActionClearanceGive, func(ctx context.Context, c *call, id tutela.UserID, list []string) error {
		return people.DecideClearance(ctx, c.caller, id, list, true)
	})
	s.clearing(mux, "POST /api/v1/users/{id}/clearances/refuse", tutela.ActionClearanceRefuse, func(ctx context.Context, c *call, id tutela.UserID, list []string) error {
		return people.DecideClearance(ctx, c.caller, id, list, false)
	})
	s.clearing(mux, "DELETE /api/v1/users/{id}/clearances", tutela.ActionClearanceEnd, func(ctx context.Context, c *call, id tutela.UserID, _ []string) error {
		return people.WithdrawClearances(ctx, c.caller, id)
	})
}
