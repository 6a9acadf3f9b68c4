package assure

import (
	"context"
	"log/slog"
	"time"

	"github.com/tutela-health/tutela"
)

// Schedule has each check tried again before its evidence expires, one at a time, and rests between them.
type Schedule struct {
	Assessor *Assessor
	// Newest gives the newest evidence of each check, of every node's.
	Newest func(context.Context) (map[string]tutela.Evidence, error)
	// Alone runs f while nobody else assesses; where somebody does, it is an error.
	Alone func(ctx context.Context, f func(context.Context) error) error
	Log   *slog.Logger
}

const (
	// firstAfter is how long a started system is left alone.
	firstAfter = 3 * time.Minute
	// lookEvery is the longest between two looks at what is due.
	lookEvery = time.Minute
	// againAfter is how soon is tried again what did not pass, or could not be checked.
	againAfter = 15 * time.Minute
	// restFor is how many times as long as a check took is rested after it: a twentieth of the time is spent at most.
	restFor = 19
)

// Run tries what is due until ctx ends.
func (s Schedule) Run(ctx context.Context) {
	for wait := firstAfter; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = s.turn(ctx)
	}
}

// turn tries the check that is due the longest, if any is, and says how long to wait for the next turn.
func (s Schedule) turn(ctx context.Context) time.Duration {
	newest, err := s.Newest(ctx)
	if err != nil {
		s.warn(ctx, err)
		return lookEvery
	}
	check, at := s.Assessor.next(newest)
	if wait := at.Sub(s.Assessor.clock()); wait > 0 {
		return min(wait, lookEvery)
	}
	began := time.Now()
	err = s.Alone(ctx, func(ctx context.Context) error {
		_, err := s.Assessor.one(ctx, check)
		return err
	})
	if err != nil {
		s.warn(ctx, err)
		return lookEvery
	}
	return max(restFor*time.Since(began), time.Millisecond)
}

func (s Schedule) warn(ctx context.Context, err error) {
	if ctx.Err() == nil {
		s.Log.WarnContext(ctx, "checks are not tried on time", "error", err)
	}
}

// next is the check that is due first, and when.
func (a *Assessor) next(newest map[string]tutela.Evidence) (first tutela.Check, at time.Time) {
	at = a.clock().Add(lookEvery)
	for _, c := range a.checks {
		if due := dueAt(c, newest[c.ID]); due.Before(at) {
			first, at = c, due
		}
	}
	return first, at
}

// dueAt is when a check is to be tried again: half-way through the life of its evidence, sooner after it did not pass.
// One that was never tried was due for ever.
func dueAt(c tutela.Check, e tutela.Evidence) time.Time {
	if e.Check == "" {
		return time.Time{}
	}
	wait := c.Fresh / 2
	if e.Verdict == tutela.Fail || e.Verdict == tutela.CouldNotCheck {
		wait = min(wait, againAfter)
	}
	return e.At.Add(wait)
}
