package answer

import (
	"context"
	"log/slog"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/pace"
)

// holds are the answers in force, as they are asked for at every request.
type holds struct {
	accounts  map[tutela.UserID][]held
	clients   map[string][]held
	addresses map[string][]held // by network
}

// held is one answer in force.
type held struct {
	kind  Kind
	role  string
	given time.Time
	until time.Time
}

// Forget forgets what is in force: some node changed it.
func (s *Service) Forget([]byte) {
	s.when.Add(1)
	s.held.Store(nil)
}

// lookWithin bounds how long a request waits to hear what is in force.
const lookWithin = 2 * time.Second

// current is what is in force: from memory while this node hears of changes. Where it cannot be read, what
// was known last goes on to hold.
func (s *Service) current(ctx context.Context) *holds {
	epoch, known := s.when.Load(), s.held.Load()
	if known != nil && s.cfg.Fresh() {
		return known
	}
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	list, err := s.inForce(ctx, s.now())
	if err != nil {
		if known == nil {
			known = &holds{}
		}
		s.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "the answers in force cannot be read", slog.String("error", err.Error()))
		return known
	}
	h := index(list)
	s.held.Store(h)
	if s.when.Load() != epoch {
		s.held.Store(nil) // what was read may be old already
	}
	return h
}

func index(list []Answer) *holds {
	h := &holds{accounts: map[tutela.UserID][]held{}, clients: map[string][]held{}, addresses: map[string][]held{}}
	for _, a := range list {
		one := held{a.Kind, a.Target.Role, a.Given, a.Until}
		switch a.Target.On {
		case Account:
			id := tutela.UserID(a.Target.ID)
			h.accounts[id] = append(h.accounts[id], one)
		case Client:
			h.clients[a.Target.ID] = append(h.clients[a.Target.ID], one)
		case Address:
			h.addresses[a.Target.ID] = append(h.addresses[a.Target.ID], one)
		}
	}
	return h
}

// Hold is what a proven caller, of a client and from an address, is held to.
func (s *Service) Hold(ctx context.Context, p tutela.Principal, client, address string) identity.Hold {
	h, now := s.current(ctx), s.now()
	var out identity.Hold
	for _, a := range h.accounts[p.ID] {
		switch {
		case !now.Before(a.until):
		case a.kind == Lock:
			out.Barred = true
		case a.kind == Narrow:
			out.Without = append(out.Without, a.role)
		case a.kind == StepUp && a.given.After(out.ProvedAfter):
			out.ProvedAfter = a.given
		}
	}
	out.Barred = out.Barred || bars(h.clients[client], now) || !s.treats(p) && bars(h.addresses[pace.Network(address)], now)
	return out
}

// treats reports whether a caller treats patients: he is not cut off where he goes.
func (s *Service) treats(p tutela.Principal) bool {
	policy := s.cfg.Policy()
	if policy == nil || p.Kind != tutela.ActorPerson {
		return false
	}
	for _, role := range p.Roles {
		if policy.cares(role) {
			return true
		}
	}
	return false
}

func bars(list []held, now time.Time) bool {
	for _, a := range list {
		if a.kind.bars() && now.Before(a.until) {
			return true
		}
	}
	return false
}

// Slow reports whether a proven caller goes slowly.
func (s *Service) Slow(ctx context.Context, id tutela.UserID, client string) bool {
	h, now := s.current(ctx), s.now()
	return slows(h.accounts[id], now) || slows(h.clients[client], now)
}

// Stranger says how a caller whom nobody has proved is held by his address.
func (s *Service) Stranger(ctx context.Context, address string) (barred, slow bool) {
	h, now := s.current(ctx), s.now()
	list := h.addresses[pace.Network(address)]
	return bars(list, now), slows(list, now)
}

func slows(list []held, now time.Time) bool {
	for _, a := range list {
		if a.kind == Throttle && now.Before(a.until) {
			return true
		}
	}
	return false
}
