// Package pace holds callers to a pace: those whom nobody has proved by the network they call
// from, others by what proved them.
//
// Invariant: whatever callers do, what is remembered of them is bounded, and nobody is held back
// for ever. A pace is one node's: it spares the node work, and is no count of guesses.
package pace

import (
	"net/netip"
	"sync"
	"time"

	"github.com/tutela-health/tutela/internal/clock"
)

// maxKeys bounds how many keys are remembered one by one. Those beyond share one budget.
const maxKeys = 50_000

// Keyed gives every key a budget that refills with time (a token bucket). Safe for concurrent use.
type Keyed[K comparable] struct {
	clock  clock.Clock
	budget float64
	refill float64 // of the budget, a second

	mu       sync.Mutex
	accounts map[K]account // guarded by mu
	swept    time.Time     // guarded by mu; when forget last looked
}

// account is what a key has left, as of a moment.
type account struct {
	left float64
	at   time.Time
}

// NewKeyed gives each key a budget, which refills by so many a second.
func NewKeyed[K comparable](now clock.Clock, budget, refill float64) *Keyed[K] {
	return &Keyed[K]{clock: now, budget: budget, refill: refill, accounts: map[K]account{}}
}

// Spend takes a cost from a key's budget. Where there is none left it takes nothing and says when
// there will be.
func (l *Keyed[K]) Spend(key K, cost float64) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key, a := l.account(key)
	if a.left <= 0 {
		return time.Duration((1 - a.left) / l.refill * float64(time.Second)), false
	}
	a.left -= cost
	l.accounts[key] = a
	return 0, true
}

// account finds what a key has now, and the key that it goes by.
func (l *Keyed[K]) account(key K) (K, account) {
	now := l.clock()
	a, known := l.accounts[key]
	if !known && len(l.accounts) >= maxKeys && !l.forget(now) {
		var others K
		key = others
		a, known = l.accounts[key]
	}
	if !known {
		return key, account{left: l.budget, at: now}
	}
	return key, l.refilled(a, now)
}

// refilled is an account as of now. A clock that went back takes nothing away.
func (l *Keyed[K]) refilled(a account, now time.Time) account {
	since := max(0, now.Sub(a.at).Seconds())
	return account{left: min(l.budget, a.left+since*l.refill), at: now}
}

// forget drops keys whose budget is whole again, and reports whether there were any. It looks
// once a second at most: a flood of keys must not make each of its calls cost a look at all.
func (l *Keyed[K]) forget(now time.Time) bool {
	if now.Sub(l.swept) < time.Second {
		return false
	}
	before := len(l.accounts)
	l.swept = now
	for key, a := range l.accounts {
		if l.refilled(a, now).left >= l.budget {
			delete(l.accounts, key)
		}
	}
	return len(l.accounts) < before
}

// Limiter gives every network a budget. Safe for concurrent use.
type Limiter struct{ networks *Keyed[string] }

// New gives each network a budget, which refills by so many a second.
func New(now clock.Clock, budget, refill float64) *Limiter {
	return &Limiter{NewKeyed[string](now, budget, refill)}
}

// Spend takes a cost from the budget of an address's network, as Keyed.Spend does.
func (l *Limiter) Spend(address string, cost float64) (wait time.Duration, ok bool) {
	return l.networks.Spend(Network(address), cost)
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
