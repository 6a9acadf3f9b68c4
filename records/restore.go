package records

import (
	"context"
	"fmt"
	"math"

	"golang.org/x/sync/errgroup"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/store"
)

// A backup holds neither terms nor ties: what it held of an erased patient would come back with it. After a
// restore they are made from the resources, before anybody else has the database.

// mostRotated is how many keys of the index a restored keyring is looked through for.
const mostRotated = 1 << 10

// RestoreState readies the index's state in a database that was filled from a backup: an empty slot
// serves, under a key that the keyring holds. The keyring may be newer than the rows, and the key that they
// name gone. Call it before Open, and Reindex after.
func RestoreState(ctx context.Context, db *store.DB, ring *keys.Ring) error {
	return db.Update(ctx, func(tx *store.Tx) error {
		st, err := readIndexState(ctx, tx)
		if err != nil {
			return err
		}
		made := making{layoutNow, max(st.made[0].key, st.made[1].key)}
		if made.key, err = heldKey(ctx, ring, made.key); err != nil {
			return err
		}
		return writeIndexState(ctx, tx, indexState{version: st.version + 1, made: [2]making{made, made}})
	})
}

// heldKey is the number of a key of the index that the keyring holds: the named one, one of those that came
// after it, or one that came before and was not replaced when the backup was made.
func heldKey(ctx context.Context, ring *keys.Ring, named int64) (int64, error) {
	candidates := []int64{named}
	for i := int64(1); i <= mostRotated; i++ {
		candidates = append(candidates, named+i)
		if named-i > 0 {
			candidates = append(candidates, named-i)
		}
	}
	for _, n := range candidates {
		secret, err := ring.FindSecret(ctx, indexSecret(n))
		clear(secret)
		if err == nil || !errs.Is(err, errs.NotFound) {
			return n, err
		}
	}
	return 0, errs.New(errs.Invalid, "the keyring holds no key of the index: it is another system's, or damaged")
}

// Reindex fills the slot that serves, and the ties, from all resources: for a database that was restored,
// which nobody else writes to. done is told how many resources are indexed, now and then.
func (s *Store) Reindex(ctx context.Context, done func(int64)) error {
	st, err := readIndexState(ctx, s.db)
	if err != nil {
		return err
	}
	total := int64(0)
	for first := int64(math.MinInt64); ; {
		page, err := currentPage(ctx, s.db, first, math.MaxInt64)
		if err != nil || len(page) == 0 {
			return err
		}
		if err := s.reindexPage(ctx, st, page); err != nil {
			return fmt.Errorf("index what was restored: %w", err)
		}
		total += int64(len(page))
		done(total)
		if first = page[len(page)-1].locator; first == math.MaxInt64 {
			return nil
		}
		first++
	}
}

// reindexers is how many goroutines open resources at a time.
const reindexers = 4

// reindexPage writes what follows from some resources.
func (s *Store) reindexPage(ctx context.Context, st indexState, page []*row) error {
	terms, ties := make([][]int64, len(page)), make([][]tie, len(page))
	group, inner := errgroup.WithContext(ctx)
	for n := range reindexers {
		group.Go(func() (err error) {
			for i := n; i < len(page) && err == nil; i += reindexers {
				if !page[i].deleted() {
					terms[i], ties[i], err = s.derived(inner, s.db, st.made[st.slot], page[i])
				}
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	all, tied := store.Rows{Table: s.tables.terms[st.slot]}, store.Rows{Table: s.tables.ties}
	for i, r := range page {
		all.Rows = append(all.Rows, termRows(all.Table, terms[i], r.bucket, r.locator).Rows...)
		for _, t := range ties[i] {
			tied.Rows = append(tied.Rows, s.tieRow(t, r.locator))
		}
	}
	return s.db.Update(ctx, func(tx *store.Tx) error { return tx.Insert(ctx, all, tied) })
}

// Sample gives up to n current resources of which the locator is at or after a random one, opened: that
// charts can be read is more than that rows are there. Nobody is shown them.
func (s *Store) Sample(ctx context.Context, from tutela.Locator, n int) (opened int, err error) {
	page, err := currentPage(ctx, s.db, int64(from), math.MaxInt64)
	if err == nil && len(page) == 0 {
		page, err = currentPage(ctx, s.db, math.MinInt64, math.MaxInt64)
	}
	for _, r := range page[:min(n, len(page))] {
		if _, err := s.record(ctx, s.db, tutela.Ref{}, r); err == nil {
			opened++
		} else if !errs.Is(err, errs.NotFound) { // an erased patient's
			return opened, err
		}
	}
	return opened, err
}
