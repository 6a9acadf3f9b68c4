package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/tutela-health/tutela/store"
)

// TestBetweenSeesWhatWasAcknowledged has writers, each of whom reads after every write what it wrote.
func TestBetweenSeesWhatWasAcknowledged(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *store.DB) {
		var wg sync.WaitGroup
		for w := range int64(16) {
			wg.Go(func() {
				for i := range int64(20) {
					if err := db.Commit(t.Context(), note(w, i, "x")); err != nil {
						t.Error(err)
						return
					}
					if n := notesBetween(t, db, w); n != i+1 {
						t.Errorf("writer %d sees %d notes, wrote %d", w, n, i+1)
					}
				}
			})
		}
		wg.Wait()
	})
}

func notesBetween(t *testing.T, db *store.DB, author int64) (n int64) {
	t.Helper()
	err := db.Between(t.Context(), func(q store.Querier) error {
		_, err := q.QueryRow(t.Context(), "SELECT count(*) FROM notes WHERE author = ?", []any{author}, &n)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return n
}

// TestBetweenDoesNotWaitForALongTransaction reads while a transaction is open, and must see nothing of it.
func TestBetweenDoesNotWaitForALongTransaction(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *store.DB) {
		must(t, db.Commit(t.Context(), note(1, 1, "x")))
		undone := errors.New("undone")
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			if err := tx.Insert(t.Context(), note(1, 2, "y").Inserts...); err != nil {
				return err
			}
			if n := notesBetween(t, db, 1); n != 1 {
				t.Errorf("%d notes, 1 is committed", n)
			}
			return undone
		})
		if !errors.Is(err, undone) {
			t.Error(err)
		}
		if n := notesBetween(t, db, 1); n != 1 {
			t.Errorf("%d notes after a rollback", n)
		}
	})
}

// TestBetweenGivesBackWhatItTook fails within, and ends the caller's patience: commits must go on.
func TestBetweenGivesBackWhatItTook(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *store.DB) {
		wrong := errors.New("wrong")
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		for i := range int64(5) {
			if err := db.Between(t.Context(), func(store.Querier) error { return wrong }); !errors.Is(err, wrong) {
				t.Error(err)
			}
			err := db.Between(gone, func(q store.Querier) error {
				return q.Query(gone, "SELECT 1", nil, func(store.Scanner) error { return nil })
			})
			if err == nil {
				t.Error("a caller who has left was answered")
			}
			must(t, db.Commit(t.Context(), note(1, i, "x")))
		}
	})
}
