// Package pace holds callers whom nobody has proved to a pace, by the network they call from.
//
// Invariant: whatever callers do, what is remembered of them is bounded, and nobody is held back
// for ever. A Limiter is one node's: it spares the node work, and is no count of guesses.
package pace

import (
	"net/netip"
	"sync"
	"time"

	"github.com/tutela-health/tutela/internal/clock"
)

// maxNetworks bounds how many networks are remembered one by one. Those beyond share one budget.
const maxNetworks = 50_000

// Limiter gives every network a budget that refills with time. Safe for concurrent use.
type Limiter struct {
	clock  clock.Clock
	budget float64
	refill float64 // of the budget, a second

	mu       sync.Mutex
	networks map[string]account // guarded by mu
	swept    time.Time          // guarded by mu; when forget last looked
}

// account is what a network has left, as of a moment.
type account struct {
	left float64
	at   time.Time
}

// New gives each network a budget, which refills by so many a second.
func New(now clock.Clock, budget, refill float64) *Limiter {
	return &Limiter{clock: now, budget: budget, refill: refill, networks: map[string]account{}}
}

// Spend takes a cost from the budget of an address's network. Where there is none left it takes
// nothing and says when there will be.
func (l *Limiter) Spend(address string, cost float64) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	name, a := l.account(address)
	if a.left <= 0 {
		return time.Duration((1 - a.left) / l.refill * float64(time.Second)), false
	}
	a.left -= cost
	l.networks[name] = a
	return 0, true
}

// account finds what a network has now, and the name that it goes by.
func (l *Limiter) account(address string) (string, account) {
	now, name := l.clock(), Network(address)
	a, known := l.networks[name]
	if !known && len(l.networks) >= maxNetworks && !l.forget(now) {
		name = ""
		a, known = l.networks[name]
	}
	if !known {
		return name, account{left: l.budget, at: now}
	}
	return name, l.refilled(a, now)
}

func (l *Limiter) refilled(a account, now time.Time) account {
	return account{left: min(l.budget, a.left+now.Sub(a.at).Seconds()*l.refill), at: now}
}

// forget drops networks whose budget is whole again, and reports whether there were any. It looks
// once a second at most: a flood of networks must not make each of its calls cost a look at all.
func (l *Limiter) forget(now time.Time) bool {
	if now.Sub(l.swept) < time.Second {
		return false
	}
	before := len(l.networks)
	l.swept = now
	for name, a := range l.networks {
		if l.refilled(a, now).left >= l.budget {
			delete(l.networks, name)
		}
	}
	return len(l.networks) < before
}

// Network is what is counted of an address: an IPv6 peer has a whole /64 of them.
func Network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil || a.Unmap().Is4() {
		return address
	}
	p, err := a.WithZone("").Prefix(64)
	if err != nil {
		return address
	}
	return p.String()
}
