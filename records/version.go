package records

import (
	"context"
	"crypto/sha256"
	"slices"
	"strconv"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/store"
)

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
		var err error
		if rec.own, err = w.owns(ctx, c, &rec, was.ties); err != nil {
			return Result{}, err
		}
		plain = liveBody(rec.Updated, rec.own, rec.JSON)
		says = w.s.contentOf(c.Resource)
		rec.Patients = w.s.patients(c)
		bucket = bucketOf(rec.Patients)
	}
	if rec.parsed = c.Resource; rec.Deleted {
		rec.parsed = was.rec.parsed // consents speak of what is deleted
	}
	d := c.Grant.Decide(w.s.facts(ctx, w.s.db, &rec))
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
	sealed, err := w.seal(ctx, p, &rec, plain)
	if err != nil {
		return Result{}, err
	}
	w.addVersion(p, sealed, old)
	w.claim(c, p, rec.Updated, old)
	if err := w.addTerms(ctx, p, says, old, was.said); err != nil {
		return Result{}, err
	}
	w.addTies(p.locator, was.ties, w.s.tiesIn(&rec, c.Resource))
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
