package tracker

import (
	"context"
	"net/http"
	"time"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// The bounds of callbacks.
const (
	// MaxCallback is how many bytes a callback has at most.
	MaxCallback = 256 << 10
	tooOld      = 2 * time.Hour // trackers that were refused try again for an hour and more
	tooNew      = 5 * time.Minute
	lookPause   = 10 * time.Second // between two looks at a ticket, however often callbacks tell of it
)

// Callback takes what a tracker says has happened. It has the ticket looked at soon, no more: whoever forges, repeats
// or floods callbacks learns and changes nothing. A tracker that there is not, that takes no callbacks, and a wrong
// signature are one error.
func (s *Service) Callback(ctx context.Context, name string, h http.Header, body []byte) error {
	d, is := s.desks[name]
	if !is || len(body) > MaxCallback || !signed(d.secret, h.Get(d.to.sealed()), body) {
		return errs.New(errs.Unauthenticated, "no such tracker, or the callback is not signed by its secret")
	}
	number, at, err := d.to.heard(h, body)
	if err != nil {
		return errs.Wrap(errs.Invalid, err, "the callback is not what the tracker's maker describes")
	}
	if number == "" {
		return nil // of something else, which is none of our business
	}
	now := s.now()
	if now.Sub(at) > tooOld || at.Sub(now) > tooNew {
		return errs.New(errs.Invalid, "the callback tells of something that happened at another time")
	}
	return s.poke(ctx, d, number)
}

// poke has a ticket looked at soon. One that is due soon, or whose tracker did not answer, is left alone.
func (s *Service) poke(ctx context.Context, d *desk, number string) error {
	t, found, err := s.called(ctx, d.name, number)
	if err != nil || !found || t.tries > 0 {
		return err
	}
	next := s.now()
	if pause := t.Seen.Add(lookPause); pause.After(next) {
		next = pause
	}
	if !t.next.IsZero() && !t.next.After(next) {
		return nil
	}
	t.next = next
	claim, err := s.claim(ctx, t)
	if err != nil {
		return err
	}
	if err := s.cfg.DB.Commit(ctx, store.Op{Claims: []store.Claim{claim}}); !errs.Is(err, errs.Conflict) {
		return err
	}
	return nil // it was looked at just now, or is about to be
}
