package records

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/r4"
	"github.com/tutela-health/tutela/store"
)

// ChangeKind says what a Change does.
type ChangeKind int

// The kinds of change.
const (
	Create ChangeKind = iota // the id must be free
	Update                   // creates where there is nothing, unless MustExist
	Delete
	Keep // writes nothing: what is there answers the change, and counts as seen
)

// Change is one write within a Transact.
type Change struct {
	Kind      ChangeKind
	Ref       tutela.Ref
	Resource  *r4.Resource // nil for Delete and Keep
	Grant     access.Grant
	Shows     access.Grant // to read: the Result shows no more than it does, and nothing by its zero value
	IfMatch   int64        // the version that must be current, 0 for any
	MustExist bool         // an Update that may not create; a Delete that tells what is not there

	sent []byte // where hidden elements were kept in Resource: what the caller sent
}

// Result is what a Change came to.
type Result struct {
	Record
	Created   bool
	Unchanged bool // the same content was there: no new version was made
}

// status is the HTTP status that tells of the result (FHIR R4, http.html).
func (r *Result) status() int {
	switch {
	case r.Deleted:
		return http.StatusNoContent
	case r.Created:
		return http.StatusCreated
	default:
		return http.StatusOK
	}
}

// maxAttempts bounds how often a write that lost a race is tried again. From the attempt contended
// on it waits until no other such write of this node is under way.
const (
	maxAttempts = 16
	contended   = 3
)

// maxListedRefs bounds the references that a write's ledger section spells out for one patient;
// beyond it, the locators among the entry's writes say the same.
const maxListedRefs = 20

// Transact carries out all changes or none, in one transaction with their ledger entry. base is
// the entry without what only the write knows. query, if not empty, is kept under the patients' keys.
//
// Guards make it conditional on what a search has found: when one of them has moved, the error is
// store.ErrClaim and the caller searches again.
func (s *Store) Transact(ctx context.Context, base tutela.Entry, query string, changes []Change, guards ...Guard) ([]Result, error) {
	for attempt := 1; ; attempt++ {
		if attempt == contended {
			s.contended.Lock()
			defer s.contended.Unlock()
		}
		results, err := s.transactOnce(ctx, base, query, changes, guards)
		if !errors.Is(err, store.ErrClaim) || attempt == maxAttempts || len(guards) > 0 {
			return results, err
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

func (s *Store) transactOnce(ctx context.Context, base tutela.Entry, query string, changes []Change, guards []Guard) ([]Result, error) {
	index, err := s.indexNow(ctx, s.db)
	if err != nil {
		return nil, err
	}
	w := &write{s: s, now: s.clock().UTC().Truncate(time.Millisecond), fresh: map[tutela.Bucket]freshKey{}, index: index, coming: s.coming(changes)}
	results := make([]Result, len(changes))
	for i := range changes {
		var err error
		if results[i], err = w.change(ctx, &changes[i]); err != nil {
			return nil, &ChangeError{Index: i, Err: err}
		}
		results[i].stands = s.standings(ctx, s.db, changes[i].Grant, &results[i].Record)
	}
	if err := w.entry(ctx, base, query, results); err != nil {
		return nil, err
	}
	for _, f := range w.fresh {
		w.op.Claims = append(w.op.Claims, store.ClaimKey(*f.row))
	}
	for _, g := range guards {
		w.op.Claims = append(w.op.Claims, g.claim())
	}
	w.op.Alone = len(changes) > 1 || len(guards) > 0
	w.announce()
	if err := s.db.Commit(ctx, w.op); err != nil {
		return nil, err
	}
	s.ties.forget(w.loosened...)
	for i := range changes {
		if typ := changes[i].Ref.Type; typ == "Patient" || typ == "Practitioner" || typ == "Person" {
			s.kin.forget(s.Locate(changes[i].Ref))
		}
	}
	for _, f := range w.fresh {
		s.ring.Adopt(*f.row, f.key)
	}
	return results, nil
}

// announce tells the other nodes whose ties change; they hear of it within a second.
func (w *write) announce() {
	if len(w.loosened) == 0 {
		return
	}
	list := make([]store.Invalidation, len(w.loosened))
	for i, k := range w.loosened {
		list[i] = store.Invalidation{Topic: TopicTies, Key: k.bytes()}
	}
	w.op.Inserts = append(w.op.Inserts, w.s.db.Publish(list...))
}

// ChangeError says which change of a Transact could not be made.
type ChangeError struct {
	Index int
	Err   error
}

func (e *ChangeError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *ChangeError) Unwrap() error { return e.Err }

// write gathers one Transact.
type write struct {
	s      *Store
	now    time.Time
	op     store.Op
	fresh  map[tutela.Bucket]freshKey
	writes []tutela.Write
	index  indexState // of the slots that take terms

	loosened []tieKey               // whose ties change
	coming   map[tutela.Bucket]bool // patients whom this write makes
}

func (w *write) change(ctx context.Context, c *Change) (Result, error) {
	loc := w.s.Locate(c.Ref)
	var old *row
	if c.Kind != Create {
		var err error
		if old, err = w.previous(ctx, loc, c); err != nil {
			return Result{}, err
		}
	}
	if c.Kind == Keep {
		return w.keep(ctx, c, old)
	}
	was, err := w.replaced(ctx, c, old)
	if err != nil {
		return Result{}, err
	}
	switch {
	case c.Kind == Delete && was.rec == nil:
		return Result{Record: Record{Ref: c.Ref, Locator: loc, Deleted: true}, Unchanged: true}, nil
	case c.Kind == Update && was.rec != nil:
		if c, err = w.keepHidden(c, was.rec, was.seen); err != nil {
			return Result{}, err
		}
		if r4.Equal(c.Resource, was.rec.parsed) {
			was.rec.JSON = w.shown(ctx, c, was.rec, was.seen)
			return Result{Record: *was.rec, Unchanged: true}, nil
		}
	}
	return w.version(ctx, c, loc, old, was)
}

// entry encodes the ledger entry of the write into the op.
func (w *write) entry(ctx context.Context, base tutela.Entry, query string, results []Result) error {
	base.Writes = w.writes
	if len(results) == 1 {
		base.Status = results[0].status()
	}
	touched := Touch(recordsOf(results)...)
	touched.Mark(&base)
	overrides := make(map[tutela.Bucket]*keys.Key, len(w.fresh))
	for b, f := range w.fresh {
		overrides[b] = f.key
	}
	entries, err := w.s.audit.Encode(ctx, base, touched.sections(query, maxListedRefs), overrides)
	if err != nil {
		return err
	}
	w.op.Entries = entries
	return nil
}

func recordsOf(results []Result) []*Record {
	list := make([]*Record, len(results))
	for i := range results {
		list[i] = &results[i].Record
	}
	return list
}
