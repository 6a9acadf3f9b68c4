package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

func TestEveryStampIsSettledOnceWhateverFails(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *store.DB) {
		stamper := newChain()
		stamper.refuse = []byte("refused")
		db.SetStamper(stamper)
		must(t, db.Commit(t.Context(), claim(1_000, nil, 1)))
		var wg sync.WaitGroup
		for i := range int64(120) {
			wg.Go(func() {
				op := whole(i + 1)
				var want error
				switch i % 6 {
				case 0:
					op.Claims, want = claim(1_000, nil, 2).Claims, store.ErrClaim
				case 1:
					op.Entries, want = [][]byte{[]byte("refused")}, errRefused
				case 2:
					op.Alone = true
				}
				if err := db.Commit(t.Context(), op); !errors.Is(err, want) {
					t.Errorf("op %d: %v, want %v", i, err, want)
				}
			})
		}
		wg.Wait()
		must(t, db.Update(t.Context(), func(tx *store.Tx) error {
			return tx.Delete(t.Context(), store.Rows{Table: counters, Rows: [][]any{{1_000}}})
		}))
		if n := count(t, db, "notes"); n != 2*80 {
			t.Errorf("notes: %d, want %d", n, 2*80)
		}
		assertWhole(t, db)
		assertSettled(t, stamper)
		total := int64(0)
		for _, n := range stamper.settled {
			total += n
		}
		if total != 80 {
			t.Errorf("entries settled: %d, want 80", total)
		}
	})
}

func TestEntriesWithoutStamperAreRefused(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *store.DB) {
		if err := db.Commit(t.Context(), whole(1)); err == nil {
			t.Error("committed")
		}
		if n := count(t, db, "notes"); n != 0 {
			t.Errorf("notes: %d", n)
		}
	})
}

// TestIncrementsByClaimAreNotLost has 64 callers read, add one and claim what they read, until it holds.
func TestIncrementsByClaimAreNotLost(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *store.DB) {
		const callers, each, rows = 64, 3, 4
		for id := range int64(rows) {
			must(t, db.Commit(t.Context(), claim(id, nil, 0)))
		}
		var wg sync.WaitGroup
		for c := range int64(callers) {
			wg.Go(func() {
				for range each {
					if err := increment(t.Context(), db, c%rows); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		var sum int
		must(t, db.Query(t.Context(), "SELECT value FROM counters", nil, func(s store.Scanner) error {
			var n int
			err := s.Scan(&n)
			sum += n
			return err
		}))
		if sum != callers*each {
			t.Errorf("sum %d, want %d", sum, callers*each)
		}
	})
}

func increment(ctx context.Context, db *store.DB, id int64) error {
	for {
		var n int64
		if _, err := db.QueryRow(ctx, "SELECT value FROM counters WHERE id = ?", []any{id}, &n); err != nil {
			return err
		}
		if err := db.Commit(ctx, claim(id, []any{n}, n+1)); !errs.Is(err, errs.Conflict) {
			return err
		}
	}
}

// TestCrossingClaimsDoNotDeadlock has Ops claim the same rows in opposite orders, through all lanes.
func TestCrossingClaimsDoNotDeadlock(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *store.DB) {
		for id := range int64(8) {
			must(t, db.Commit(t.Context(), claim(id, nil, 0)))
		}
		var wg sync.WaitGroup
		for i := range int64(160) {
			wg.Go(func() {
				op := store.Op{Alone: i%4 == 0}
				for k := range int64(8) {
					id := k
					if i%2 == 0 {
						id = 7 - k
					}
					op.Claims = append(op.Claims, claim(id, []any{}, i).Claims...)
				}
				if err := db.Commit(t.Context(), op); err != nil {
					t.Error(fmt.Errorf("op %d: %w", i, err))
				}
			})
		}
		wg.Wait()
		var least, most int64
		_, err := db.QueryRow(t.Context(), "SELECT min(value), max(value) FROM counters", nil, &least, &most)
		if err != nil || least != most {
			t.Errorf("rows claimed together differ: %d, %d, %v", least, most, err)
		}
	})
}

// TestAbandonedOpDoesNotHappen holds up the lane by a Stamper, so that the next Op has to wait.
func TestAbandonedOpDoesNotHappen(t *testing.T) {
	db := openTest(t, "sqlite:"+t.TempDir()+"/a.db")
	s := &gate{reached: make(chan struct{}), open: make(chan struct{})}
	db.SetStamper(s)
	first := make(chan error)
	go func() { first <- db.Commit(context.WithoutCancel(t.Context()), store.Op{Entries: [][]byte{{1}}}) }()
	<-s.reached
	ctx, cancel := context.WithCancel(t.Context())
	second := make(chan error)
	go func() { second <- db.Commit(ctx, note(1, 1, "abandoned")) }()
	cancel()
	if err := <-second; !errors.Is(err, context.Canceled) || errors.Is(err, store.ErrUnknown) {
		t.Errorf("got %v", err)
	}
	close(s.open)
	must(t, <-first)
	must(t, db.Commit(t.Context(), note(1, 2, "next")))
	if n := count(t, db, "notes"); n != 1 {
		t.Errorf("notes: %d, want 1", n)
	}
}

// TestCallerWhoLeavesAnOpThatIsRunningIsTold cancels while the lane is at work.
func TestCallerWhoLeavesAnOpThatIsRunningIsTold(t *testing.T) {
	db := openTest(t, "sqlite:"+t.TempDir()+"/c.db")
	s := &gate{reached: make(chan struct{}), open: make(chan struct{})}
	db.SetStamper(s)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	op := note(1, 1, "taken")
	op.Entries = [][]byte{{1}}
	go func() { done <- db.Commit(ctx, op) }()
	<-s.reached
	cancel()
	if err := <-done; !errors.Is(err, store.ErrUnknown) {
		t.Errorf("got %v, want ErrUnknown", err)
	}
	close(s.open)
	must(t, db.Commit(t.Context(), note(1, 2, "next")))
	if n := count(t, db, "notes"); n != 2 {
		t.Errorf("notes: %d, want 2", n)
	}
}

// gate is a Stamper that waits.
type gate struct{ reached, open chan struct{} }

func (g *gate) Stamp(int, [][]byte) (store.Stamped, error) {
	close(g.reached)
	<-g.open
	return store.Stamped{}, nil
}

func (g *gate) Settle(int, bool) {}
