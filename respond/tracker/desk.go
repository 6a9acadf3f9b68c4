package tracker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/respond/deliver"
	"github.com/tutela-health/tutela/store"
)

// desk is a tracker with what waits for it.
type desk struct {
	s      *Service
	name   string
	of     Config
	to     remote
	secret []byte // of callbacks; empty: none is taken

	mu   sync.Mutex // one round at a time; guards what follows
	down time.Time  // since when it takes nothing; zero: it does
}

// The times of a ticket.
const (
	attemptFor  = 90 * time.Second
	settling    = 2 * time.Minute // after an attempt at making one of which nobody knows what came: searches lag behind
	lookEvery   = time.Hour       // at those that are not over: a callback may have been lost
	firstWait   = 5 * time.Second
	longestWait = 15 * time.Minute
)

// work hands over and looks at what is due, as far as the tracker answers.
func (d *desk) work(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.s.follower.Hold(ctx); err != nil {
		return err
	}
	list, err := d.s.due(ctx, d.name, d.s.now())
	if err != nil {
		return err
	}
	for _, t := range list {
		if err := d.s.follower.Hold(ctx); err != nil {
			return err
		}
		if err := d.hand(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// hand does with a ticket what is to be done, and writes down what came of it.
func (d *desk) hand(ctx context.Context, t Ticket) error {
	if t.Number == "" && t.Here == Closed && t.tries == 0 {
		t.next = time.Time{} // it was over before it was made
		return d.keep(ctx, t)
	}
	if t.Number == "" {
		var err error
		if t, err = d.announce(ctx, t); err != nil {
			return err
		}
	}
	said, failed := d.attempt(ctx, &t)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if failed != nil {
		return d.failed(ctx, t, failed)
	}
	t.tries, t.next = 0, d.s.now().Add(lookEvery)
	if t.Here == Closed && (t.There == Closed || t.Gone) {
		t.next = time.Time{}
	}
	return d.took(ctx, t, said)
}

// announce writes down that a ticket is about to be made: whoever finds that without knowing what came of it looks
// for the ticket, and not before the tracker's search can know it.
func (d *desk) announce(ctx context.Context, t Ticket) (Ticket, error) {
	t.tries++
	t.next = d.s.now().Add(settling)
	if err := d.keep(ctx, t); err != nil {
		return t, err
	}
	t.revision++
	return t, nil
}

// attempt brings a ticket in step, once, and says what was done; nothing where nothing was. One that panics has failed.
func (d *desk) attempt(ctx context.Context, t *Ticket) (said string, err error) {
	ctx, cancel := context.WithTimeout(ctx, attemptFor)
	defer cancel()
	defer func() {
		if recover() != nil {
			err = errors.New("the attempt went wrong")
		}
	}()
	if t.Number == "" {
		return d.make(ctx, t)
	}
	return d.match(ctx, t)
}

// make gives a ticket its number: of the one that an attempt before made, or of a new one.
func (d *desk) make(ctx context.Context, t *Ticket) (string, error) {
	number, err := d.to.find(ctx, *t)
	if err != nil {
		return "", err
	}
	said := "found again as " + number
	if number == "" {
		if number, err = d.to.open(ctx, *t); err != nil {
			return "", err
		}
		said = "made as " + number
	}
	t.Number, t.Link, t.Told, t.There, t.Seen = number, d.to.page(number), Open, Open, d.s.now()
	more, err := d.match(ctx, t)
	if err != nil {
		return said, nil //nolint:nilerr // it is there: what else is to be done is tried at the next look
	}
	if more != "" {
		said += ", " + more
	}
	return said, nil
}

// match looks how a ticket is there. Where we have moved since both last agreed, the tracker is told; where somebody
// there has, that is a proposal.
func (d *desk) match(ctx context.Context, t *Ticket) (said string, err error) {
	there, err := d.to.look(ctx, t.Number)
	if errors.Is(err, errGone) {
		if t.Gone {
			return "", nil
		}
		t.Gone, t.There = true, ""
		return "it is not there any more", nil
	}
	if err != nil {
		return "", err
	}
	before := *t
	t.Gone, t.There, t.Seen = false, there, d.s.now()
	switch {
	case there == t.Here:
		t.Told = there
	case there == t.Told:
		if err := d.to.set(ctx, t.Number, t.Here, t.Reason); err != nil {
			return "", err
		}
		t.Told, t.There = t.Here, t.Here
		return fmt.Sprintf("is %s there now, as here: %s", t.Here, t.because()), nil
	}
	switch was, is := before.Proposed(), t.Proposed(); {
	case is != was && is != "":
		return fmt.Sprintf("somebody there proposes that it be %s", is), nil
	case was != "" && is == "" && t.Here == before.Here:
		return "agrees with here again", nil
	}
	return "", nil
}

func (t Ticket) because() string {
	if t.Reason == "" {
		return "open"
	}
	return string(t.Reason)
}

// took writes a ticket that the tracker has answered for.
func (d *desk) took(ctx context.Context, t Ticket, said string) error {
	up := d.down
	d.down = time.Time{}
	if !up.IsZero() {
		if err := d.report(ctx, t, tutela.OutcomeSuccess, "answers again"); err != nil {
			d.down = up
			return err
		}
		t.revision++
	}
	if said == "" {
		return d.keep(ctx, t)
	}
	action := tutela.ActionTicketTell
	if t.Proposed() != "" {
		action = tutela.ActionTicketPropose
	}
	return d.s.save(ctx, t, tutela.Entry{Action: action, Outcome: tutela.OutcomeSuccess}, fmt.Sprintf("%s %s%s, tracker %s: %s", t.Kind, t.Subject, t.ofStep(), d.name, said))
}

// failed writes down when a ticket is tried again. The ledger tells when a tracker stops answering. Why it did is in
// the log alone: other systems write some of it.
func (d *desk) failed(ctx context.Context, t Ticket, failed error) error {
	if t.Number != "" {
		t.tries++
	}
	wait := waitAfter(t.tries, failed)
	var r *deliver.ReplyError
	if t.Number == "" && (!errors.As(failed, &r) || r.Status >= 500) {
		wait = max(wait, settling) // it may have been made
	}
	t.next = d.s.now().Add(wait)
	var err error
	if d.down.IsZero() {
		if err = d.report(ctx, t, tutela.OutcomeError, "takes no tickets, or not this one"); err == nil {
			d.down = d.s.now()
		}
	} else {
		err = d.keep(ctx, t)
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("tracker %s: %w", d.name, failed)
}

// waitAfter is how long to wait after so many tries: twice as long each time, or as long as was asked.
func waitAfter(tries int64, failed error) time.Duration {
	wait := min(firstWait<<min(max(tries-1, 0), 20), longestWait)
	var r *deliver.ReplyError
	if errors.As(failed, &r) {
		wait = max(wait, r.Wait)
	}
	return wait
}

func (d *desk) keep(ctx context.Context, t Ticket) error {
	claim, err := d.s.claim(ctx, t)
	if err != nil {
		return err
	}
	return d.s.cfg.DB.Commit(ctx, store.Op{Claims: []store.Claim{claim}})
}

// report writes a ticket, and that the tracker stopped answering or answers again.
func (d *desk) report(ctx context.Context, t Ticket, outcome tutela.Outcome, what string) error {
	d.s.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "a tracker "+what, slog.String("tracker", d.name))
	claim, err := d.s.claim(ctx, t)
	if err != nil {
		return err
	}
	leaves, err := d.s.cfg.Audit.Encode(ctx, tutela.Entry{
		Time: d.s.now(), Actor: machine(), Action: tutela.ActionTrackerState, Outcome: outcome, Subject: &tutela.Subject{Kind: "tracker", ID: d.name, Detail: what},
	}, nil, nil)
	if err != nil {
		return err
	}
	return d.s.cfg.DB.Commit(ctx, store.Op{Claims: []store.Claim{claim}, Entries: leaves})
}
