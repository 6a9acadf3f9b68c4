package audit

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/store"
)

func TestAppendedEntriesAreSequencedAndVerify(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		l := w.open("node-1")
		clean(t, l)
		receipts := appendN(t, l, 20)
		if !receipts[0].Valid() || (Receipt{}).Valid() {
			t.Error("a receipt is told from none")
		}
		if r := clean(t, l); r.Size != 0 || r.Pending != 20 {
			t.Fatalf("before sequencing: size %d, pending %d", r.Size, r.Pending)
		}
		if n := sequence(t, l); n != 20 {
			t.Fatalf("sequenced %d, want 20", n)
		}
		if r := clean(t, l); r.Size != 20 || r.Pending != 0 {
			t.Fatalf("after sequencing: size %d, pending %d", r.Size, r.Pending)
		}
		for i, o := range entries(t, l, Query{}) {
			if o.Leaf != int64(i) || o.Entry.ID != receipts[i].ID {
				t.Errorf("leaf %d is %d %s, want %s", i, o.Leaf, o.Entry.ID, receipts[i].ID)
			}
		}
	})
}

func TestTreeGrowsOverManyTiles(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		l := w.open("node-1")
		for _, n := range []int{1, 254, 1, 1, 511, 700} {
			appendBulk(t, l, n)
			sequence(t, l)
		}
		if r := clean(t, l); r.Size != 1468 {
			t.Fatalf("size %d", r.Size)
		}
	})
}

func TestLanesGoOnAfterRestart(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		appendN(t, w.open("node-1"), 3)
		l := w.open("node-1")
		appendN(t, l, 3)
		sequence(t, l)
		appendN(t, l, 1)
		if r := clean(t, l); r.Size != 6 || r.Pending != 1 {
			t.Fatalf("size %d, pending %d", r.Size, r.Pending)
		}
	})
}

func TestConcurrentAppendsAreAllThere(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		l := w.open("node-1")
		const callers, each = 32, 20
		var wg sync.WaitGroup
		failed := make(chan error, callers)
		for c := range callers {
			wg.Go(func() {
				for range each {
					if _, err := l.Append(t.Context(), reading(fmt.Sprint("user-", c), 7), nil); err != nil {
						failed <- err
						return
					}
				}
			})
		}
		for range 5 {
			sequence(t, l)
			clean(t, l) // it sees one moment, whatever goes on
		}
		wg.Wait()
		close(failed)
		for err := range failed {
			t.Error(err)
		}
		sequence(t, l)
		if r := clean(t, l); r.Size != callers*each {
			t.Fatalf("size %d, want %d", r.Size, callers*each)
		}
	})
}

// A failed commit leaves the chain where it was, and what follows continues it.
func TestFailedCommitDoesNotBreakTheChain(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		l := w.open("node-1")
		appendN(t, l, 2)
		leaves := encodeN(t, l, 1)
		taken := row(l.tables.signers, int64(1), "taken", []byte{1}) // number 1 exists
		err := w.db.Commit(t.Context(), store.Op{Inserts: []store.Rows{taken}, Entries: leaves})
		if !errs.Is(err, errs.Conflict) {
			t.Fatalf("commit over an existing row: %v", err)
		}
		appendN(t, l, 2)
		sequence(t, l)
		if r := clean(t, l); r.Size != 4 {
			t.Fatalf("size %d, want 4", r.Size)
		}
	})
}

// The process may die, or lose its connection, after the commit and before Settle: the lane
// reads its end from the store and goes on.
func TestChainSurvivesALostSettle(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		l := w.open("node-1")
		appendN(t, l, 1)
		stamped, err := l.Stamp(0, encodeN(t, l, 1))
		must(t, err)
		must(t, w.db.Update(t.Context(), func(tx *store.Tx) error {
			if err := tx.Insert(t.Context(), stamped.Inserts...); err != nil {
				return err
			}
			end := stamped.Claims[0]
			return tx.Upsert(t.Context(), store.Rows{Table: end.Table, Rows: [][]any{end.Set}})
		}))
		l.Settle(0, false) // the outcome was not seen
		appendN(t, l, 2)
		appendN(t, w.open("node-1"), 1)
		sequence(t, l)
		if r := clean(t, l); r.Size != 5 {
			t.Fatalf("size %d, want 5", r.Size)
		}
	})
}

func TestTwoNodesShareALedger(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		a, b := w.open("node-a"), w.open("node-b")
		commit := func(l *Log, n int) { // the DB has one Stamper; in life each node has its own DB
			w.db.SetStamper(l)
			appendN(t, l, n)
		}
		commit(a, 3)
		commit(b, 4)
		sequence(t, a)
		commit(b, 1)
		if _, err := b.Sequence(t.Context()); !errs.Is(err, errs.Conflict) {
			t.Fatalf("b sequences beside a: %v", err)
		}
		must(t, a.Release(t.Context()))
		if n := sequence(t, b); n != 1 {
			t.Fatalf("b sequenced %d after a let go", n)
		}
		commit(a, 2)
		w.advance(2 * leaseFor) // b died
		if n := sequence(t, a); n != 2 {
			t.Fatalf("a sequenced %d after b's lease ran out", n)
		}
		if r := clean(t, a); r.Size != 10 {
			t.Fatalf("size %d", r.Size)
		}
	})
}

// A node that lost its lease while it worked writes nothing.
func TestFencedSequencerWritesNothing(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		a, b := w.open("node-a"), w.open("node-b")
		appendN(t, b, 2)
		_, err := a.hold(t.Context())
		must(t, err)
		w.advance(2 * leaseFor)
		if n := sequence(t, b); n != 2 {
			t.Fatalf("b sequenced %d", n)
		}
		w.advance(-2 * leaseFor) // a's clock is late: it believes in its lease
		appendN(t, b, 1)
		if _, err := a.Sequence(t.Context()); !errs.Is(err, errs.Conflict) {
			t.Fatalf("fenced sequencer: %v", err)
		}
		if r := clean(t, b); r.Size != 2 || r.Pending != 1 {
			t.Fatalf("size %d, pending %d", r.Size, r.Pending)
		}
	})
}

func TestSequencerTakesLimitedSteps(t *testing.T) {
	w := newWorld(t, sqliteURL(t))
	cfg := w.config("node-1")
	cfg.Limit = 10
	l, err := Open(t.Context(), cfg)
	must(t, err)
	appendN(t, l, 35)
	if n := sequence(t, l); n != 35 {
		t.Fatalf("sequenced %d", n)
	}
	clean(t, l)
}

func TestErasedSectionStillVerifies(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		l := w.open("node-1")
		appendN(t, l, 6)
		sequence(t, l)
		w.exec("DELETE FROM wrapped_keys WHERE id = 101")
		w.ring.Forget(tutela.KeyPatient, 101)
		if r := clean(t, l); r.Erased != 2 {
			t.Fatalf("erased %d, want 2", r.Erased)
		}
		patient := tutela.Bucket(101)
		for _, o := range entries(t, l, Query{Patient: &patient}) {
			got, err := l.Sections(t.Context(), o)
			must(t, err)
			want := []OpenedSection{{Patient: 101, Erased: true}}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		}
	})
}

// A patient's first key is not in the store when the entry is encoded: it travels in the same commit.
func TestFreshKeyTravelsWithItsEntry(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		l := w.open("node-1")
		k, fresh, err := w.ring.Prepare(t.Context(), tutela.KeyPatient, 555)
		must(t, err)
		leaves, err := l.Encode(t.Context(), reading("u", 555), about(555, "x"), FreshKeys{555: k})
		must(t, err)
		must(t, w.db.Commit(t.Context(), store.Op{Claims: []store.Claim{store.ClaimKey(*fresh)}, Entries: leaves}))
		sequence(t, l)
		if r := clean(t, l); r.Erased != 0 {
			t.Fatalf("section does not open after its key was committed")
		}
	})
}

func TestEncodeRefusesWhatDoesNotBelong(t *testing.T) {
	w := newWorld(t, sqliteURL(t))
	l := w.open("node-1")
	good := reading("u", 1)
	for name, spoil := range map[string]func(*tutela.Entry, *[]tutela.Section){
		"another tenant": func(e *tutela.Entry, _ *[]tutela.Section) { e.Tenant = "other" },
		"no action":      func(e *tutela.Entry, _ *[]tutela.Section) { e.Action = "" },
		"no outcome":     func(e *tutela.Entry, _ *[]tutela.Section) { e.Outcome = "" },
		"the future":     func(e *tutela.Entry, _ *[]tutela.Section) { e.Time = w.clock().AddDate(0, 0, 2) },
		"shared bucket":  func(_ *tutela.Entry, s *[]tutela.Section) { *s = about(tutela.BucketShared, "x") },
	} {
		e, s := good, []tutela.Section(nil)
		spoil(&e, &s)
		if _, err := l.Encode(t.Context(), e, s, nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// A leaf whose section was cut out of another entry does not open, though patient, key and place agree.
func TestMovedSectionDoesNotOpen(t *testing.T) {
	w := newWorld(t, sqliteURL(t))
	l := w.open("node-1")
	var leaves [2]leaf
	for i := range leaves {
		b, err := l.Encode(t.Context(), reading("u", 9), about(9, fmt.Sprint(i)), nil)
		must(t, err)
		leaves[i], err = parseLeaf(b[0])
		must(t, err)
	}
	leaves[0].sections = leaves[1].sections
	if _, err := l.openSection(t.Context(), leaves[0], 0); !errors.Is(err, keys.ErrSealed) {
		t.Fatalf("moved section: %v", err)
	}
	leaves[0].day++
	if _, err := l.openHeader(t.Context(), leaves[0]); err == nil {
		t.Fatal("header opened on another day")
	}
}

// A hash of another length is an edit too, also where a chain begins with the zero hash.
func TestShortenedFirstLinkIsNamed(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		l := w.open("node-1")
		appendN(t, l, 3)
		sequence(t, l)
		clean(t, l)
		w.exec("UPDATE ledger_batches SET prev = ? WHERE first_leaf = 0", make([]byte, 31))
		if r := verify(t, l, VerifyOptions{}); r.Clean() {
			t.Error("a shortened prev verifies")
		}
	})
}

// Two processes under one name move the same chain: each finds where the other left it, also when
// the rows in between have been sequenced away.
func TestTwoProcessesUnderOneNameKeepOneChain(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		one, two := w.open("node-1"), w.open("node-1")
		for range 3 {
			w.db.SetStamper(one)
			appendN(t, one, 2)
			sequence(t, one)
			must(t, one.Release(t.Context()))
			w.db.SetStamper(two)
			appendN(t, two, 2)
			sequence(t, two)
			must(t, two.Release(t.Context()))
		}
		if r := clean(t, one); r.Size != 12 {
			t.Fatalf("size %d, want 12", r.Size)
		}
	})
}
