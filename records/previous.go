package records

import (
	"context"
	"errors"
	"slices"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/r4"
	"github.com/tutela-health/tutela/store"
)

// replaced is the live version that a change replaces; its zero value is none.
type replaced struct {
	rec  *Record
	seen access.Decision
	said content
	ties []tie
}

// replaced opens what a change replaces. Only who may see it learns whether it has the version that
// If-Match names: to others it is not there.
func (w *write) replaced(ctx context.Context, c *Change, old *row) (was replaced, err error) {
	switch {
	case old == nil:
	case old.deleted():
		err = w.mayRevive(ctx, c, old)
	default:
		was, err = w.opened(ctx, c, old)
	}
	if err == nil && c.IfMatch != 0 && (old == nil || old.version != c.IfMatch) {
		err = errs.New(errs.Precondition, "the current version is not the one that If-Match names")
	}
	return was, err
}

// keep answers with what is there. When it has gone, the condition that found it must be asked again.
func (w *write) keep(ctx context.Context, c *Change, old *row) (Result, error) {
	if old == nil || old.deleted() {
		return Result{}, errs.Wrap(errs.Conflict, store.ErrClaim, "changed by somebody else")
	}
	rec, err := w.s.admit(ctx, w.s.db, c.Grant, c.Ref, old)
	if err != nil {
		return Result{}, err
	}
	seen, err := w.s.admit(ctx, w.s.db, c.Shows, c.Ref, old)
	if rec.JSON = nil; err == nil {
		rec.JSON = seen.JSON
	}
	return Result{Record: *rec, Unchanged: true}, unlessNotFound(err)
}

// shown is what the caller gets to see of a record that it wrote: of what the write reached, no more
// than a read shows.
func (w *write) shown(ctx context.Context, c *Change, rec *Record, reached access.Decision) []byte {
	read := c.Shows.Decide(w.s.facts(ctx, w.s.db, rec))
	return read.Mask(c.Ref.Type, reached.Mask(c.Ref.Type, rec.JSON))
}

// mayRevive makes sure that the Grant admits whom a deleted resource concerned, and what it was.
func (w *write) mayRevive(ctx context.Context, c *Change, old *row) error {
	patients, err := w.s.whom(ctx, w.s.db, place{old.bucket, old.locator, old.version})
	if err != nil {
		return err
	}
	gone := &Record{Ref: c.Ref, Patients: patients, Deleted: true, since: w.s.lately(ctx, w.s.db, c.Ref)}
	if !c.Grant.Admits(w.s.facts(ctx, w.s.db, gone)) {
		return notFound(c.Ref)
	}
	return nil
}

// previous reads the row that a change replaces.
func (w *write) previous(ctx context.Context, loc tutela.Locator, c *Change) (*row, error) {
	old, found, err := current(ctx, w.s.db, loc)
	switch {
	case err != nil:
		return nil, err
	case !found && c.MustExist:
		return nil, notFound(c.Ref)
	case !found:
		return nil, nil
	}
	return old, nil
}

// opened opens the version that a change replaces: the Grant must admit what was there as well
// as what comes.
func (w *write) opened(ctx context.Context, c *Change, old *row) (replaced, error) {
	rec, err := w.s.record(ctx, w.s.db, c.Ref, old)
	if errors.Is(err, keys.ErrDestroyed) {
		return replaced{}, notFound(c.Ref) // an erased patient's
	}
	if err != nil {
		return replaced{}, err
	}
	if rec.parsed, err = r4.Parse(rec.JSON); err != nil {
		return replaced{}, err
	}
	d := c.Grant.Decide(w.s.facts(ctx, w.s.db, rec))
	if !d.Admitted() {
		return replaced{}, notFound(c.Ref)
	}
	rec.Emergencies = c.Grant.Emergencies(rec.Patients)
	return replaced{rec, d, w.s.contentOf(rec.parsed), w.s.tiesIn(rec, rec.parsed)}, nil
}

// keepHidden gives the update as it is to be written: what the caller does not see of the resource
// stays, and stays with whom it concerns.
func (w *write) keepHidden(c *Change, before *Record, seen access.Decision) (*Change, error) {
	if seen.Whole() {
		return c, nil
	}
	kept := *c
	kept.sent = c.Resource.JSON()
	merged, err := seen.Merge(c.Ref.Type, before.JSON, kept.sent)
	if err != nil {
		return nil, err
	}
	if kept.Resource, err = r4.Parse(merged); err != nil {
		return nil, err
	}
	if !slices.Equal(w.s.patients(&kept), slices.Sorted(slices.Values(before.Patients))) {
		return nil, errs.New(errs.Denied, "the caller does not see the whole of this %s and may not give it to another patient", c.Ref.Type)
	}
	return &kept, nil
}
