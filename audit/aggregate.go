package audit

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/clock"
)

// What an Aggregator holds at most: so many addresses a minute. What more addresses do is counted
// together, so that a flood from many addresses costs neither memory nor disk.
const (
	aggregatedAddresses = 1024
	otherAddresses      = "others"
)

// Aggregator writes what comes in floods: failures of callers whom nobody knows, and what is over a
// caller's limit. It is one entry an address, caller, action and minute, with their number, instead
// of one each.
type Aggregator struct {
	to    appender
	clock clock.Clock
	log   *slog.Logger
	ended chan struct{}
	stop  context.CancelFunc

	mu     sync.Mutex // guards counts
	counts map[failure]tally
}

// failure is what is counted together.
type failure struct {
	address string
	action  tutela.Action
	outcome tutela.Outcome
	status  int
	actor   tutela.UserID // empty for callers whom nobody has proved
	kind    tutela.ActorKind
	client  string
}

type tally struct {
	first time.Time
	count int
}

// appender is what an Aggregator needs of a Log.
type appender interface {
	Append(ctx context.Context, e tutela.Entry, sections []tutela.Section) (Receipt, error)
}

// NewAggregator starts counting. Close ends it; so does ctx, and then Close still writes what is left.
func NewAggregator(ctx context.Context, l *Log) *Aggregator {
	return newAggregator(ctx, l, l.cfg.Clock, l.cfg.Log)
}

func newAggregator(ctx context.Context, to appender, c clock.Clock, log *slog.Logger) *Aggregator {
	ctx, stop := context.WithCancel(ctx)
	a := &Aggregator{to: to, clock: c, log: log, ended: make(chan struct{}), stop: stop, counts: make(map[failure]tally)}
	go a.run(ctx)
	return a
}

// Count notes one failure. Only address, action, outcome, status, client and the actor's id and kind
// are kept of e. It does not wait and cannot fail.
func (a *Aggregator) Count(e tutela.Entry) {
	f := failure{e.Address, e.Action, e.Outcome, e.Status, e.Actor.ID, cmp.Or(e.Actor.Kind, tutela.ActorAnonymous), e.Client}
	a.mu.Lock()
	defer a.mu.Unlock()
	t, known := a.counts[f]
	if !known && len(a.counts) >= aggregatedAddresses {
		f = failure{address: otherAddresses, action: tutela.ActionAuthenticate, outcome: tutela.OutcomeDenied, kind: tutela.ActorAnonymous}
		t, known = a.counts[f]
	}
	if !known {
		t.first = a.clock()
	}
	t.count++
	a.counts[f] = t
}

// Flush writes what was counted so far. What cannot be written is counted on.
func (a *Aggregator) Flush(ctx context.Context) error {
	a.mu.Lock()
	counts := a.counts
	a.counts = make(map[failure]tally)
	a.mu.Unlock()
	var failed error
	for _, f := range sortedFailures(counts) {
		if failed == nil {
			_, failed = a.to.Append(ctx, f.entry(counts[f]), nil)
		}
		if failed != nil {
			a.putBack(f, counts[f])
		}
	}
	if failed != nil {
		return fmt.Errorf("write aggregated failures: %w", failed)
	}
	return nil
}

// Close stops the counting by the minute and writes what is left.
func (a *Aggregator) Close(ctx context.Context) error {
	a.stop()
	<-a.ended
	return a.Flush(ctx)
}

func (a *Aggregator) run(ctx context.Context) {
	defer close(a.ended)
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := a.Flush(context.WithoutCancel(ctx)); err != nil { // a cut commit may have happened, and would count twice
			a.log.WarnContext(ctx, "aggregated failures not written; trying again", slog.Any("error", err))
		}
	}
}

// putBack counts on from t, which is older than what has come since.
func (a *Aggregator) putBack(f failure, t tally) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t.count += a.counts[f].count
	a.counts[f] = t
}

func (f failure) entry(t tally) tutela.Entry {
	return tutela.Entry{
		Time: t.first, Actor: tutela.Actor{ID: f.actor, Kind: f.kind}, Client: f.client, Address: f.address,
		Action: f.action, Outcome: f.outcome, Status: f.status, Count: t.count,
	}
}

// sortedFailures gives the ledger an order that does not depend on a map's.
func sortedFailures(counts map[failure]tally) []failure {
	list := make([]failure, 0, len(counts))
	for f := range counts {
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b failure) int {
		return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
	})
	return list
}
