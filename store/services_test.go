package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/store"
)

// hands is a clock that a test moves.
type hands struct {
	mu  sync.Mutex
	now time.Time
}

func (h *hands) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hands) move(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// onEachEngineAt is onEachEngine with a clock that the test moves.
func onEachEngineAt(t *testing.T, f func(t *testing.T, db *store.DB, h *hands)) {
	t.Helper()
	urls := map[string]func(*testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + t.TempDir() + "/h.db" },
		"postgres": func(t *testing.T) string { return testkit.Postgres(t) },
	}
	for engine, url := range urls {
		t.Run(engine, func(t *testing.T) {
			h := &hands{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
			db, err := store.Open(t.Context(), store.Config{URL: url(t), Reserve: -1, Clock: h.clock})
			must(t, err)
			t.Cleanup(func() { must(t, db.Close()) })
			must(t, db.Migrate(t.Context(), testMigrations()))
			f(t, db, h)
		})
	}
}

func TestLeaseIsHeldByOneUntilItExpires(t *testing.T) {
	onEachEngineAt(t, func(t *testing.T, db *store.DB, h *hands) {
		ctx := t.Context()
		a, err := db.Acquire(ctx, "sequencer", "a", time.Minute)
		must(t, err)
		if _, err := db.Acquire(ctx, "sequencer", "b", time.Minute); !errs.Is(err, errs.Conflict) {
			t.Errorf("held lease acquired: %v", err)
		}
		again, err := db.Acquire(ctx, "sequencer", "a", 2*time.Minute)
		must(t, err)
		if again.Token != a.Token || !again.Expires.After(a.Expires) {
			t.Errorf("acquired again: %+v after %+v", again, a)
		}
		h.move(2*time.Minute + time.Millisecond)
		assertFenced(t, db, again)
		b, err := db.Acquire(ctx, "sequencer", "b", time.Minute)
		must(t, err)
		if b.Token <= a.Token {
			t.Errorf("token %d after %d", b.Token, a.Token)
		}
		if _, err := db.Renew(ctx, a, time.Minute); !errors.Is(err, store.ErrFenced) || !errs.Is(err, errs.Conflict) {
			t.Errorf("lost lease renewed: %v", err)
		}
		assertFenced(t, db, a)
		must(t, db.Release(ctx, a))
		b, err = db.Renew(ctx, b, time.Hour)
		must(t, err)
		h.move(30 * time.Minute)
		must(t, db.Update(ctx, func(tx *store.Tx) error { return tx.Fence(ctx, b) }))
		must(t, db.Release(ctx, b))
		assertFenced(t, db, b)
		_, err = db.Acquire(ctx, "sequencer", "c", time.Minute)
		must(t, err)
	})
}

// assertFenced checks that a transaction under l writes nothing.
func assertFenced(t *testing.T, db *store.DB, l store.Lease) {
	t.Helper()
	err := db.Update(t.Context(), func(tx *store.Tx) error {
		if err := tx.Insert(t.Context(), note(99, l.Token, "late").Inserts...); err != nil {
			return err
		}
		return tx.Fence(t.Context(), l)
	})
	if !errors.Is(err, store.ErrFenced) || count(t, db, "notes") != 0 {
		t.Errorf("token %d: %v", l.Token, err)
	}
}

func TestLeaseGoesToOneOfMany(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *store.DB) {
		var wg sync.WaitGroup
		var mu sync.Mutex
		var holders []string
		for i := range 16 {
			wg.Go(func() {
				owner := fmt.Sprint("node-", i)
				_, err := db.Acquire(t.Context(), "one", owner, time.Hour)
				if err != nil && !errs.Is(err, errs.Conflict) {
					t.Error(err)
				}
				if err == nil {
					mu.Lock()
					holders = append(holders, owner)
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if len(holders) != 1 {
			t.Errorf("holders: %v", holders)
		}
	})
}

// countTo is a Step that writes a note for every number up to total; it fails at failAt.
func countTo(total, failAt int64) store.Step {
	return func(ctx context.Context, tx *store.Tx, s store.JobState) (store.JobState, error) {
		if s.Done == failAt {
			return s, errRefused
		}
		err := tx.Insert(ctx, note(1, s.Done, "step").Inserts...)
		s.Done++
		s.Cursor, s.Total, s.Finished = fmt.Append(nil, s.Done), total, s.Done == total
		return s, err
	}
}

func TestJobGoesOnWhereItStopped(t *testing.T) {
	onEachEngineAt(t, func(t *testing.T, db *store.DB, h *hands) {
		ctx := t.Context()
		if _, err := db.JobState(ctx, "reindex"); !errs.Is(err, errs.NotFound) {
			t.Errorf("state of no job: %v", err)
		}
		a, err := db.StartJob(ctx, "reindex", "a", time.Minute)
		must(t, err)
		if err := a.Run(ctx, countTo(5, 3)); !errors.Is(err, errRefused) {
			t.Errorf("got %v", err)
		}
		if _, err := db.StartJob(ctx, "reindex", "b", time.Minute); !errs.Is(err, errs.Conflict) {
			t.Errorf("two owners: %v", err)
		}
		h.move(2 * time.Minute)
		b, err := db.StartJob(ctx, "reindex", "b", time.Minute)
		must(t, err)
		if err := a.Run(ctx, countTo(5, -1)); !errors.Is(err, store.ErrFenced) {
			t.Errorf("an owner that was replaced: %v", err)
		}
		must(t, b.Run(ctx, countTo(5, -1)))
		s, err := db.JobState(ctx, "reindex")
		must(t, err)
		want := store.JobState{Name: "reindex", Cursor: []byte("5"), Done: 5, Total: 5, Finished: true, Updated: h.clock()}
		if d := cmp.Diff(want, s); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff(want, b.State()); d != "" {
			t.Error(d)
		}
		if n := count(t, db, "notes"); n != 5 {
			t.Errorf("steps written: %d, want 5", n)
		}
		must(t, b.Restart(ctx))
		if s := b.State(); s.Finished || s.Done != 0 {
			t.Errorf("restarted: %+v", s)
		}
		must(t, b.Close(ctx))
		_, err = db.StartJob(ctx, "reindex", "a", time.Minute)
		must(t, err)
	})
}

func TestInvalidationsReachOtherNodes(t *testing.T) {
	urls := map[string]string{"sqlite": "sqlite:" + t.TempDir() + "/i.db", "postgres": testkit.Postgres(t)}
	for engine, url := range urls {
		t.Run(engine, func(t *testing.T) {
			here, there := openTest(t, url), openTest(t, url)
			must(t, here.Commit(t.Context(), store.Op{Inserts: []store.Rows{here.Publish(store.Invalidation{Topic: "token", Key: []byte("old")})}}))
			w, err := there.Watch(t.Context())
			must(t, err)
			defer w.Close()
			got := make(chan string, 10)
			w.Subscribe("token", func(key []byte) { got <- string(key) })
			w.Subscribe("policy", func(key []byte) { t.Errorf("policy %q", key) })
			op := note(1, 1, "x")
			op.Inserts = append(op.Inserts, here.Publish(
				store.Invalidation{Topic: "token", Key: []byte("a")}, store.Invalidation{Topic: "other"}))
			must(t, here.Commit(t.Context(), op))
			if key := <-got; key != "a" {
				t.Errorf("told %q, want a", key)
			}
			if !w.Fresh() {
				t.Error("not fresh right after a poll")
			}
		})
	}
}

func TestCachesAreStaleWhenPollsFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, err := store.Open(t.Context(), store.Config{URL: "sqlite:" + t.TempDir() + "/s.db", Reserve: -1})
		must(t, err)
		must(t, db.Migrate(t.Context(), nil))
		w, err := db.Watch(t.Context())
		must(t, err)
		told := 0
		w.Subscribe("token", func([]byte) { told++ })
		publish := func() {
			must(t, db.Commit(t.Context(), store.Op{Inserts: []store.Rows{db.Publish(store.Invalidation{Topic: "token"})}}))
		}
		publish()
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		if told != 1 || !w.Fresh() {
			t.Errorf("told %d times, fresh %v; want once, true", told, w.Fresh())
		}
		if n := count(t, db, "invalidations"); n != 0 {
			t.Errorf("old rows: %d", n)
		}
		must(t, db.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), "ALTER TABLE invalidations RENAME TO hidden")
			return err
		}))
		time.Sleep(700 * time.Millisecond)
		fresh := w.Fresh()
		time.Sleep(500 * time.Millisecond)
		if !fresh || w.Fresh() {
			t.Errorf("fresh %v, then %v; want true, false", fresh, w.Fresh())
		}
		must(t, db.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), "ALTER TABLE hidden RENAME TO invalidations")
			return err
		}))
		time.Sleep(300 * time.Millisecond)
		synctest.Wait()
		if !w.Fresh() {
			t.Error("not fresh when polls succeed again")
		}
		w.Close()
		must(t, db.Close())
	})
}

func TestWrappedKeys(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		made := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		key := func(kind tutela.KeyKind, id int64, version int) tutela.WrappedKey {
			return tutela.WrappedKey{Kind: kind, ID: id, Version: version, Generation: 3, Blob: []byte{1, 2, byte(version)}, Created: made}
		}
		all := []tutela.WrappedKey{
			key(tutela.KeyRing, 0, 3), key(tutela.KeyPatient, -5, 1), key(tutela.KeyPatient, -5, 2),
			key(tutela.KeyGeneral, 0, 1), key(tutela.KeyDay, 20000, 1), key(tutela.KeySystem, 4, 1),
		}
		must(t, db.OpenGeneration(ctx, all[0], "test"))
		for _, k := range all[2:] {
			must(t, db.PutWrappedKey(ctx, k))
		}
		op := note(1, 1, "travels with its key")
		op.Claims = []store.Claim{store.ClaimKey(all[1])}
		must(t, db.Commit(ctx, op))
		if err := db.PutWrappedKey(ctx, all[1]); !errs.Is(err, errs.Conflict) {
			t.Errorf("put twice: %v", err)
		}
		if err := db.PutWrappedKey(ctx, key("other", 1, 1)); err == nil {
			t.Error("an unknown kind was put")
		}
		if err := db.Commit(ctx, store.Op{Claims: []store.Claim{store.ClaimKey(key("other", 1, 1))}}); err == nil {
			t.Error("an unknown kind was claimed")
		}
		var got []tutela.WrappedKey
		must(t, db.WrappedKeys(ctx, func(k tutela.WrappedKey) error { got = append(got, k); return nil }))
		if d := cmp.Diff(all, got); d != "" {
			t.Error(d)
		}
		for version, want := range map[int]tutela.WrappedKey{0: all[2], 1: all[1], 2: all[2]} {
			k, err := db.WrappedKey(ctx, tutela.KeyPatient, -5, version)
			must(t, err)
			if d := cmp.Diff(want, k); d != "" {
				t.Error(d)
			}
		}
		if _, err := db.WrappedKey(ctx, tutela.KeyPatient, -5, 3); !errs.Is(err, errs.NotFound) {
			t.Errorf("absent version: %v", err)
		}
		if _, err := db.WrappedKey(ctx, tutela.KeyPatient, 6, 0); !errs.Is(err, errs.NotFound) {
			t.Errorf("absent key: %v", err)
		}
	})
}

// A poll on a connection that a firewall forgot is given up, and the next one takes another: a node
// must not stay deaf for as long as TCP waits.
func TestPollThatNobodyAnswersIsGivenUp(t *testing.T) {
	relay, url := testkit.RelayPostgres(t, testkit.Postgres(t))
	db := openTest(t, url)
	w, err := db.Watch(t.Context())
	must(t, err)
	defer w.Close()
	await := func(fresh bool) {
		t.Helper()
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for limit := time.After(time.Minute); w.Fresh() != fresh; {
			select {
			case <-tick.C:
			case <-limit:
				t.Fatalf("fresh: %v", w.Fresh())
			}
		}
	}
	relay.Lose()
	await(false)
	await(true)
}

// A lease that was taken under a clock which has gone back since holds nobody up; one of a node whose clock is a little ahead
// is held.
func TestLeaseOfAClockThatWentBackIsFree(t *testing.T) {
	onEachEngineAt(t, func(t *testing.T, db *store.DB, h *hands) {
		ctx := t.Context()
		h.move(30 * time.Second)
		ahead, err := db.Acquire(ctx, "sequencer", "a", time.Minute)
		must(t, err)
		h.move(-30 * time.Second)
		if _, err := db.Acquire(ctx, "sequencer", "b", time.Minute); !errs.Is(err, errs.Conflict) {
			t.Errorf("the lease of a node half a minute ahead was acquired: %v", err)
		}
		h.move(365 * 24 * time.Hour)
		far, err := db.Acquire(ctx, "sequencer", "a", time.Minute)
		must(t, err)
		h.move(-365 * 24 * time.Hour)
		b, err := db.Acquire(ctx, "sequencer", "b", time.Minute)
		must(t, err)
		if b.Token <= far.Token || far.Token <= ahead.Token {
			t.Errorf("tokens %d, %d, %d", ahead.Token, far.Token, b.Token)
		}
		assertFenced(t, db, far)
		must(t, db.Update(ctx, func(tx *store.Tx) error { return tx.Fence(ctx, b) }))
	})
}
