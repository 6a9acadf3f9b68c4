package records

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"strconv"
	"sync"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/access/label"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/r4"
	"github.com/tutela-health/tutela/records/pack"
	"github.com/tutela-health/tutela/store"
)

// Config says what a Store works with.
type Config struct {
	DB    *store.DB
	Ring  *keys.Ring
	Audit *audit.Log
	Clock clock.Clock
	// Fresh reports whether changes by other nodes have been heard of lately; nil means always.
	Fresh func() bool
	// Staff names the resources of those who have an account to work with; nil where nobody knows.
	Staff func(context.Context) ([]tutela.Ref, error)
	// Disguise de-identifies what Grants say is to be; without one such Grants show nothing.
	Disguise Disguise
}

// Store keeps resources sealed and finds them blind. Safe for concurrent use.
type Store struct {
	db        *store.DB
	ring      *keys.Ring
	audit     *audit.Log
	clock     clock.Clock
	fresh     func() bool
	packer    *pack.Packer
	names     *keys.MAC // locators and kinds
	blinds    blinds    // tokens of the blind index
	tables    tables
	index     indexCache
	points    gatherer
	ties      tieCache
	consents  directiveCache
	labels    *label.Rules
	sensitive labelCache
	kin       kinCache
	staff     func(context.Context) ([]tutela.Ref, error)

	branches branches
	disguise Disguise

	contended sync.Mutex // held by writes that keep losing their race, one at a time
}

// tables are the shapes of this plane's rows.
type tables struct {
	versions, locators, sharedKeys, guards, ties, index *store.Table
	terms                                               [2]*store.Table
}

// Open readies a Store over a migrated database.
func Open(ctx context.Context, c Config) (*Store, error) {
	s := &Store{db: c.DB, ring: c.Ring, audit: c.Audit, clock: c.Clock, fresh: c.Fresh, disguise: c.Disguise, staff: c.Staff, kin: kinCache{seed: maphash.MakeSeed()}, tables: tables{
		versions: versionsTable(), locators: locatorsTable(), sharedKeys: sharedKeysTable(), guards: guardsTable(), ties: tiesTable(), index: indexStateTable(),
		terms: [2]*store.Table{termsTable(0), termsTable(1)},
	}}
	b, err := c.Ring.Secret(ctx, "locator")
	if err != nil {
		return nil, fmt.Errorf("open locator key: %w", err)
	}
	s.names = keys.NewMAC(b)
	if err := s.openIndex(ctx); err != nil {
		return nil, err
	}
	s.points.db, s.points.lanes = c.DB, gatherLanes(c.DB.Engine())
	if s.labels, err = label.Shipped(); err != nil {
		return nil, fmt.Errorf("read sensitivity rules: %w", err)
	}
	if s.packer, err = pack.New(); err != nil {
		return nil, fmt.Errorf("open packer: %w", err)
	}
	if s.fresh == nil {
		s.fresh = func() bool { return true }
	}
	return s, nil
}

// Locate gives the locator that stands for a resource.
func (s *Store) Locate(r tutela.Ref) tutela.Locator {
	l := s.names.Sum64([]byte("resource"), []byte(r.Type), []byte(r.ID))
	if l == int64(tutela.BucketGeneral) || l == int64(tutela.BucketShared) {
		l += 2 // these two numbers mean something else as a bucket
	}
	return tutela.Locator(l)
}

// Bucket gives a patient's pseudonym: the locator of the Patient resource.
func (s *Store) Bucket(p tutela.PatientID) tutela.Bucket {
	return tutela.Bucket(s.Locate(tutela.Ref{Type: "Patient", ID: string(p)}))
}

// kind is the keyed hash that stands for a resource type in locators; never 0.
func (s *Store) kind(typ string) int64 {
	return s.names.Sum64([]byte("type"), []byte(typ))&0x7fffffff | 1
}

// Record is one opened version.
type Record struct {
	Ref      tutela.Ref
	Version  int64
	Updated  time.Time // zero where the caller may not know it
	Deleted  bool
	JSON     []byte // compact, with id and meta; empty when deleted
	Patients []tutela.Bucket
	Locator  tutela.Locator

	Basis       []string // the policies that let the caller have it
	Emergencies []string // ids of those under which the caller has it; nil where it took none

	stands []standing      // how each of Patients stands to the caller
	own    ownership       // where its writer stands in it
	stored bool            // it was opened from a row: what it holds will not change
	parsed *r4.Resource    // where it had to be looked into
	gone   string          // of a tombstone: what was there
	shown  *disguised      // where it is de-identified
	since  func() []string // labels that a newer version has, where there may be one
}

// resource parses the record where it was not yet; nil when there is nothing to parse.
func (r *Record) resource() *r4.Resource {
	if r.parsed == nil && len(r.JSON) > 0 {
		r.parsed, _ = r4.Parse(r.JSON) // what we wrote parses; what does not is no match
	}
	return r.parsed
}

// ETag is the version in the form of RFC 9110 weak validators.
func (r *Record) ETag() string { return `W/"` + strconv.FormatInt(r.Version, 10) + `"` }

// Read opens the current version of a resource. What the Grant does not admit is errs.NotFound,
// like what is not there; a deleted one is errs.Gone.
func (s *Store) Read(ctx context.Context, g access.Grant, ref tutela.Ref) (*Record, error) {
	loc, ok := s.find(g, ref)
	if !ok {
		return nil, notFound(ref)
	}
	r, found, err := s.points.current(ctx, loc)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, notFound(ref)
	}
	return s.admit(ctx, s.db, g, ref, r)
}

// VRead opens one version of a resource.
func (s *Store) VRead(ctx context.Context, g access.Grant, ref tutela.Ref, version int64) (*Record, error) {
	var rec *Record
	err := s.snapshot(ctx, func(q store.Querier) error {
		loc, ok := s.find(g, ref)
		if !ok {
			return notFound(ref)
		}
		rows, err := s.lineage(ctx, q, loc)
		if err != nil {
			return err
		}
		newest := &newest{rows: rows}
		for _, r := range rows {
			if r.version == version {
				rec, err = s.admitOld(ctx, q, g, ref, r, newest)
				return err
			}
		}
		return notFound(ref)
	})
	return rec, err
}

// History opens every version of a resource that the Grant admits, newest first.
func (s *Store) History(ctx context.Context, g access.Grant, ref tutela.Ref) ([]*Record, error) {
	var list []*Record
	err := s.snapshot(ctx, func(q store.Querier) error {
		loc, ok := s.find(g, ref)
		if !ok {
			return notFound(ref)
		}
		rows, err := s.lineage(ctx, q, loc)
		if err != nil {
			return err
		}
		newest := &newest{rows: rows}
		for _, r := range rows {
			rec, err := s.admitOld(ctx, q, g, ref, r, newest)
			if errs.Is(err, errs.NotFound) {
				continue
			}
			if rec == nil {
				return err
			}
			list = append(list, rec)
		}
		return nil
	})
	if err == nil && len(list) == 0 {
		err = notFound(ref)
	}
	return list, err
}

// lineage reads every version of a resource, newest first, following it from bucket to bucket.
func (s *Store) lineage(ctx context.Context, q store.Querier, l tutela.Locator) ([]*row, error) {
	head, found, err := current(ctx, q, l)
	if err != nil || !found {
		return nil, err
	}
	var all []*row
	bucket, below := head.bucket, head.version
	for below > 0 {
		rows, err := inBucket(ctx, q, bucket, head.locator, below)
		if err != nil {
			return nil, err
		}
		moved := false
		for _, r := range rows {
			all = append(all, r)
			below = r.version - 1
			if r.moved != nil {
				bucket, moved = *r.moved, true
				break
			}
		}
		if !moved {
			break
		}
	}
	return all, nil
}

// admit opens a row that the Grant admits. A tombstone comes back as a Record with errs.Gone.
func (s *Store) admit(ctx context.Context, q store.Querier, g access.Grant, ref tutela.Ref, r *row) (*Record, error) {
	return s.admitOld(ctx, q, g, ref, r, nil)
}

// admitOld is admit for a version that may not be the newest: what makes the newest sensitive makes
// older ones so too.
func (s *Store) admitOld(ctx context.Context, q store.Querier, g access.Grant, ref tutela.Ref, r *row, n *newest) (*Record, error) {
	rec, err := s.record(ctx, q, ref, r)
	if errors.Is(err, keys.ErrDestroyed) {
		return nil, notFound(ref) // an erased patient's is not there
	}
	if err == nil {
		err = rec.truly(g)
	}
	if err != nil {
		return nil, err
	}
	ref = rec.Ref
	switch {
	case n != nil:
		rec.since = func() []string { return s.newestLabels(ctx, q, ref, n) }
	case rec.Deleted:
		rec.since = s.lately(ctx, q, ref)
	}
	if err := s.permit(ctx, q, g, rec); err != nil {
		return nil, err
	}
	if rec.Deleted {
		return rec, errs.New(errs.Gone, "%s was deleted", ref.Type)
	}
	return rec, nil
}

// record opens a row and tells whom it concerns.
func (s *Store) record(ctx context.Context, q store.Querier, ref tutela.Ref, r *row) (*Record, error) {
	plain, err := s.open(ctx, q, r)
	if err != nil {
		return nil, err
	}
	patients, err := s.whom(ctx, q, place{r.bucket, r.locator, r.version})
	if err != nil {
		return nil, err
	}
	rec := &Record{Ref: ref, Version: r.version, Patients: patients, Locator: tutela.Locator(r.locator), stored: true}
	return rec, rec.fill(plain)
}

func notFound(ref tutela.Ref) error {
	return errs.New(errs.NotFound, "no such %s", ref.Type)
}
