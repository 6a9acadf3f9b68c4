package siem

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/respond/deliver"
	"github.com/tutela-health/tutela/respond/trail"
	"github.com/tutela-health/tutela/store"
)

// The bounds of a batch: an entry may go beyond the bytes, a batch by one entry.
const (
	batchEvents = 500
	batchBytes  = 700 << 10
)

// The times of trying again, and for how long a node that died keeps others from a target.
const (
	firstWait   = 5 * time.Second
	longestWait = 5 * time.Minute
	leaseFor    = 60 * time.Second
)

// target is where events go.
type target struct {
	s      *Service
	name   string
	config TargetConfig
	to     sender

	mu     sync.Mutex // one round at a time; guards what follows
	lease  store.Lease
	tries  int       // that failed, one after the other
	resume time.Time // no try before
}

func (t *target) place() string { return "siem/" + t.name }

func (t *target) run(ctx context.Context) {
	tick := time.NewTicker(t.s.cfg.Every)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := t.work(ctx); err != nil && ctx.Err() == nil && !errs.Is(err, errs.Conflict) {
			t.s.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "export is held up; trying again", slog.String("target", t.name), slog.String("error", err.Error()))
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.lease.Name != "" {
		_ = t.s.cfg.DB.Release(context.WithoutCancel(ctx), t.lease) // it ends by itself
	}
}

// work hands on what the target does not have yet, batch by batch.
func (t *target) work(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.s.cfg.Clock().Before(t.resume) {
		return nil
	}
	if err := t.hold(ctx); err != nil {
		return err
	}
	at, err := t.begin(ctx)
	if err != nil {
		return err
	}
	for {
		list, next, err := t.batch(ctx, at.At)
		if err != nil {
			return err
		}
		if next == at.At {
			return nil
		}
		if err := t.hand(ctx, list); err != nil {
			return err
		}
		if at, err = t.move(ctx, at, next); err != nil {
			return err
		}
		if err := t.hold(ctx); err != nil {
			return err
		}
	}
}

// hold makes sure that this node works for the target, for a while yet.
func (t *target) hold(ctx context.Context) error {
	if t.lease.Expires.Sub(t.s.cfg.Clock()) > leaseFor/2 {
		return nil
	}
	var err error
	t.lease, err = t.s.cfg.DB.Acquire(ctx, "respond/"+t.place(), t.s.cfg.Node, leaseFor)
	return err
}

// begin gives where to go on.
func (t *target) begin(ctx context.Context) (trail.Place, error) {
	p, err := t.s.book.Read(ctx, t.place())
	if err != nil || p.Known() {
		return p, err
	}
	var from audit.Cursor
	if t.config.From != "beginning" {
		if from, err = t.s.cfg.Audit.Size(ctx); err != nil {
			return p, err
		}
	}
	return t.move(ctx, p, from)
}

func (t *target) move(ctx context.Context, p trail.Place, to audit.Cursor) (trail.Place, error) {
	next, claim := t.s.book.Move(p, to, t.s.cfg.Clock())
	if err := t.s.cfg.DB.Commit(ctx, store.Op{Claims: []store.Claim{claim}}); err != nil {
		return p, err
	}
	return next, nil
}

// errFull ends a batch.
var errFull = errors.New("full")

// batch reads the next events. An entry that does not open is passed over: detection tells of it, and so does the
// next one, which has another place.
func (t *target) batch(ctx context.Context, from audit.Cursor) ([]Event, audit.Cursor, error) {
	var list []Event
	size := 0
	var failed error
	next, err := t.s.cfg.Audit.Follow(ctx, from, func(o audit.Opened) error {
		if len(list) >= batchEvents || size >= batchBytes {
			return errFull
		}
		var more []Event
		if more, failed = t.s.events(ctx, o.Entry); failed != nil {
			return failed
		}
		for _, e := range more {
			size += len(e.OCSF)
		}
		list = append(list, more...)
		return nil
	})
	switch {
	case failed != nil:
		return nil, from, failed
	case errors.Is(err, errFull):
		err = nil
	case errors.Is(err, audit.ErrTampered):
		next, err = trail.Past(ctx, t.s.cfg.Audit, next, err)
	}
	return list, next, err
}

// hand gives a batch to the target. What fails is tried again later, and the ledger tells when a target stops taking
// what it is given, and when it takes it again.
func (t *target) hand(ctx context.Context, list []Event) error {
	if len(list) == 0 {
		return nil
	}
	err := t.attempt(ctx, list)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		t.tries++
		t.resume = t.s.cfg.Clock().Add(waitAfter(t.tries, err))
		if t.tries == 1 {
			err = errors.Join(err, t.note(ctx, tutela.OutcomeError, "takes no entries"))
		}
		return fmt.Errorf("target %s: %w", t.name, err)
	case t.tries > 0:
		t.tries = 0
		return t.note(ctx, tutela.OutcomeSuccess, "takes entries again")
	}
	return nil
}

// attempt tries once. A target that panics has failed.
func (t *target) attempt(ctx context.Context, list []Event) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("the attempt went wrong")
		}
	}()
	return t.to.send(ctx, list)
}

func waitAfter(tries int, failed error) time.Duration {
	wait := min(firstWait<<min(tries-1, 20), longestWait)
	var r *deliver.ReplyError
	if errors.As(failed, &r) {
		wait = max(wait, r.Wait)
	}
	return wait
}

func (t *target) note(ctx context.Context, outcome tutela.Outcome, what string) error {
	_, err := t.s.cfg.Audit.Append(ctx, tutela.Entry{
		Actor:  tutela.Actor{ID: "system:respond", Kind: tutela.ActorSystem, Name: "tutela respond"},
		Action: tutela.ActionExportTarget, Outcome: outcome, Subject: &tutela.Subject{Kind: "target", ID: t.name, Detail: what},
	}, nil)
	return err
}
