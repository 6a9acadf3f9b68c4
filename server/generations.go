package server

import (
	"context"
	"strconv"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// generation is a generation of the keyring as administrators see it.
type generation struct {
	Number    int       `json:"generation"`
	Provider  string    `json:"provider"`
	State     string    `json:"state"` // open, rewrapping, retired, destroying, destroyed
	Opened    time.Time `json:"opened"`
	Retired   time.Time `json:"retired,omitzero"`
	AskedBy   string    `json:"destruction_asked_by,omitempty"`
	Asked     time.Time `json:"destruction_asked,omitzero"`
	AgreedBy  string    `json:"destruction_agreed_by,omitempty"`
	Agreed    time.Time `json:"destruction_agreed,omitzero"`
	Due       time.Time `json:"destruction_due,omitzero"` // from when on it is destroyed
	Destroyed time.Time `json:"destroyed,omitzero"`       // the provider was told
	Final     time.Time `json:"final,omitzero"`           // it is gone for good
}

// keyrings is the answer about all of them.
type keyrings struct {
	Generations []generation `json:"generations"`
	Rewrapping  int          `json:"keys_to_rewrap"` // that older generations still wrap
}

func (s *Server) generations(ctx context.Context, _ *call) (any, error) {
	list, err := s.cfg.API.Generations(ctx)
	if err != nil {
		return nil, err
	}
	out := keyrings{Generations: []generation{}}
	for i, g := range list {
		out.Generations = append(out.Generations, s.generation(g, i == len(list)-1))
	}
	out.Rewrapping, _, err = s.cfg.API.OldKeys(ctx)
	return out, err
}

func (s *Server) generation(g tutela.KeyGeneration, newest bool) generation {
	out := generation{
		Number: g.Number, Provider: g.Provider, Opened: g.Opened, Retired: g.Closed, AskedBy: string(g.AskedBy), Asked: g.Asked,
		AgreedBy: string(g.AgreedBy), Agreed: g.Agreed, Destroyed: g.Destroyed, Final: g.Final,
	}
	if !g.Agreed.IsZero() {
		out.Due = g.Agreed.Add(s.cfg.API.DestroyAfter)
	}
	switch {
	case newest:
		out.State = "open"
	case g.Closed.IsZero():
		out.State = "rewrapping"
	case g.Destroyed.IsZero():
		out.State = "retired"
	case g.Final.IsZero():
		out.State = "destroying"
	default:
		out.State = "destroyed"
	}
	return out
}

// rotateGeneration opens the next generation; a background job wraps every key anew.
func (s *Server) rotateGeneration(ctx context.Context, c *call) (any, error) {
	n, err := s.cfg.API.RotateKeys(ctx)
	if err != nil {
		return nil, err
	}
	c.entry.Subject = &tutela.Subject{Kind: "key-generation", ID: strconv.Itoa(n)}
	return struct {
		Generation int `json:"generation"`
	}{n}, nil
}

// rotateIndex has the blind index made anew under another key; a background job does it.
func (s *Server) rotateIndex(ctx context.Context, c *call) (any, error) {
	n, err := s.cfg.API.RotateIndex(ctx)
	if err != nil {
		return nil, err
	}
	c.entry.Subject = &tutela.Subject{Kind: "index-key", ID: strconv.FormatInt(n, 10)}
	return struct {
		Key int64 `json:"key"`
	}{n}, nil
}

// destroyGeneration notes that the caller wants a retired generation's key destroyed: it is when another person
// wants that too, and the waiting period is over.
func (s *Server) destroyGeneration(ctx context.Context, c *call) (any, error) {
	n, err := strconv.Atoi(c.request.PathValue("n"))
	if err != nil {
		return nil, errs.New(errs.NotFound, "there is no such key generation")
	}
	c.entry.Subject = &tutela.Subject{Kind: "key-generation", ID: strconv.Itoa(n), Detail: "wanted"}
	g, err := s.cfg.API.AgreeToDestroy(ctx, n, c.caller.ID, s.cfg.Clock())
	if err != nil {
		return nil, err
	}
	return s.generation(g, false), nil
}
