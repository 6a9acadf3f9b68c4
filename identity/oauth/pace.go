package oauth

import (
	"net/http"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/httpx"
)

// The budget of a network at the endpoints that machines call. The people of a hospital share an
// address, and their applications renew their tokens hourly: 20 tokens a second are 72,000 people.
// What fails costs more: 60 at once, then two a second.
const (
	tokenBudget   = 600
	tokenRefill   = 20 // a second
	costOfToken   = 1
	costOfFailure = 10
)

// paced takes a cost from the budget of a request's network, or refuses the request.
func (s *Server) paced(r *http.Request, cost float64) error {
	wait, ok := s.pace.Spend(httpx.Peer(r), cost)
	if ok {
		return nil
	}
	s.failures.Count(tutela.Entry{
		Address: httpx.Peer(r), Action: tutela.ActionClientProve, Outcome: tutela.OutcomeDenied, Status: http.StatusTooManyRequests,
	})
	return &oauthError{Status: http.StatusTooManyRequests, Code: codeUnavailable, Text: "too many requests from this address; try again later", Retry: wait}
}

// chargeFailure has whoever sends what is refused slow down.
func (s *Server) chargeFailure(r *http.Request, e *oauthError) {
	if e.Status == http.StatusBadRequest || e.Status == http.StatusUnauthorized {
		s.pace.Spend(httpx.Peer(r), costOfFailure)
	}
}
