package records

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/r4"
	"github.com/tutela-health/tutela/store"
)

// Verification compares the rows with what the ledger says was written. Hand Write to the
// ledger's own verification, then call Check.
type Verification struct {
	s       *Store
	writes  map[versionID]written
	current map[int64]versionID // newest version by locator
	twice   []versionID
	ties    map[tieAt]bool  // those that follow from the resources
	erased  map[int64]int64 // buckets of which the ledger says that their keys were left behind, and the last version of the index that has terms of them
	noise   map[int64]int64 // bucket by locator of the live rows that opened no more when the index that serves was made already

	room int64 // terms that may be held at a time

	// Problem is called with each row that is not as the ledger says.
	Problem func(where, what string)
}

// versionID names a version.
type versionID struct{ locator, version int64 }

// written is what the ledger keeps of a version: 49 bytes.
type written struct {
	bucket  int64
	deleted bool
	seen    bool
	digest  [sha256.Size]byte
}

// Verify begins a verification.
func (s *Store) Verify(problem func(where, what string)) *Verification {
	return &Verification{s: s, writes: map[versionID]written{}, current: map[int64]versionID{}, ties: map[tieAt]bool{}, erased: map[int64]int64{}, noise: map[int64]int64{}, room: mostTerms, Problem: problem}
}

// Write notes one version that an entry says was written.
func (v *Verification) Write(_ int64, w tutela.Write) error {
	id := versionID{int64(w.Locator), w.Version}
	if w.Version == erasure {
		v.erased[int64(w.Bucket)] = lastIndex(w)
		return nil
	}
	if _, again := v.writes[id]; again {
		v.twice = append(v.twice, id)
	}
	v.writes[id] = written{bucket: int64(w.Bucket), deleted: w.Deleted, digest: w.Digest}
	if w.Version > v.current[id.locator].version {
		v.current[id.locator] = id
	}
	return nil
}

// Check compares every version and locator with the ledger and, when deep, the copies of shared
// resources' keys with their patients, and every row of the blind index and of the ties with the plaintext. The view
// must be the one in which the ledger was verified: between two moments others may have written.
func (v *Verification) Check(ctx context.Context, q store.Querier, deep bool) error {
	for _, id := range v.twice {
		v.Problem(id.String(), "two ledger entries say that they wrote this version")
	}
	if err := v.versions(ctx, q); err != nil {
		return err
	}
	if err := v.locators(ctx, q); err != nil {
		return err
	}
	if err := v.erasures(ctx, q); err != nil {
		return err
	}
	if !deep {
		return nil
	}
	if err := v.wrappings(ctx); err != nil {
		return err
	}
	if err := v.shared(ctx, q); err != nil {
		return err
	}
	if err := v.index(ctx, q); err != nil {
		return err
	}
	return v.relations(ctx, q)
}

func (id versionID) String() string {
	return fmt.Sprintf("versions locator %016x version %d", uint64(id.locator), id.version)
}

func (v *Verification) versions(ctx context.Context, q store.Querier) error {
	err := q.Query(ctx, `SELECT bucket, locator, version, moved, sealed FROM versions`, nil, func(s store.Scanner) error {
		var r row
		if err := s.Scan(&r.bucket, &r.locator, &r.version, &r.moved, &r.sealed); err != nil {
			return err
		}
		v.version(&r)
		return nil
	})
	if err != nil {
		return err
	}
	for id, w := range v.writes {
		if !w.seen {
			v.Problem(id.String(), "the ledger says it was written, and it is not there")
		}
	}
	return nil
}

func (v *Verification) version(r *row) {
	id := versionID{r.locator, r.version}
	w, ok := v.writes[id]
	switch {
	case !ok:
		v.Problem(id.String(), "no ledger entry says that it was written")
		return
	case w.bucket != r.bucket:
		v.Problem(id.String(), "lies under another patient than the ledger says")
		return
	case sha256.Sum256(r.sealed) != w.digest:
		v.Problem(id.String(), "is not what the ledger says was written")
	}
	if before, ok := v.writes[versionID{r.locator, r.version - 1}]; ok {
		if (r.moved != nil) != (before.bucket != r.bucket) || r.moved != nil && *r.moved != before.bucket {
			v.Problem(id.String(), "names another place for the version before than the ledger")
		}
	} else if r.moved != nil {
		v.Problem(id.String(), "names a place for a version before that the ledger does not know")
	}
	w.seen = true
	v.writes[id] = w
}

func (v *Verification) locators(ctx context.Context, q store.Querier) error {
	seen := 0
	err := q.Query(ctx, `SELECT locator, bucket, version, kind FROM locators`, nil, func(s store.Scanner) error {
		var r row
		if err := s.Scan(&r.locator, &r.bucket, &r.version, &r.kind); err != nil {
			return err
		}
		where := fmt.Sprintf("locators %016x", uint64(r.locator))
		id, ok := v.current[r.locator]
		if !ok {
			v.Problem(where, "no ledger entry says that it was written")
			return nil
		}
		seen++
		w := v.writes[id]
		if id.version != r.version || w.bucket != r.bucket || w.deleted != r.deleted() {
			v.Problem(where, "does not name the newest version that the ledger knows")
		}
		delete(v.current, r.locator)
		return nil
	})
	for l := range v.current {
		v.Problem(fmt.Sprintf("locators %016x", uint64(l)), "the ledger says it was written, and it is not there")
	}
	return err
}

// currentPage reads the next current rows, from one locator to another.
func currentPage(ctx context.Context, q store.Querier, first, last int64) ([]*row, error) {
	var page []*row
	err := q.Query(ctx, currentColumns+` WHERE l.locator >= ? AND l.locator <= ? ORDER BY l.locator LIMIT 500`, []any{first, last}, func(s store.Scanner) error {
		r := &row{}
		page = append(page, r)
		return r.scan(s)
	})
	return page, err
}

// expect gives the terms that a row ought to have, and compares what else the plaintext tells.
func (v *Verification) expect(ctx context.Context, q store.Querier, state indexState, r *row) ([]int64, error) {
	where := fmt.Sprintf("locators %016x", uint64(r.locator))
	rec, err := v.s.record(ctx, q, tutela.Ref{}, r)
	if errors.Is(err, keys.ErrDestroyed) {
		return nil, v.leftover(ctx, q, state, r) // erased: nothing can be said of it
	}
	if errs.Is(err, errs.NotFound) {
		v.Problem(versionID{r.locator, r.version}.String(), "its key is not in wrapped_keys, and was not left behind by an erasure")
		return nil, nil
	}
	if errors.Is(err, keys.ErrSealed) {
		v.Problem(versionID{r.locator, r.version}.String(), "does not open: altered, moved or under another key")
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if rec.Updated.UnixMilli() != r.updated {
		v.Problem(where, "the time of the last update is not the sealed one")
	}
	if rec.Deleted {
		return nil, nil
	}
	res, err := r4.Parse(rec.JSON)
	if err != nil {
		return nil, err
	}
	if v.s.kind(res.Type()) != r.kind {
		v.Problem(where, "is filed under another type")
	}
	v.expectTies(rec, res, r.locator)
	return v.s.termsIn(ctx, state.made[state.slot], v.s.contentOf(res), r.bucket, v.s.termKey)
}
