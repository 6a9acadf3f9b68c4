package records

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/r4"
	"github.com/tutela-health/tutela/store"
)

// shared holds the wrapped keys of resources of several patients against the resources: each
// version has a copy for each of its patients, which opens, and for nobody else.
func (v *Verification) shared(ctx context.Context, q store.Querier) error {
	wraps, err := everyWrap(ctx, q)
	if err != nil {
		return err
	}
	seen := map[versionID]bool{}
	after := versionID{locator: math.MinInt64}
	for {
		page, err := sharedPage(ctx, q, after)
		if err != nil {
			return err
		}
		for _, r := range page {
			after = versionID{r.locator, r.version}
			seen[after] = true
			if err := v.sharers(ctx, q, r, wraps); err != nil {
				return err
			}
		}
		if len(page) == 0 {
			break
		}
	}
	for id, list := range wraps {
		for _, w := range list {
			if !seen[id] {
				v.Problem(id.wrapOf(w.bucket), "there is no version that this key would open")
			}
		}
	}
	return nil
}

func (id versionID) wrapOf(bucket int64) string {
	return fmt.Sprintf("shared_keys locator %016x version %d bucket %016x", uint64(id.locator), id.version, uint64(bucket))
}

// everyWrap reads all copies of shared resources' keys.
func everyWrap(ctx context.Context, q store.Querier) (map[versionID][]wrap, error) {
	all := map[versionID][]wrap{}
	err := q.Query(ctx, `SELECT locator, version, bucket, key_version, wrapped, outer_version FROM shared_keys`, nil, func(s store.Scanner) error {
		var id versionID
		var w wrap
		if err := s.Scan(&id.locator, &id.version, &w.bucket, &w.keyVersion, &w.wrapped, &w.outer); err != nil {
			return err
		}
		all[id] = append(all[id], w)
		return nil
	})
	return all, err
}

// sharedPage reads the next versions that lie under keys of their own.
func sharedPage(ctx context.Context, q store.Querier, after versionID) ([]*row, error) {
	var page []*row
	err := q.Query(ctx, `SELECT locator, version, sealed FROM versions WHERE bucket = ? AND (locator, version) > (?, ?)
ORDER BY locator, version LIMIT 500`, []any{int64(tutela.BucketShared), after.locator, after.version}, func(s store.Scanner) error {
		r := &row{bucket: int64(tutela.BucketShared)}
		page = append(page, r)
		return s.Scan(&r.locator, &r.version, &r.sealed)
	})
	return page, err
}

// sharers compares one version's copies with the patients whom it concerns.
func (v *Verification) sharers(ctx context.Context, q store.Querier, r *row, wraps map[versionID][]wrap) error {
	id := versionID{r.locator, r.version}
	list := wraps[id]
	if len(list) == 0 {
		v.Problem("shared_keys locator "+fmt.Sprintf("%016x version %d", uint64(id.locator), id.version), "is missing, for every patient")
		return nil
	}
	for _, w := range list {
		if err := v.wrap(ctx, r, w); err != nil {
			return err
		}
	}
	rec, err := v.s.record(ctx, q, tutela.Ref{}, r)
	if errs.Is(err, errs.NotFound) || errors.Is(err, keys.ErrSealed) {
		return nil // all are erased, or it was named already: by a copy, or by its digest
	}
	if err != nil {
		return err
	}
	want, err := v.s.concerned(rec, wraps[versionID{r.locator, r.version - 1}])
	if err != nil {
		return err
	}
	for _, b := range want {
		if !slices.ContainsFunc(list, func(w wrap) bool { return w.bucket == b }) && !(rec.Deleted && v.isErased(b)) {
			v.Problem(id.wrapOf(b), "is missing")
		}
	}
	for _, w := range list {
		if !slices.Contains(want, w.bucket) {
			v.Problem(id.wrapOf(w.bucket), "is for a patient whom the resource does not concern")
		}
	}
	return nil
}

// concerned are the patients for whom a version's key is wrapped: a tombstone's are those of the
// version before it.
func (s *Store) concerned(rec *Record, before []wrap) ([]int64, error) {
	var list []int64
	if rec.Deleted {
		for _, w := range before {
			list = append(list, w.bucket)
		}
		return list, nil
	}
	res, err := r4.Parse(rec.JSON)
	if err != nil {
		return nil, err
	}
	for _, b := range s.patients(&Change{Ref: tutela.Ref{Type: res.Type(), ID: res.ID()}, Resource: res}) {
		list = append(list, int64(b))
	}
	return list, nil
}

// wrap tries one patient's copy of a key. A patient of whom no key is left was erased.
func (v *Verification) wrap(ctx context.Context, r *row, w wrap) error {
	where := versionID{r.locator, r.version}.wrapOf(w.bucket)
	if w.keyVersion < 1 {
		v.Problem(where, "names no version of the patient's key")
		return nil
	}
	_, err := v.s.unwrapShared(ctx, place{r.bucket, r.locator, r.version}, w)
	if errors.Is(err, keys.ErrDestroyed) {
		return nil
	}
	if errs.Is(err, errs.NotFound) {
		if _, err = v.s.ring.At(ctx, tutela.KeyPatient, w.bucket, 0); err == nil {
			v.Problem(where, "names a version of the patient's key that is not there")
		}
	}
	if errors.Is(err, keys.ErrSealed) {
		v.Problem(where, "does not open, or the patient's key in wrapped_keys does not")
		return nil
	}
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	return err
}
