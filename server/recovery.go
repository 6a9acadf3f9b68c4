package server

import (
	"context"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/recovery/holders"
)

// recoveryRoutes are those of the recovery key and its holders.
func (s *Server) recoveryRoutes(mux *router) {
	const at = "/api/v1/keys/recovery"
	s.call(mux, "GET /api/v1/keys/provider", tutela.ActionKeyProviderRead, s.keyProvider)
	s.call(mux, "POST /api/v1/keys/provider/move", tutela.ActionKeyProviderMove, s.moveKeys)
	s.call(mux, "GET "+at, tutela.ActionRecoveryRead, s.recoveryStatus)
	s.call(mux, "POST "+at+"/split", tutela.ActionRecoverySplit, s.recoverySplit)
	s.call(mux, "POST "+at+"/renew", tutela.ActionRecoveryRenew, s.recoveryRenew)
	s.call(mux, "POST "+at+"/confirm", tutela.ActionRecoveryConfirm, s.recoveryConfirm)
	s.call(mux, "GET "+at+"/drill", tutela.ActionRecoveryRead, s.recoveryChallenge)
	s.call(mux, "POST "+at+"/drill", tutela.ActionRecoveryDrill, s.recoveryDrill)
}

// KeyProvider is where the generation keys are, and how that is.
type KeyProvider struct {
	Provider    string    `json:"provider"`
	Answers     bool      `json:"answers"`
	Answered    time.Time `json:"answered"` // when it last gave the keyring key
	Failed      string    `json:"failed,omitempty"`
	Outage      int       `json:"outage_minutes"`
	Shut        bool      `json:"shut"`
	Generations []int     `json:"generations"`
	MovingFrom  string    `json:"moving_from,omitempty"`
	Left        []int     `json:"left,omitempty"` // generations that are still there
}

func (s *Server) keyProvider(ctx context.Context, _ *call) (any, error) {
	return s.cfg.API.KeyProvider(ctx)
}

func (s *Server) moveKeys(ctx context.Context, c *call) (any, error) {
	c.entry.Subject = &tutela.Subject{Kind: "key-provider", ID: s.cfg.API.Provider}
	return s.cfg.API.MoveKeys(ctx, c.entry)
}

func (s *Server) recoveryStatus(ctx context.Context, _ *call) (any, error) {
	return s.cfg.API.Recovery.Status(ctx)
}

// split is the order to split a new recovery key.
type split struct {
	Threshold int              `json:"threshold"`
	Holders   []holders.Holder `json:"holders"`
}

func (s *Server) recoverySplit(ctx context.Context, c *call) (any, error) {
	var order split
	if err := c.decode(&order); err != nil {
		return nil, err
	}
	given, err := s.cfg.API.Recovery.Split(ctx, c.entry, order.Holders, order.Threshold)
	c.written = err == nil
	return given, err
}

func (s *Server) recoveryRenew(ctx context.Context, c *call) (any, error) {
	given, err := s.cfg.API.Recovery.Renew(ctx, c.entry)
	c.written = err == nil
	return given, err
}

// generationNamed is a call about one generation.
type generationNamed struct {
	Generation int `json:"generation"`
}

func (s *Server) recoveryConfirm(ctx context.Context, c *call) (any, error) {
	var said generationNamed
	if err := c.decode(&said); err != nil {
		return nil, err
	}
	if err := s.cfg.API.Recovery.Confirm(ctx, c.entry, said.Generation); err != nil {
		return nil, err
	}
	c.written = true
	return s.cfg.API.Recovery.Status(ctx)
}

// challenge is what a drill is to answer.
type challenge struct {
	Challenge []byte `json:"challenge"`
}

func (s *Server) recoveryChallenge(ctx context.Context, _ *call) (any, error) {
	text, err := s.cfg.API.Recovery.Challenge(ctx)
	return challenge{text}, err
}

func (s *Server) recoveryDrill(ctx context.Context, c *call) (any, error) {
	var claim holders.Claim
	if err := c.decode(&claim); err != nil {
		return nil, err
	}
	if err := s.cfg.API.Recovery.Pass(ctx, c.entry, claim); err != nil {
		return nil, err
	}
	c.written = true
	return s.cfg.API.Recovery.Status(ctx)
}
