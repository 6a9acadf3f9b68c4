package audit

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// Whatever row is changed, deleted, swapped or inserted, Verify names its table, or the leaf or
// head that no longer fits it; and when the edit is undone the ledger verifies again.
func TestVerifyNamesEveryRandomEdit(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		l := storied(t, w)
		seed := rand.Uint64()
		rnd := rand.New(rand.NewPCG(seed, 1))
		done := map[string]int{}
		for i := 0; i < 400; i++ {
			e, ok := w.tamper(rnd)
			if !ok {
				continue
			}
			done[e.table]++
			r := verify(t, l, VerifyOptions{Deep: true, Limit: 5000})
			if !names(r, e.table) {
				t.Errorf("seed %d round %d: %s in %s: not named; problems %v", seed, i, e.name, e.table, first(r.Problems))
			}
			e.undo()
		}
		clean(t, l)
		if len(done) != len(ledgerTables()) {
			t.Errorf("only %v were edited", done)
		}
	})
}

func first(p []Problem) []Problem { return p[:min(len(p), 4)] }

// names tells whether a report names a table: for batches a leaf will do.
func names(r Report, table string) bool {
	for _, p := range r.Problems {
		if strings.Contains(p.Where, table) || table == "ledger_batches" && strings.HasPrefix(p.Where, "leaf ") {
			return true
		}
	}
	return false
}

func TestSequencerStopsAtTamperedRows(t *testing.T) {
	for name, sql := range map[string]string{
		"edited row":      "UPDATE ledger_pending SET mac = prev WHERE seq = 8",
		"deleted row":     "DELETE FROM ledger_pending WHERE seq = 7",
		"deleted tail":    "DELETE FROM ledger_pending WHERE seq = 9",
		"renumbered row":  "UPDATE ledger_pending SET seq = 70 WHERE seq = 7",
		"edited head":     "UPDATE ledger_heads SET seq = 8",
		"edited state":    "UPDATE ledger_state SET size = 5",
		"deleted state":   "DELETE FROM ledger_state",
		"edited edge":     "UPDATE ledger_tiles SET hashes = (SELECT root FROM ledger_state)",
		"lost checkpoint": "DELETE FROM ledger_checkpoints",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sqliteURL(t))
			l := w.open("node-1")
			appendN(t, l, 6)
			sequence(t, l)
			appendN(t, l, 3)
			w.exec(sql)
			if _, err := l.Sequence(t.Context()); !errors.Is(err, ErrTampered) {
				t.Fatalf("sequencer: %v", err)
			}
			if r := verify(t, l, VerifyOptions{}); r.Clean() {
				t.Fatal("verifies")
			}
			if err := l.Run(t.Context()); !errors.Is(err, ErrTampered) {
				t.Fatalf("Run: %v", err)
			}
		})
	}
}

// A whole store rolled back to an earlier moment verifies in itself; a checkpoint kept elsewhere shows it.
func TestRollbackIsFoundByAKeptCheckpoint(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		l := w.open("node-1")
		appendN(t, l, 10)
		sequence(t, l)
		early, err := l.CheckpointNote(t.Context())
		must(t, err)
		var saved []ledgerRow
		for _, table := range ledgerTables() {
			saved = append(saved, w.rows(table)...)
		}
		appendN(t, l, 10)
		sequence(t, l)
		late, err := l.CheckpointNote(t.Context())
		must(t, err)
		if r := verify(t, l, VerifyOptions{Since: [][]byte{early, late}}); !r.Clean() {
			t.Fatalf("before the rollback: %v", r.Problems)
		}
		w.rollback(saved)
		clean(t, l)
		if r := verify(t, l, VerifyOptions{Since: [][]byte{early}}); !r.Clean() {
			t.Fatalf("an early checkpoint still holds: %v", r.Problems)
		}
		r := verify(t, l, VerifyOptions{Since: [][]byte{late}})
		if len(r.Problems) != 1 || !strings.Contains(r.Problems[0].String(), "rolled back") {
			t.Fatalf("rollback: %v", r.Problems)
		}
		must(t, l.Release(t.Context()))
		l2 := w.open("node-1") // as after a restart over the rolled-back store
		appendN(t, l2, 15)
		sequence(t, l2)
		r = verify(t, l2, VerifyOptions{Since: [][]byte{late}})
		if len(r.Problems) != 1 || !strings.Contains(r.Problems[0].String(), "another root") {
			t.Fatalf("history rewritten after a rollback: %v", r.Problems)
		}
	})
}

func (w *world) rollback(to []ledgerRow) {
	w.t.Helper()
	for name := range ledgerTables() {
		w.exec("DELETE FROM " + name)
	}
	for _, r := range to {
		must(w.t, w.insert(r))
	}
}

func TestForeignCheckpointIsNotAccepted(t *testing.T) {
	w := newWorld(t, sqliteURL(t))
	l := w.open("node-1")
	appendN(t, l, 2)
	sequence(t, l)
	forger, err := newSigner(testOrigin, make([]byte, 32))
	must(t, err)
	note, err := forger.checkpoint(2, (&frontier{}).root())
	must(t, err)
	for name, since := range map[string][]byte{"forged": note, "garbage": []byte("x"), "empty": nil} {
		if r := verify(t, l, VerifyOptions{Since: [][]byte{since}}); r.Clean() {
			t.Errorf("%s checkpoint accepted", name)
		}
	}
	if _, err := OpenCheckpoint(note, l.signer.vkey); !errs.Is(err, errs.Invalid) {
		t.Errorf("forged checkpoint: %v", err)
	}
}

// The list of problems is bounded, and says how many more there are.
func TestProblemsBeyondTheLimitAreCounted(t *testing.T) {
	w := newWorld(t, sqliteURL(t))
	l := w.open("node-1")
	appendN(t, l, 20)
	sequence(t, l)
	w.exec("UPDATE ledger_batches SET mac = prev")
	r := verify(t, l, VerifyOptions{Limit: 3})
	if len(r.Problems) != 3 || r.More < 17 {
		t.Fatalf("%d problems and %d more", len(r.Problems), r.More)
	}
}

// A missing day key is a finding, not an erasure.
func TestMissingDayKeyIsNamed(t *testing.T) {
	w := newWorld(t, sqliteURL(t))
	l := w.open("node-1")
	appendN(t, l, 4)
	sequence(t, l)
	day := int64(dayOf(w.clock()))
	w.exec("DELETE FROM wrapped_keys WHERE id = ?", day)
	w.ring.Close()
	r := verify(t, l, VerifyOptions{})
	if len(r.Problems) != 1 || r.Problems[0].Where != "wrapped_keys" {
		t.Fatalf("problems %v", r.Problems)
	}
}

// With Sealed nothing is opened, and hashes and chains are still checked.
func TestSealedVerificationOpensNothing(t *testing.T) {
	w := newWorld(t, sqliteURL(t))
	l := w.open("node-1")
	appendN(t, l, 5)
	sequence(t, l)
	w.exec("DELETE FROM wrapped_keys WHERE kind <> (SELECT MIN(kind) FROM wrapped_keys)")
	for patient := range int64(3) {
		w.ring.Forget(tutela.KeyPatient, 100+patient)
	}
	w.ring.Forget(tutela.KeyDay, int64(dayOf(w.clock())))
	if r := verify(t, l, VerifyOptions{Sealed: true}); !r.Clean() {
		t.Errorf("problems %v", r.Problems)
	}
	w.exec("UPDATE ledger_tiles SET hashes = mac FROM ledger_state WHERE level = 0")
	if r := verify(t, l, VerifyOptions{Sealed: true}); r.Clean() {
		t.Error("an edited tile verifies")
	}
}

// Entries that a key holder sealed and that say something else than they committed to are named,
// and so are bytes that are no entry.
func TestVerifyNamesEntriesThatDoNotOpen(t *testing.T) {
	for name, spoil := range map[string]func(f *leaf) []byte{
		"commitment": func(f *leaf) []byte { f.header.commitment[0] ^= 1; return f.append(nil) },
		"section":    func(f *leaf) []byte { f.sections[0].sealed[20] ^= 1; return f.append(nil) },
		"day":        func(f *leaf) []byte { f.day--; return f.append(nil) },
		"bytes":      func(*leaf) []byte { return []byte("no entry") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sqliteURL(t))
			l := w.open("node-1")
			good, err := l.Encode(t.Context(), reading("u", 9), about(9, "x"), nil)
			must(t, err)
			f, err := parseLeaf(good[0])
			must(t, err)
			n := &l.lanes[0]
			b := batch{lane: n.id, seq: 1, blob: bundle([][]byte{spoil(&f)})}
			h := head{1, b.hash()}
			b.mac = l.macs.batch(h.hash)
			must(t, w.db.Commit(t.Context(), store.Op{Inserts: []store.Rows{
				l.tables.pendingRow(b), l.tables.headRow(n.id, h, l.macs.head(n.id, h)),
			}}))
			if r := verify(t, l, VerifyOptions{}); len(r.Problems) != 1 {
				t.Errorf("pending: %v", r.Problems)
			}
			sequence(t, l) // the row is authentic, so it is taken; the finding stays
			if r := verify(t, l, VerifyOptions{Deep: true}); len(r.Problems) == 0 {
				t.Error("sequenced: no problem")
			}
			if err := l.Search(t.Context(), Query{}, func(Opened) error { return nil }); err != nil && !errs.Is(err, errs.Internal) {
				t.Errorf("search: %v", err)
			}
		})
	}
}

// A search fails on what was tampered with, in the tree or before it, unless it was told to pass over it. What
// stands before the damage is followed all the same.
func TestSearchesPassOverDamageOnlyWhenTold(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		l := w.open("node-1")
		for range 3 {
			appendN(t, l, 1)
			sequence(t, l)
		}
		appendN(t, l, 2)
		w.exec("UPDATE ledger_batches SET blob = mac WHERE first_leaf = 1")
		w.exec("UPDATE ledger_pending SET blob = mac WHERE seq = (SELECT MIN(seq) FROM ledger_pending)")
		for _, newest := range []bool{false, true} {
			count := func(q Query) (n int, err error) {
				q.Newest = newest
				return n, l.Search(t.Context(), q, func(Opened) error { n++; return nil })
			}
			if _, err := count(Query{}); !errors.Is(err, ErrTampered) {
				t.Errorf("it said %v", err)
			}
			if n, err := count(Query{Passing: true}); n != 3 || err != nil {
				t.Errorf("passing: %d of 3, %v", n, err)
			}
		}
		next, err := l.Follow(t.Context(), 0, func(Opened) error { return nil })
		if next != 1 || !errors.Is(err, ErrTampered) {
			t.Errorf("followed to %d: %v", next, err)
		}
	})
}
