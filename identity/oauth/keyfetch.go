package oauth

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/clock"
)

// How long a fetched key set counts, and how soon it may be fetched again for a name that it does
// not hold: an unknown kid must not make us call the client at will.
const (
	keysFresh   = 5 * time.Minute
	keysAgain   = 10 * time.Second
	maxKeySets  = 1000
	fetchesOnce = 4 // at a time
)

// keyFetcher gets and keeps the key sets that clients publish.
type keyFetcher struct {
	http  *http.Client
	clock clock.Clock
	slots chan struct{}

	mu   sync.Mutex
	sets map[string]*keySet // guarded by mu; by address
}

// keySet is one address's set.
type keySet struct {
	mu      sync.Mutex
	keys    []jose.JSONWebKey // guarded by mu
	fetched time.Time         // guarded by mu; also when that failed
	fresh   time.Duration     // guarded by mu; how long keys count
	err     error             // guarded by mu; of the newest fetch
}

func newKeyFetcher(c *http.Client, now clock.Clock) *keyFetcher {
	return &keyFetcher{http: c, clock: now, slots: make(chan struct{}, fetchesOnce), sets: map[string]*keySet{}}
}

// get gives an address's keys; afresh asks for news of them.
func (f *keyFetcher) get(ctx context.Context, address string, afresh bool) ([]jose.JSONWebKey, error) {
	set := f.of(address)
	set.mu.Lock() // one fetch of an address at a time; the others wait for it
	defer set.mu.Unlock()
	age := f.clock().Sub(set.fetched)
	if set.fetched.IsZero() || age >= set.fresh || (afresh || set.err != nil) && age >= keysAgain {
		set.keys, set.fresh, set.err = f.fetch(ctx, address)
		set.fetched = f.clock()
	}
	if set.err != nil {
		return nil, fmt.Errorf("%w: key set: %w", errAssertion, set.err)
	}
	return set.keys, nil
}

func (f *keyFetcher) of(address string) *keySet {
	f.mu.Lock()
	defer f.mu.Unlock()
	set, ok := f.sets[address]
	if !ok {
		if len(f.sets) >= maxKeySets {
			clear(f.sets)
		}
		set = &keySet{}
		f.sets[address] = set
	}
	return set
}

func (f *keyFetcher) fetch(ctx context.Context, address string) ([]jose.JSONWebKey, time.Duration, error) {
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	case <-ctx.Done():
		return nil, keysFresh, ctx.Err()
	}
	// What is fetched serves all who wait; one caller's leaving must not fail the others.
	body, header, err := fetch(context.WithoutCancel(ctx), f.http, address)
	if err != nil {
		return nil, keysFresh, err
	}
	keys, err := identity.ClientKeys(body)
	return keys, freshness(header.Get("Cache-Control")), err
}

// freshness is how long an answer may be kept: as long as it says (SMART App Launch 2.2, "Client
// Authentication: Asymmetric"), and no longer than keysFresh.
func freshness(cacheControl string) time.Duration {
	life := keysFresh
	for directive := range strings.SplitSeq(strings.ToLower(cacheControl), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch name {
		case "no-store", "no-cache":
			return 0
		case "max-age":
			seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31)
			if err != nil {
				return 0
			}
			life = min(life, time.Duration(seconds)*time.Second)
		}
	}
	return life
}
