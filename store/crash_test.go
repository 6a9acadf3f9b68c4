package store_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/store"
)

func TestKilledProcessLosesNothingAcknowledged(t *testing.T) {
	urls := map[string]string{
		"sqlite":   "sqlite:" + filepath.Join(t.TempDir(), "k.db"),
		"postgres": testkit.Postgres(t),
	}
	for engine, url := range urls {
		t.Run(engine, func(t *testing.T) {
			var all []int64
			for round := range 6 {
				from := fmt.Sprintf("%s=%d", childFrom, int64(round)*1_000_000+1)
				all = append(all, acknowledged(t, childCommand(t, "writer", url, from), 40+97*round)...)
			}
			db := openTest(t, url)
			for _, i := range all {
				if !isWhole(t, db, i) {
					t.Errorf("acknowledged op %d is not there whole", i)
				}
			}
			assertWhole(t, db)
		})
	}
}

// isWhole says whether all rows of whole(i) are there.
func isWhole(t *testing.T, db store.Querier, i int64) bool {
	t.Helper()
	var rows int
	_, err := db.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM notes WHERE author = ?)
		+ (SELECT count(*) FROM counters WHERE id = ?)`, []any{i, i}, &rows)
	must(t, err)
	return rows == 3
}

// assertWhole checks that no Op happened in part, and that each has exactly its entry.
func assertWhole(t *testing.T, db store.Querier) {
	t.Helper()
	claims, rows, entries := 0, count(t, db, "notes"), map[string]int{}
	_, err := db.QueryRow(t.Context(), "SELECT count(*) FROM counters WHERE id > 0", nil, &claims)
	must(t, err)
	must(t, db.Query(t.Context(), "SELECT body FROM chain", nil, func(s store.Scanner) error {
		var body []byte
		err := s.Scan(&body)
		for len(body) > 0 {
			n := int(body[0])
			entries[string(body[1:1+n])]++
			body = body[1+n:]
		}
		return err
	}))
	if rows != 2*claims || len(entries) != claims {
		t.Errorf("claims %d, notes %d, entries %d; want n, 2n, n", claims, rows, len(entries))
	}
	for e, n := range entries {
		if n != 1 {
			t.Errorf("entry %s occurs %d times", e, n)
		}
	}
}

func TestCrashedServerLosesNothingAcknowledgedAndLanesGoOn(t *testing.T) {
	c, err := testkit.StartCluster(t.Context())
	must(t, err)
	t.Cleanup(func() { must(t, c.Stop()) })
	url, err := c.CreateDatabase(t.Context())
	must(t, err)
	db := openTest(t, url)
	stamper := newChain()
	db.SetStamper(stamper)

	var wg sync.WaitGroup
	var mu sync.Mutex
	var all []int64
	crash := make(chan struct{})
	for w := range int64(16) {
		wg.Go(func() {
			for i := range int64(60) {
				n := 1 + w + 16*i
				err := db.Commit(t.Context(), whole(n))
				if err != nil && !errs.Is(err, errs.Unavailable) {
					t.Errorf("op %d: %v", n, err)
				}
				mu.Lock()
				if err == nil {
					if all = append(all, n); len(all) == 200 {
						close(crash)
					}
				}
				mu.Unlock()
			}
		})
	}
	<-crash
	must(t, c.Crash())
	must(t, c.Start(context.WithoutCancel(t.Context())))
	wg.Wait()
	must(t, db.Commit(t.Context(), whole(1_000_000)))
	for _, i := range append(all, 1_000_000) {
		if !isWhole(t, db, i) {
			t.Errorf("acknowledged op %d is not there whole", i)
		}
	}
	assertWhole(t, db)
	assertSettled(t, stamper)
}

func assertSettled(t *testing.T, c *chain) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.wrong != nil || len(c.open) > 0 {
		t.Errorf("stamper: %v, %d lanes not settled", c.wrong, len(c.open))
	}
}

func TestConnectionLostAtCommit(t *testing.T) {
	for _, cut := range []cut{cutBefore, cutAfter, cutLate} {
		t.Run(string(cut), func(t *testing.T) {
			proxy := startProxy(t, testkit.SharedCluster(t))
			db := openTest(t, proxy.url(t))
			stamper := newChain()
			db.SetStamper(stamper)
			must(t, db.Commit(t.Context(), whole(1)))
			op := whole(2)
			op.Entries = [][]byte{[]byte(cut)}
			must(t, db.Commit(t.Context(), op))
			proxy.releaseLate(t)
			must(t, db.Commit(t.Context(), whole(3)))
			assertWhole(t, db)
			assertSettled(t, stamper)
			if n := count(t, db, "notes"); n != 6 || !proxy.hasCut() {
				t.Errorf("notes %d, cut %v; want 6, true", n, proxy.hasCut())
			}
		})
	}
}

func TestConnectionLostWithoutMarkIsUnknown(t *testing.T) {
	proxy := startProxy(t, testkit.SharedCluster(t))
	db := openTest(t, proxy.url(t))
	err := db.Commit(t.Context(), note(1, 1, string(cutAfter)))
	if !errors.Is(err, store.ErrUnknown) || !errs.Is(err, errs.Unavailable) {
		t.Errorf("got %v, want ErrUnknown", err)
	}
	must(t, db.Commit(t.Context(), note(1, 2, "goes on")))
}
