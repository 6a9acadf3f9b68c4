package audit

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
)

const sequenced = 111 // of the entries of history

// history appends entries of random actors, patients, actions and days, some sequenced and some
// not, and gives them back in order.
func history(t *testing.T, w *world, l *Log, rnd *rand.Rand) []tutela.Entry {
	t.Helper()
	actions := []tutela.Action{tutela.ActionRead, tutela.ActionSearch, tutela.ActionCreate}
	outcomes := []tutela.Outcome{tutela.OutcomeSuccess, tutela.OutcomeDenied}
	start := w.clock().AddDate(0, 0, -9)
	var all []tutela.Entry
	for i := range 150 {
		e := reading(fmt.Sprint("user-", rnd.IntN(4)), tutela.Bucket(100+rnd.IntN(6)))
		e.ID, e.Action, e.Outcome = NewID(), actions[rnd.IntN(3)], outcomes[rnd.IntN(2)]
		e.Time = start.Add(time.Duration(rnd.IntN(9*24)) * time.Hour)
		_, err := l.Append(t.Context(), e, about(e.Patients[0].Patient, "x"))
		must(t, err)
		all = append(all, e)
		if i%40 == 30 {
			sequence(t, l)
		}
	}
	return all
}

func randomQuery(w *world, rnd *rand.Rand, all []tutela.Entry) Query {
	var q Query
	some := func() bool { return rnd.IntN(3) == 0 }
	e := all[rnd.IntN(len(all))]
	if some() {
		q.Actor = e.Actor.ID
	}
	if some() {
		q.Patient = &e.Patients[0].Patient
	}
	if some() {
		q.Action = e.Action
	}
	if some() {
		q.Outcome = tutela.OutcomeDenied
	}
	if some() {
		q.From = e.Time.Add(-30 * time.Hour)
	}
	if some() {
		q.To = e.Time.Add(30 * time.Hour)
	}
	if some() {
		q.ID = e.ID
	}
	if some() { // a page of the newest
		q = Query{}
	}
	q.Newest = some()
	if some() {
		q.Limit = 1 + rnd.IntN(5)
	}
	if some() {
		q.Below = 1 + rnd.Int64N(int64(len(all)))
	}
	q.InTree = some()
	return q
}

// bySight answers a query by looking at every entry.
func bySight(q Query, all []tutela.Entry) []string {
	var ids []string
	for i, e := range all {
		pending := i >= sequenced
		if pending && (q.InTree || q.Below > 0) || q.Below > 0 && int64(i) >= q.Below {
			continue
		}
		if q.matches(Opened{Entry: e}) {
			ids = append(ids, e.ID)
		}
	}
	if q.Newest {
		slices.Reverse(ids)
	}
	if q.Limit > 0 {
		ids = ids[:min(len(ids), q.Limit)]
	}
	return ids
}

func TestSearchFindsWhatLookingAtEveryEntryFinds(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		seed := rand.Uint64()
		rnd := rand.New(rand.NewPCG(seed, 2))
		l := w.open("node-1")
		all := history(t, w, l, rnd)
		// PostgreSQL commits single entries in one lane, so the order of appending is the ledger's.
		for range 300 {
			q := randomQuery(w, rnd, all)
			var got []string
			for _, o := range entries(t, l, q) {
				got = append(got, o.Entry.ID)
			}
			if d := cmp.Diff(bySight(q, all), got); d != "" {
				t.Fatalf("seed %d, query %+v: %s", seed, q, d)
			}
		}
	})
}

func TestSearchEndsWithItsCallersError(t *testing.T) {
	w := newWorld(t, sqliteURL(t))
	l := w.open("node-1")
	appendN(t, l, 4)
	sequence(t, l)
	appendN(t, l, 2)
	stop := errors.New("enough of this")
	seen := 0
	err := l.Search(t.Context(), Query{}, func(Opened) error { seen++; return stop })
	if !errors.Is(err, stop) || seen != 1 {
		t.Fatalf("after %d entries: %v", seen, err)
	}
}

// A batch that a posting leads to and that is gone is no empty answer.
func TestSearchDoesNotPassOverALostBatch(t *testing.T) {
	w := newWorld(t, sqliteURL(t))
	l := w.open("node-1")
	appendN(t, l, 4)
	sequence(t, l)
	w.exec("DELETE FROM ledger_batches WHERE first_leaf = 2")
	err := l.Search(t.Context(), Query{Actor: "user-0"}, func(Opened) error { return nil })
	if !errors.Is(err, ErrTampered) {
		t.Fatalf("search: %v", err)
	}
}

// No posting leads to the newest of all: each batch must reach to the next.
func TestThePageOfTheNewestMissesALostBatch(t *testing.T) {
	for _, c := range []struct {
		lost int64
		q    Query
		seen bool
	}{
		{5, Query{Limit: 2}, true},
		{4, Query{Limit: 2}, true},
		{0, Query{Limit: 9}, true},
		{3, Query{Limit: 2, Below: 4}, true},
		{2, Query{Limit: 2, Below: 4}, true},
		{5, Query{Limit: 2, Below: 4}, false},
		{0, Query{Limit: 2, Below: 4}, false},
	} {
		w := newWorld(t, sqliteURL(t))
		l := w.open("node-1")
		appendN(t, l, 6)
		sequence(t, l)
		c.q.Newest = true
		page := func() error { return l.Search(t.Context(), c.q, func(Opened) error { return nil }) }
		must(t, page())
		w.exec(fmt.Sprint("DELETE FROM ledger_batches WHERE first_leaf = ", c.lost))
		if err := page(); errors.Is(err, ErrTampered) != c.seen {
			t.Errorf("leaf %d lost, %+v: %v", c.lost, c.q, err)
		}
	}
}

func TestFollowResumesWhereItStopped(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		l := w.open("node-1")
		appendBulk(t, l, 1100)
		appendN(t, l, 7)
		sequence(t, l)
		appendN(t, l, 1) // pending: not followed yet
		var seen []int64
		pause := errors.New("pause")
		follow := func(from Cursor, upTo int) (Cursor, error) {
			return l.Follow(t.Context(), from, func(o Opened) error {
				if len(seen) == upTo {
					return pause
				}
				seen = append(seen, o.Leaf)
				return nil
			})
		}
		at, err := follow(0, 503)
		if !errors.Is(err, pause) || at != 503 {
			t.Fatalf("paused at %d: %v", at, err)
		}
		at, err = follow(at, -1)
		must(t, err)
		if at != 1107 || len(seen) != 1107 {
			t.Fatalf("caught up at %d after %d", at, len(seen))
		}
		for i, leaf := range seen {
			if leaf != int64(i) {
				t.Fatalf("leaf %d came %dth", leaf, i)
			}
		}
		sequence(t, l)
		at, err = follow(at, -1)
		must(t, err)
		if at != 1108 {
			t.Fatalf("at %d", at)
		}
	})
}

func TestVerifyYieldsEveryWrite(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		l := w.open("node-1")
		var want, got []tutela.Write
		for i := range 9 {
			e := reading("u", 101)
			e.Writes = []tutela.Write{{Locator: tutela.Locator(i), Version: 1, Bucket: 101, Digest: [32]byte{byte(i)}}}
			want = append(want, e.Writes...)
			_, err := l.Append(t.Context(), e, nil)
			must(t, err)
			if i == 5 {
				sequence(t, l)
			}
		}
		pending := 0
		verify(t, l, VerifyOptions{Write: func(leaf int64, w tutela.Write) error {
			got = append(got, w)
			if leaf == Pending {
				pending++
			}
			return nil
		}})
		if d := cmp.Diff(want, got); d != "" || pending != 3 {
			t.Errorf("%d pending; %s", pending, d)
		}
		refuse := errors.New("refused")
		_, err := l.Verify(t.Context(), VerifyOptions{Write: func(int64, tutela.Write) error { return refuse }})
		if !errors.Is(err, refuse) {
			t.Errorf("caller's error: %v", err)
		}
	})
}

func TestFindAndProveByID(t *testing.T) {
	w := newWorld(t, sqliteURL(t))
	l := w.open("node-1")
	r := appendN(t, l, 5)[3]
	leaf, err := l.Find(t.Context(), Query{ID: r.ID})
	must(t, err)
	if leaf != Pending {
		t.Fatalf("leaf %d before sequencing", leaf)
	}
	sequence(t, l)
	leaf, err = l.Find(t.Context(), Query{ID: r.ID, Actor: "user-1"})
	must(t, err)
	if leaf != 3 {
		t.Fatalf("leaf %d", leaf)
	}
	if _, err := l.Find(t.Context(), Query{ID: "none"}); err == nil {
		t.Error("found what is not there")
	}
}
