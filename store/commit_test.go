package store_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

func TestConcurrentWritersCountExactly(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *store.DB) {
		const writers, each = 64, 20
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					if err := db.Commit(t.Context(), note(int64(w), int64(i), fmt.Sprint(w, i))); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if n := count(t, db, "notes"); n != writers*each {
			t.Errorf("notes: %d, want %d", n, writers*each)
		}
	})
}

func TestFailedClaimFailsItsOpAlone(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *store.DB) {
		must(t, db.Commit(t.Context(), claim(7, nil, 1)))
		var wg sync.WaitGroup
		var mu sync.Mutex
		conflicts := 0
		for i := range 60 {
			wg.Go(func() {
				op := note(1, int64(i), "x")
				if i%3 == 0 {
					op.Claims = claim(7, nil, 2).Claims
				}
				err := db.Commit(t.Context(), op)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case i%3 != 0 && err != nil:
					t.Errorf("innocent op failed: %v", err)
				case i%3 == 0 && (!errors.Is(err, store.ErrClaim) || !errs.Is(err, errs.Conflict)):
					t.Errorf("claim of a taken row: %v", err)
				case i%3 == 0:
					conflicts++
				}
			})
		}
		wg.Wait()
		if n := count(t, db, "notes"); n != 40 || conflicts != 20 {
			t.Errorf("notes %d, conflicts %d; want 40, 20", n, conflicts)
		}
	})
}
