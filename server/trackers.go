package server

import (
	"context"
	"io"
	"net/http"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// declineTicket says no to what somebody proposes in a tracker.
func (s *Server) declineTicket(ctx context.Context, c *call) (any, error) {
	id := c.request.PathValue("id")
	c.entry.Subject = &tutela.Subject{Kind: "ticket", ID: id}
	t, err := s.cfg.API.Trackers.Decline(ctx, c.caller, c.entry, id)
	c.written = err == nil
	return t, err
}

// syncTickets has every open ticket looked at.
func (s *Server) syncTickets(ctx context.Context, _ *call) (any, error) {
	n, err := s.cfg.API.Trackers.Sync(ctx)
	return struct {
		Due int `json:"due"`
	}{n}, err
}

// trackerCallback takes what a tracker says has happened, which its signature proves and no token.
func (s *Server) trackerCallback(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body) // the list of what is exposed bounds it
	if err != nil {
		s.refuse(w, r, errs.New(errs.TooLarge, "a callback is no longer than that, and comes within a minute"))
		return
	}
	if err := s.cfg.API.Trackers.Callback(r.Context(), r.PathValue("name"), r.Header, body); err != nil {
		s.refuse(w, r, err)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// trackerRoutes are those of tickets in trackers.
func (s *Server) trackerRoutes(mux *router) {
	s.call(mux, "GET /api/v1/trackers", tutela.ActionTicketList, func(ctx context.Context, c *call) (any, error) {
		return s.cfg.API.Trackers.List(ctx, c.caller)
	})
	s.call(mux, "POST /api/v1/trackers/test", tutela.ActionTrackerTest, func(ctx context.Context, _ *call) (any, error) {
		return s.cfg.API.Trackers.Test(ctx)
	})
	s.call(mux, "POST /api/v1/trackers/sync", tutela.ActionTicketSync, s.syncTickets)
	s.call(mux, "POST /api/v1/trackers/tickets/{id}/decline", tutela.ActionTicketDecline, s.declineTicket)
	mux.HandleFunc("POST /intake/tracker/{name}", s.trackerCallback)
}
