package records

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/errs"
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

// freshKey is a patient's first data key, which becomes durable with this write.
type freshKey struct {
	key *keys.Key
	row *tutela.WrappedKey
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
	read := c.Shows.Decide(w.s.facts(ctx, w.s.db, c.Shows, rec))
	return read.Mask(c.Ref.Type, reached.Mask(c.Ref.Type, rec.JSON))
}

// mayRevive makes sure that the Grant admits whom a deleted resource concerned, and what it was.
func (w *write) mayRevive(ctx context.Context, c *Change, old *row) error {
	patients, err := w.s.whom(ctx, w.s.db, place{old.bucket, old.locator, old.version})
	if err != nil {
		return err
	}
	gone := &Record{Ref: c.Ref, Patients: patients, Deleted: true, since: w.s.lately(ctx, w.s.db, c.Ref)}
	if !c.Grant.Admits(w.s.facts(ctx, w.s.db, c.Grant, gone)) {
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
	if err != nil {
		return replaced{}, err
	}
	if rec.parsed, err = r4.Parse(rec.JSON); err != nil {
		return replaced{}, err
	}
	d := c.Grant.Decide(w.s.facts(ctx, w.s.db, c.Grant, rec))
	if !d.Admitted() {
		return replaced{}, notFound(c.Ref)
	}
	rec.Emergencies = c.Grant.Emergencies(rec.Patients)
	return replaced{rec, d, w.s.contentOf(rec.parsed), w.s.tiesOf(rec.parsed, rec.Updated)}, nil
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

// version adds a new version, live or tombstone, to the op.
func (w *write) version(ctx context.Context, c *Change, loc tutela.Locator, old *row, was replaced) (Result, error) {
	rec := Record{Ref: c.Ref, Version: 1, Updated: w.now, Locator: loc, Deleted: c.Kind == Delete}
	if old != nil {
		rec.Version = old.version + 1
		if earliest := time.UnixMilli(old.updated + 1).UTC(); rec.Updated.Before(earliest) {
			rec.Updated = earliest // the clock went back; versions do not
		}
	}
	var plain []byte
	var says content
	bucket := int64(tutela.BucketGeneral)
	if rec.Deleted {
		bucket = old.bucket
		var err error
		if rec.Patients, err = w.s.whom(ctx, w.s.db, place{old.bucket, old.locator, old.version}); err != nil {
			return Result{}, err
		}
		plain = tombstoneBody(rec.Updated, c.Ref)
	} else {
		rec.JSON = c.Resource.SetMeta(c.Ref.ID, strconv.FormatInt(rec.Version, 10), rec.Updated)
		plain = liveBody(rec.Updated, rec.JSON)
		says = w.s.contentOf(c.Resource)
		rec.Patients = w.s.patients(c)
		bucket = bucketOf(rec.Patients)
	}
	if rec.parsed = c.Resource; rec.Deleted {
		rec.parsed = was.rec.parsed // consents speak of what is deleted
	}
	d := c.Grant.Decide(w.s.facts(ctx, w.s.db, c.Grant, &rec))
	if !d.Admitted() || !rec.Deleted && !d.Covers(c.Ref.Type, c.written(&rec)) {
		return Result{}, mayNotWrite(c.Ref)
	}
	if err := w.knows(ctx, c, &rec); err != nil {
		return Result{}, err
	}
	if err := bindsSomebody(c.Resource); err != nil {
		return Result{}, err
	}
	rec.Basis, rec.Emergencies = d.Basis(), c.Grant.Emergencies(rec.Patients)
	p := place{bucket, int64(loc), rec.Version}
	sealed, err := w.seal(ctx, p, rec.Patients, plain)
	if err != nil {
		return Result{}, err
	}
	w.addVersion(p, sealed, old)
	w.claim(c, p, rec.Updated, old)
	if err := w.addTerms(ctx, p, says, old, was.said); err != nil {
		return Result{}, err
	}
	w.addTies(p.locator, was.ties, w.s.tiesOf(c.Resource, rec.Updated))
	w.writes = append(w.writes, tutela.Write{Locator: loc, Version: rec.Version, Bucket: tutela.Bucket(bucket),
		Deleted: rec.Deleted, Digest: sha256.Sum256(sealed)})
	rec.JSON = w.shown(ctx, c, &rec, d)
	return Result{Record: rec, Created: old == nil || old.deleted()}, nil
}

// written is what the caller itself wrote of a new version.
func (c *Change) written(rec *Record) []byte {
	if c.sent != nil {
		return c.sent
	}
	return rec.JSON
}

// patients are the pseudonyms of whom a resource concerns, in a fixed order.
func (s *Store) patients(c *Change) []tutela.Bucket {
	var list []tutela.Bucket
	for _, id := range c.Resource.Patients(c.Ref.ID) {
		list = append(list, s.Bucket(id))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func bucketOf(patients []tutela.Bucket) int64 {
	switch len(patients) {
	case 0:
		return int64(tutela.BucketGeneral)
	case 1:
		return int64(patients[0])
	default:
		return int64(tutela.BucketShared)
	}
}

// seal seals plain under the key that its patients call for.
func (w *write) seal(ctx context.Context, p place, patients []tutela.Bucket, plain []byte) ([]byte, error) {
	switch tutela.Bucket(p.bucket) {
	case tutela.BucketGeneral:
		k, err := w.s.ring.Current(ctx, tutela.KeyGeneral, 0)
		if err != nil {
			return nil, err
		}
		return w.s.seal(k, p, plain)
	case tutela.BucketShared:
		return w.sealShared(ctx, p, patients, plain)
	default:
		k, err := w.patientKey(ctx, tutela.Bucket(p.bucket))
		if err != nil {
			return nil, err
		}
		return w.s.seal(k, p, plain)
	}
}

// sealShared seals under a key of the version's own and wraps that for each patient.
func (w *write) sealShared(ctx context.Context, p place, patients []tutela.Bucket, plain []byte) ([]byte, error) {
	secret := keys.NewSecret()
	rows := store.Rows{Table: w.s.tables.sharedKeys}
	for _, b := range patients {
		k, err := w.patientKey(ctx, b)
		if err != nil {
			return nil, err
		}
		wrapped := k.Seal(nil, secret, w.s.aad(purposeSharedKey, place{int64(b), p.locator, p.version}))
		rows.Rows = append(rows.Rows, []any{p.locator, p.version, int64(b), int64(k.Version()), wrapped})
	}
	w.op.Inserts = append(w.op.Inserts, rows)
	k, err := keys.NewKey(secret, 0)
	if err != nil {
		return nil, err
	}
	return w.s.seal(k, p, plain)
}

// patientKey gives a patient's data key; a first one travels in this write.
func (w *write) patientKey(ctx context.Context, b tutela.Bucket) (*keys.Key, error) {
	if f, ok := w.fresh[b]; ok {
		return f.key, nil
	}
	k, fresh, err := w.s.ring.Prepare(ctx, tutela.KeyPatient, int64(b))
	if err != nil {
		return nil, err
	}
	if fresh != nil {
		w.fresh[b] = freshKey{k, fresh}
	}
	return k, nil
}

func (w *write) addVersion(p place, sealed []byte, old *row) {
	var moved any
	if old != nil && old.bucket != p.bucket {
		moved = old.bucket
	}
	w.op.Inserts = append(w.op.Inserts, store.Rows{Table: w.s.tables.versions,
		Rows: [][]any{{p.bucket, p.locator, p.version, moved, sealed}}})
}

// claim makes the new version current, provided the old one still is.
func (w *write) claim(c *Change, p place, updated time.Time, old *row) {
	kind := int64(0)
	if c.Kind != Delete {
		kind = w.s.kind(c.Ref.Type)
	}
	claim := store.Claim{Table: w.s.tables.locators, Key: []any{p.locator},
		Set: []any{p.locator, p.bucket, p.version, kind, updated.UnixMilli()}}
	if old != nil {
		claim.Expect = []any{old.bucket, old.version}
	}
	w.op.Claims = append(w.op.Claims, claim)
}

// addTerms brings the blind index from what the old version says to what the new one does.
func (w *write) addTerms(ctx context.Context, p place, says content, old *row, said content) error {
	for _, slot := range w.index.writeSlots() {
		come, err := w.s.termsIn(ctx, w.index.made[slot], says, p.bucket, w.termKey)
		if err != nil {
			return err
		}
		var gone []int64
		if old != nil {
			if gone, err = w.s.termsIn(ctx, w.index.made[slot], said, old.bucket, w.s.termKey); err != nil {
				return err
			}
		}
		if old != nil && old.bucket == p.bucket {
			come, gone = minus(come, gone), minus(gone, come)
		}
		if len(gone) > 0 {
			w.op.Deletes = append(w.op.Deletes, termRows(w.s.tables.terms[slot], gone, old.bucket, p.locator))
		}
		if len(come) > 0 {
			w.op.Inserts = append(w.op.Inserts, termRows(w.s.tables.terms[slot], come, p.bucket, p.locator))
		}
	}
	return nil
}

func termRows(t *store.Table, terms []int64, bucket, locator int64) store.Rows {
	rows := store.Rows{Table: t, Rows: make([][]any, len(terms))}
	for i, token := range terms {
		rows.Rows[i] = []any{token, bucket, locator}
	}
	return rows
}

// minus gives the members of sorted a that are not in sorted b.
func minus(a, b []int64) []int64 {
	var rest []int64
	for _, x := range a {
		if _, found := slices.BinarySearch(b, x); !found {
			rest = append(rest, x)
		}
	}
	return rest
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
