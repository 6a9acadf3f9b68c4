package alert

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/respond/deliver"
	"github.com/tutela-health/tutela/store"
)

// outlet is a channel with what waits for it.
type outlet struct {
	s    *Service
	name string
	to   sender

	mu   sync.Mutex  // one round at a time; guards what follows
	sent []time.Time // when messages went out, of late
	down time.Time   // since when it takes nothing; zero: it does
}

// The times of trying again, and after how long nobody tries any more.
const (
	firstWait   = 5 * time.Second
	longestWait = 15 * time.Minute
	keepFor     = 72 * time.Hour
)

// work hands over what is due, as far as the channel takes it.
func (o *outlet) work(ctx context.Context) error {
	if err := o.s.follower.Hold(ctx); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	list, err := o.s.waiting(ctx, o.name, o.s.now())
	if err != nil || len(list) == 0 {
		return err
	}
	for len(list) > 0 {
		left := o.left()
		if left == 0 {
			return nil // the rest waits until messages may go out again
		}
		n := 1
		if left == 1 && len(list) > 1 {
			n = len(list)
		}
		if err := o.hand(ctx, list[:n]); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

// left is how many messages may still go out.
func (o *outlet) left() int {
	since := o.s.now().Add(-o.s.cfg.Plan.Flood.Per)
	for len(o.sent) > 0 && !o.sent[0].After(since) {
		o.sent = o.sent[1:]
	}
	return max(0, o.s.cfg.Plan.Flood.Messages-len(o.sent))
}

// hand gives notes to the channel, several as one, and writes down what came of it.
func (o *outlet) hand(ctx context.Context, list []posted) error {
	n := list[0].Note
	if len(list) > 1 {
		n = together(list, o.s.now())
	}
	failed := o.attempt(ctx, n)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	op, err := o.outcome(ctx, list, failed)
	if err != nil {
		return err
	}
	if err := o.s.cfg.DB.Commit(ctx, op); err != nil {
		return err
	}
	if failed != nil {
		return fmt.Errorf("channel %s: %w", o.name, failed)
	}
	o.sent = append(o.sent, o.s.now())
	return nil
}

// attempt tries once. A channel that panics has failed.
func (o *outlet) attempt(ctx context.Context, n Note) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("the attempt went wrong")
		}
	}()
	return o.to.send(ctx, n)
}

// outcome is what is written after an attempt: that notes were taken, or when they are tried again. The ledger tells
// when a channel stops working, when it works again, and what nobody took for days.
func (o *outlet) outcome(ctx context.Context, list []posted, failed error) (store.Op, error) {
	var op store.Op
	now := o.s.now()
	for _, p := range list {
		p.tries++
		switch {
		case failed == nil:
			p.state = noteSent
		case now.Sub(p.written) >= keepFor:
			p.state = noteLost
		default:
			p.due = now.Add(waitAfter(p.tries, failed))
		}
		claim, err := o.s.noteClaim(ctx, p)
		if err != nil {
			return op, err
		}
		op.Claims = append(op.Claims, claim)
		if p.state == noteLost {
			if err := o.note(ctx, &op, tutela.OutcomeError, "gave up a message after three days"); err != nil {
				return op, err
			}
		}
	}
	switch {
	case failed != nil && o.down.IsZero():
		o.down = now
		return op, o.note(ctx, &op, tutela.OutcomeError, "takes no messages")
	case failed == nil && !o.down.IsZero():
		o.down = time.Time{}
		return op, o.note(ctx, &op, tutela.OutcomeSuccess, "takes messages again")
	}
	return op, nil
}

// note adds an entry about the channel. Why an attempt failed is in the log alone: other systems write some of it.
func (o *outlet) note(ctx context.Context, op *store.Op, outcome tutela.Outcome, what string) error {
	o.s.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "alert channel "+what, slog.String("channel", o.name))
	leaves, err := o.s.cfg.Audit.Encode(ctx, tutela.Entry{
		Time: o.s.now(), Actor: actor(), Action: tutela.ActionAlertChannel, Outcome: outcome, Subject: &tutela.Subject{Kind: "channel", ID: o.name, Detail: what},
	}, nil, nil)
	op.Entries = append(op.Entries, leaves...)
	return err
}

// waitAfter is how long to wait after so many tries: twice as long each time, or as long as was asked.
func waitAfter(tries int64, failed error) time.Duration {
	wait := min(firstWait<<min(tries-1, 20), longestWait)
	var r *deliver.ReplyError
	if errors.As(failed, &r) {
		wait = max(wait, r.Wait)
	}
	return wait
}

// together is one note for many.
func together(list []posted, now time.Time) Note {
	worst := finding.Informational
	titles := make([]Alert, len(list))
	ids := make([]string, len(list))
	for i, p := range list {
		if p.Note.Level.Severity() > worst.Severity() {
			worst = p.Note.Level
		}
		titles[i] = Alert{Title: p.Note.Title, Level: p.Note.Level}
		ids[i] = p.Note.ID
	}
	return Note{
		ID: list[0].Note.ID, Sort: Aggregated, Level: worst, At: now, Title: fmt.Sprintf("%d more alerts: see tutela alerts list", len(list)),
		Lines: byLevel(titles), Link: list[0].Note.Link,
	}
}

func decoded(id string) []byte {
	b, err := hex.DecodeString(strings.TrimSpace(id))
	if err != nil {
		return []byte{}
	}
	return b
}

// Deliver hands over what is due in every channel at once, and waits for all of them.
func (s *Service) Deliver(ctx context.Context) error {
	var all sync.WaitGroup
	failures := make(chan error, len(s.channels))
	for _, o := range s.channels {
		all.Go(func() { failures <- o.work(ctx) })
	}
	all.Wait()
	close(failures)
	var err error
	for failed := range failures {
		err = errors.Join(err, failed)
	}
	return err
}
