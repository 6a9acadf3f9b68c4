package emergency

import (
	"context"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// Verdict is what a review came to.
type Verdict string

// The verdicts.
const (
	Justified   Verdict = "justified"
	Unjustified Verdict = "unjustified"
)

// End ends an emergency of the caller's own before its time. The review stays open. One that is over
// stays as it is.
func (s *Service) End(ctx context.Context, by tutela.Principal, base tutela.Entry, id string) error {
	r, err := s.find(ctx, id)
	if err == nil && r.holder != s.holder(by.ID) {
		err = notFound()
	}
	if err != nil {
		return err
	}
	return s.end(ctx, r, base)
}

// Revoke ends anybody's emergency, for a caller of whom it was decided that he may.
func (s *Service) Revoke(ctx context.Context, base tutela.Entry, id string) error {
	r, err := s.find(ctx, id)
	if err != nil {
		return err
	}
	return s.end(ctx, r, base)
}

func (s *Service) end(ctx context.Context, r row, base tutela.Entry) error {
	r.stop(s.now())
	return s.commit(ctx, r, base, "ended", words{})
}

// stop has the row hold no longer than a moment.
func (r *row) stop(now time.Time) {
	if now.Before(r.until) {
		r.until = now
	}
}

// Review closes a case with a verdict and a note, once, and ends the access where it is still open.
// Nobody reviews what he opened himself. The caller has decided that he may review.
func (s *Service) Review(ctx context.Context, by tutela.Principal, base tutela.Entry, id string, v Verdict, note string) error {
	if v != Justified && v != Unjustified {
		return errs.New(errs.Invalid, "the verdict is %s or %s", Justified, Unjustified)
	}
	note, err := plainText("note", note)
	if err != nil {
		return err
	}
	r, err := s.find(ctx, id)
	switch {
	case err != nil:
		return err
	case r.holder == s.holder(by.ID):
		return errs.New(errs.Denied, "nobody reviews an emergency access of his own")
	case !r.reviewed.IsZero():
		return errs.New(errs.Conflict, "the review is closed already")
	}
	now := s.now()
	r.stop(now)
	r.reviewed = now
	base.Time = now
	return s.commit(ctx, r, base, string(v), words{Verdict: string(v), Note: note})
}
