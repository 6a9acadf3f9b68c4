package server

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
	"github.com/tutela-health/tutela/internal/pace"
)

// costOfFailure is what a request with a wrong token takes of its network's budget: it made the
// node look for the token.
const costOfFailure = 2

// caller is whose budget a proven request takes from.
type caller struct {
	client string
	id     tutela.UserID
}

// rates are Rates with what each has left.
type rates struct {
	address *limit[string]
	caller  *limit[caller]
	clients map[string]*limit[caller]
	roles   map[string]*limit[caller]

	slowStranger *limit[string] // what answers leave
	slowCaller   *limit[caller]
}

// limit is one rate; a nil limit is none.
type limit[K comparable] struct {
	name string // as the answer gives it
	rate Rate
	left *pace.Keyed[K]
}

func newRates(r Rates, now clock.Clock) rates {
	address, each := defaultRates()
	stranger, held := slowRates()
	out := rates{
		slowStranger: newLimit[string]("answer", stranger, now), slowCaller: newLimit[caller]("answer", held, now),
		address: newLimit[string]("address", r.Address.or(address), now), caller: newLimit[caller]("caller", r.Caller.or(each), now),
		clients: map[string]*limit[caller]{}, roles: map[string]*limit[caller]{},
	}
	for name, rate := range r.Clients {
		out.clients[name] = newLimit[caller]("client", rate.or(each), now)
	}
	for name, rate := range r.Roles {
		out.roles[name] = newLimit[caller]("role", rate.or(each), now)
	}
	return out
}

func newLimit[K comparable](name string, r Rate, now clock.Clock) *limit[K] {
	l := &limit[K]{name: name, rate: r}
	if !r.Unlimited {
		l.left = pace.NewKeyed[K](now, r.Burst, r.PerSecond)
	}
	return l
}

// of finds the limit that holds for a proven caller.
func (r rates) of(p *tutela.Principal) *limit[caller] {
	if l, named := r.clients[p.Client]; named {
		return l
	}
	found := (*limit[caller])(nil)
	for _, role := range p.Roles {
		if l, named := r.roles[role]; named && (found == nil || l.rate.more(found.rate)) {
			found = l
		}
	}
	if found != nil {
		return found
	}
	return r.caller
}

// spend takes a cost from a key's budget; what it refuses says so in the headers of the answer.
func (l *limit[K]) spend(w http.ResponseWriter, key K, cost float64) error {
	if l.left == nil {
		return nil
	}
	wait, ok := l.left.Spend(key, cost)
	if ok {
		return nil
	}
	l.tell(w.Header(), wait)
	return errs.New(errs.TooMany, "too many requests; try again later")
}

// tell says when there is budget again: Retry-After (RFC 9110, 10.2.3), and RateLimit and
// RateLimit-Policy in the names of a draft (draft-ietf-httpapi-ratelimit-headers-10).
func (l *limit[K]) tell(h http.Header, wait time.Duration) {
	seconds := int(math.Ceil(wait.Seconds()))
	h.Set("Retry-After", strconv.Itoa(max(seconds, 1)))
	h.Set("RateLimit-Policy", fmt.Sprintf("%q;q=%.0f;w=%.0f", l.name, l.rate.Burst, math.Ceil(l.rate.Burst/l.rate.PerSecond)))
	h.Set("RateLimit", fmt.Sprintf("%q;r=0;t=%d", l.name, max(seconds, 1)))
}

// slow holds a network to its pace, where nobody has proved the caller.
func (s *Server) slow(w http.ResponseWriter, r *http.Request, cost float64) error {
	peer := httpx.Peer(r)
	err := s.gate.stranger(r.Context(), w, peer, cost)
	if err == nil {
		err = s.gate.rates.address.spend(w, pace.Network(peer), cost)
	}
	if err != nil {
		s.failures.Count(tutela.Entry{Address: peer, Action: tutela.ActionLimit, Outcome: tutela.OutcomeDenied, Status: http.StatusTooManyRequests})
	}
	return err
}

// stranger holds who has not proved himself to what answers say of his address.
func (g *gate) stranger(ctx context.Context, w http.ResponseWriter, peer string, cost float64) error {
	if g.answers == nil {
		return nil
	}
	barred, slow := g.answers.Stranger(ctx, peer)
	switch {
	case barred:
		return errs.New(errs.TooMany, "too many requests; try again later")
	case slow:
		return g.rates.slowStranger.spend(w, pace.Network(peer), cost)
	}
	return nil
}

// slowCaller holds a proven caller to a pace. The ledger tells who, and how often a minute.
func (s *Server) slowCaller(ctx context.Context, w http.ResponseWriter, p *tutela.Principal) error {
	l := s.gate.rates.of(p)
	if s.gate.answers != nil && s.gate.answers.Slow(ctx, p.ID, p.Client) {
		l = s.gate.rates.slowCaller
	}
	err := l.spend(w, caller{p.Client, p.ID}, 1)
	if err != nil {
		s.failures.Count(tutela.Entry{
			Address: p.Address, Action: tutela.ActionLimit, Outcome: tutela.OutcomeDenied, Status: http.StatusTooManyRequests,
			Actor: tutela.Actor{ID: p.ID, Kind: p.Kind}, Client: p.Client,
		})
	}
	return err
}
