package keys

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tutela-health/tutela/internal/errs"
)

// Opened keys need no provider. A provider that takes its keys back, or is gone for good, must
// still count: so a Ring asks it regularly for the newest keyring key, and lets go of everything it
// has opened when that was not given for a while. Then every key is errs.Unavailable, until the
// provider gives it again. Nothing is written meanwhile, so nothing is lost.

// pulse is what a Ring knows of its provider.
type pulse struct {
	shut atomic.Bool // nothing opens

	mu       sync.Mutex // guards all below
	answered time.Time  // when the provider last gave the keyring key
	failed   error      // why it did not since; nil: it did
}

// Health is how a Ring's provider is.
type Health struct {
	Answered time.Time // when it last gave the keyring key
	Failed   error     // why not since; nil: it does
	Shut     bool      // opened keys were let go of
}

// Health tells how the provider is, as of the last time it was asked.
func (r *Ring) Health() Health {
	r.pulse.mu.Lock()
	defer r.pulse.mu.Unlock()
	return Health{Answered: r.pulse.answered, Failed: r.pulse.failed, Shut: r.pulse.shut.Load()}
}

// Probe asks the provider for the newest keyring key, and lets go of all opened keys when it has not
// given it for longer than outlive. A store that does not answer says nothing of the provider.
func (r *Ring) Probe(ctx context.Context, outlive time.Duration) error {
	secret, _, err := r.keyring(ctx, 0)
	clear(secret)
	if ctx.Err() != nil {
		return ctx.Err() // the question was given up
	}
	if errors.Is(err, errNoRow) {
		return err
	}
	r.pulse.mu.Lock()
	defer r.pulse.mu.Unlock()
	now := r.cfg.Clock()
	if r.pulse.failed = err; err == nil {
		r.pulse.answered = now
		r.pulse.shut.Store(false)
		return nil
	}
	if now.Sub(r.pulse.answered) >= outlive && !r.pulse.shut.Swap(true) {
		r.Close() // drops every opened key
	}
	return fmt.Errorf("ask the key provider: %w", err)
}

// open fails while the Ring is shut.
func (p *pulse) open() error {
	if p.shut.Load() {
		return errs.New(errs.Unavailable, "the key provider does not answer, and opened keys were let go of: try again later")
	}
	return nil
}

// How often a provider is asked: while it answers, and while it does not.
const (
	probeEvery = time.Minute
	probeAgain = 5 * time.Second
)

// Watch probes until ctx ends. It tells changes: err is nil when the provider answers again.
func (r *Ring) Watch(ctx context.Context, outlive time.Duration, tell func(Health)) {
	for {
		before := r.Health()
		wait := probeEvery
		if r.Probe(ctx, outlive) != nil {
			wait = probeAgain
		}
		if ctx.Err() != nil {
			return
		}
		if after := r.Health(); (before.Failed == nil) != (after.Failed == nil) || before.Shut != after.Shut {
			tell(after)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(min(wait, outlive)):
		}
	}
}
