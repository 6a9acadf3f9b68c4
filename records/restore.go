package records

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

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
	return s.reindexIn(ctx, batchTerms, done)
}

// reindexIn is Reindex by batches of some terms.
func (s *Store) reindexIn(ctx context.Context, room int, done func(int64)) error {
	st, err := readIndexState(ctx, s.db)
	if err != nil {
		return err
	}
	b := indexBatch{store: s, table: s.tables.terms[st.slot]}
	total := int64(0)
	for w := newWalk(walkStep); !w.done; {
		page, err := w.next(ctx, s.db)
		if err == nil {
			err = s.follows(ctx, st, page, &b)
		}
		if err == nil && len(b.terms) >= room {
			err = b.write(ctx)
		}
		if err != nil {
			return fmt.Errorf("index what was restored: %w", err)
		}
		total += int64(len(page))
		done(total)
	}
	if err := b.write(ctx); err != nil {
		return fmt.Errorf("index what was restored: %w", err)
	}
	return nil
}

// reindexers is how many goroutines open resources at a time.
const reindexers = 4

// follows adds what follows from some resources to a batch.
func (s *Store) follows(ctx context.Context, st indexState, page []*row, b *indexBatch) error {
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
	for i, r := range page {
		for _, t := range terms[i] {
			b.terms = append(b.terms, term{t, r.bucket, r.locator})
		}
		for _, t := range ties[i] {
			b.ties = append(b.ties, s.tieRow(t, r.locator))
		}
	}
	return nil
}

// indexBatch is what is put into an index at a time. Tokens are as good as random: written as they come, each would
// read and write another page of a large index. In their order a page is written once for each batch.
type indexBatch struct {
	store *Store
	table *store.Table
	terms []term
	ties  [][]any
}

// batchTerms is how many terms make a batch: 48 MB. rowsAtOnce is how many are handed to the database.
const (
	batchTerms = 2 << 20
	rowsAtOnce = 4096
)

// write puts a batch into the index, and empties it.
func (b *indexBatch) write(ctx context.Context) error {
	slices.SortFunc(b.terms, func(x, y term) int {
		return cmp.Or(cmp.Compare(x.token, y.token), cmp.Compare(x.bucket, y.bucket), cmp.Compare(x.locator, y.locator))
	})
	err := b.store.db.Update(ctx, func(tx *store.Tx) error {
		for part := range slices.Chunk(b.terms, rowsAtOnce) {
			rows := store.Rows{Table: b.table, Rows: make([][]any, len(part))}
			for i, t := range part {
				rows.Rows[i] = []any{t.token, t.bucket, t.locator}
			}
			if err := tx.Insert(ctx, rows); err != nil {
				return err
			}
		}
		return tx.Insert(ctx, store.Rows{Table: b.store.tables.ties, Rows: b.ties})
	})
	b.terms, b.ties = b.terms[:0], nil
	return err
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
