package server

import (
	"context"
	"net/netip"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/clock"
)

// Gateway is what callers are held to before any plane is reached. Its zero value holds them to
// the defaults, and trusts no proxy.
type Gateway struct {
	// Proxies are the networks whose X-Forwarded-For counts. What anybody else says there does not.
	Proxies []netip.Prefix
	// Concurrent is how many requests are served at once; more are answered 503. Zero means 1,024.
	Concurrent int
	Rates      Rates
	Networks   Networks
	Answers    Answers // nil holds nobody
}

// Answers are automatic answers to findings, as far as the gateway carries them out.
type Answers interface {
	// Stranger MUST say whether nobody may come from an address, or only slowly, who has not proved himself.
	Stranger(ctx context.Context, address string) (barred, slow bool)
	// Slow MUST say whether a proven caller goes slowly.
	Slow(ctx context.Context, id tutela.UserID, client string) bool
}

// slowRates are those of who is slowed: enough for people to sign in and to work on, too little to guess at or to
// carry away by.
func slowRates() (stranger, caller Rate) {
	return Rate{PerSecond: 5, Burst: 50}, Rate{PerSecond: 2, Burst: 30}
}

// defaultConcurrent is a bound that a node's memory bears: most requests wait for the database.
const defaultConcurrent = 1024

// Rates say how fast callers may call.
type Rates struct {
	// Address is a network's, for requests whose caller nobody has proved: the people of a hospital
	// share an address, and none of them is held back by what the others may do.
	Address Rate
	// Caller is everybody's who is proved, unless the client or a role has a rate of its own.
	Caller Rate
	// Clients have precedence over Roles; of several roles, the most generous counts.
	Clients, Roles map[string]Rate
}

// Rate is a token bucket: as many requests at once as Burst, and PerSecond of them over time. The
// zero value means the default.
type Rate struct {
	PerSecond, Burst float64
	Unlimited        bool
}

// defaultRates let no person and no interface wait that does its work, and bound what a client gone
// wild takes of a node.
func defaultRates() (address, caller Rate) {
	return Rate{PerSecond: 100, Burst: 2000}, Rate{PerSecond: 500, Burst: 5000}
}

// or gives the rate, or another one where nothing was said.
func (r Rate) or(other Rate) Rate {
	if r == (Rate{}) {
		return other
	}
	return r
}

// more tells the more generous of two rates.
func (r Rate) more(than Rate) bool {
	if r.Unlimited != than.Unlimited {
		return r.Unlimited
	}
	return r.PerSecond > than.PerSecond
}

// Networks say from where clients and holders of roles may call. Who is not named may call from
// everywhere.
type Networks struct {
	Clients, Roles map[string][]netip.Prefix
}

// Admit reports whether a client, for an account of some roles, may call from an address. Every
// list that names one of them must hold the address.
func (n Networks) Admit(client string, roles []string, address string) bool {
	if len(n.Clients)+len(n.Roles) == 0 {
		return true
	}
	if list, named := n.Clients[client]; named && !within(list, address) {
		return false
	}
	for _, role := range roles {
		if list, named := n.Roles[role]; named && !within(list, address) {
			return false
		}
	}
	return true
}

// within reports whether an address lies in one of the networks.
func within(list []netip.Prefix, address string) bool {
	at, err := netip.ParseAddr(address)
	if err != nil {
		return false
	}
	at = at.Unmap().WithZone("")
	for _, p := range list {
		if p.Contains(at) {
			return true
		}
	}
	return false
}

// gate is a Gateway at work.
type gate struct {
	proxies []netip.Prefix
	places  chan struct{} // one for each request that is served
	rates   rates
	answers Answers
}

func newGate(g Gateway, now clock.Clock) *gate {
	n := g.Concurrent
	if n <= 0 {
		n = defaultConcurrent
	}
	return &gate{proxies: g.Proxies, places: make(chan struct{}, n), rates: newRates(g.Rates, now), answers: g.Answers}
}
