package e2e_test

import (
	"sync"
	"sync/atomic"
)

// tally is what clients were told in one round, until the process was killed.
type tally struct {
	answers atomic.Int64 // so far
	until   int64        // this many, then full is closed
	full    chan struct{}

	mu        sync.Mutex // guards what follows
	resources []*resource
	bundles   []*bundle
	receipts  []receipt
}

func newTally(until int64) *tally { return &tally{until: until, full: make(chan struct{})} }

// version is the content of one version of a resource.
type version struct {
	content string
	deleted bool
}

// resource is one that a single client wrote, version after version.
type resource struct {
	ref      string
	versions []version // acknowledged
	unsure   *version  // sent, and never answered
}

// bundle is one transaction: it made a pair of resources, brought a standing pair to the same
// turn, and removed what the transaction before it had made for that.
type bundle struct {
	made    [2]string // refs
	removed string    // ref; empty for the first of a client
	pair    [2]string // refs
	turn    string    // content of both after it
	acked   bool
}

// receipt is an answer whose entry must be in the ledger.
type receipt struct {
	request string
	action  string
	writes  int
	outcome string
}

// answered notes an answer and its receipt.
func (y *tally) answered(r receipt) {
	y.mu.Lock()
	y.receipts = append(y.receipts, r)
	y.mu.Unlock()
	if y.answers.Add(1) == y.until {
		close(y.full)
	}
}

func (y *tally) addResource(r *resource) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.resources = append(y.resources, r)
}

func (y *tally) addBundle(b *bundle) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.bundles = append(y.bundles, b)
}
