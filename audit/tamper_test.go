package audit

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// ledgerRow is a row of any ledger table, as raw SQL sees it.
type ledgerRow struct {
	table  string
	key    []string // key columns
	values map[string]any
}

// ledgerTables gives the columns of every table of the ledger.
func ledgerTables() map[string]*store.Table {
	s := schema()
	all := map[string]*store.Table{}
	for _, t := range []*store.Table{s.pending, s.heads, s.batches, s.tiles, s.state, s.checkpoints, s.signers, s.postings} {
		all[t.Name] = t
	}
	return all
}

// rows reads a whole table.
func (w *world) rows(t *store.Table) []ledgerRow {
	w.t.Helper()
	var names []string
	for _, c := range t.Columns {
		names = append(names, c.Name)
	}
	var all []ledgerRow
	sql := fmt.Sprintf("SELECT %s FROM %s ORDER BY 1, 2", strings.Join(names, ", "), t.Name)
	must(w.t, w.db.Query(w.t.Context(), sql, nil, func(s store.Scanner) error {
		r := ledgerRow{t.Name, names[:t.Key], map[string]any{}}
		dest := make([]any, len(t.Columns))
		for i, c := range t.Columns {
			switch c.Kind {
			case store.Int:
				dest[i] = new(int64)
			case store.Bytes:
				dest[i] = new([]byte)
			default:
				dest[i] = new(string)
			}
		}
		if err := s.Scan(dest...); err != nil {
			return err
		}
		for i, n := range names {
			switch d := dest[i].(type) {
			case *int64:
				r.values[n] = *d
			case *[]byte:
				r.values[n] = *d
			case *string:
				r.values[n] = *d
			}
		}
		all = append(all, r)
		return nil
	}))
	return all
}

func (r ledgerRow) where() (string, []any) {
	var parts []string
	var args []any
	for _, k := range r.key {
		parts = append(parts, k+" = ?")
		args = append(args, r.values[k])
	}
	return strings.Join(parts, " AND "), args
}

func (w *world) remove(r ledgerRow) {
	w.t.Helper()
	cond, args := r.where()
	if n := w.exec("DELETE FROM "+r.table+" WHERE "+cond, args...); n != 1 {
		w.t.Fatalf("removed %d rows of %s", n, r.table)
	}
}

func (w *world) insert(r ledgerRow) error {
	w.t.Helper()
	var names, marks []string
	var args []any
	for _, c := range ledgerTables()[r.table].Columns {
		names, marks, args = append(names, c.Name), append(marks, "?"), append(args, r.values[c.Name])
	}
	return w.db.Update(w.t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(w.t.Context(), fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", r.table,
			strings.Join(names, ", "), strings.Join(marks, ", ")), args...)
		return err
	})
}

// with is a copy with one value replaced.
func (r ledgerRow) with(column string, v any) ledgerRow {
	c := ledgerRow{r.table, r.key, map[string]any{}}
	for k, old := range r.values {
		c.values[k] = old
	}
	c.values[column] = v
	return c
}

// spoil changes a value so that it surely differs.
func spoil(rnd *rand.Rand, v any) any {
	switch v := v.(type) {
	case int64:
		if rnd.IntN(3) == 0 {
			return rnd.Int64() - rnd.Int64()
		}
		return v + int64(1+rnd.IntN(3))
	case []byte:
		return spoilBytes(rnd, v)
	case string:
		return v + "x"
	}
	panic("no such type")
}

func spoilBytes(rnd *rand.Rand, v []byte) []byte {
	c := append([]byte(nil), v...)
	switch rnd.IntN(4) {
	case 0:
		return append(c, 0)
	case 1:
		if len(c) > 0 {
			return c[:len(c)-1]
		}
		return []byte{1}
	default:
		if len(c) == 0 {
			return []byte{1}
		}
		c[rnd.IntN(len(c))] ^= 1 << rnd.IntN(8)
		return c
	}
}

// storied makes a ledger with every kind of row: several lanes, hours of checkpoints, full and
// partial tiles, pending rows.
func storied(t *testing.T, w *world) *Log {
	t.Helper()
	other := w.open("node-2")
	l := w.open("node-1")
	appendBulk(t, l, 300)
	for range 3 {
		appendN(t, l, 4)
		w.db.SetStamper(other)
		appendN(t, other, 3)
		w.db.SetStamper(l)
		sequence(t, l)
		w.advance(time.Hour)
	}
	w.db.SetStamper(other)
	appendN(t, other, 2)
	w.db.SetStamper(l)
	appendN(t, l, 5)
	clean(t, l)
	return l
}

// edit is one random act of tampering: it says which table it was done to, and undoes itself.
type edit struct {
	name  string
	table string
	undo  func()
}

func (w *world) tamper(rnd *rand.Rand) (edit, bool) {
	tables := ledgerTables()
	names := []string{"ledger_pending", "ledger_heads", "ledger_batches", "ledger_tiles", "ledger_state",
		"ledger_checkpoints", "ledger_signers", "ledger_postings"}
	table := tables[names[rnd.IntN(len(names))]]
	rows := w.rows(table)
	r := rows[rnd.IntN(len(rows))]
	c := table.Columns[rnd.IntN(len(table.Columns))]
	switch rnd.IntN(4) {
	case 0:
		w.remove(r)
		return edit{"delete", table.Name, func() { must(w.t, w.insert(r)) }}, true
	case 1:
		return w.change(rnd, r, c.Name)
	case 2:
		return w.swap(r, rows[rnd.IntN(len(rows))], c.Name)
	default:
		return w.add(rnd, r)
	}
}

func (w *world) change(rnd *rand.Rand, r ledgerRow, c string) (edit, bool) {
	changed := r.with(c, spoil(rnd, r.values[c]))
	w.remove(r)
	if err := w.insert(changed); err != nil { // the new key is taken
		must(w.t, w.insert(r))
		return edit{}, false
	}
	return edit{"change " + c, r.table, func() { w.remove(changed); must(w.t, w.insert(r)) }}, true
}

// swap exchanges one column of two rows; a key column exchanges the rows' places.
func (w *world) swap(a, b ledgerRow, c string) (edit, bool) {
	if fmt.Sprint(a.values[c]) == fmt.Sprint(b.values[c]) {
		return edit{}, false
	}
	a2, b2 := a.with(c, b.values[c]), b.with(c, a.values[c])
	if fmt.Sprint(a2.values) == fmt.Sprint(b.values) { // the rows differ in this column only
		return edit{}, false
	}
	restore := func() { must(w.t, w.insert(a)); must(w.t, w.insert(b)) }
	w.remove(a)
	w.remove(b)
	if w.insert(a2) != nil {
		restore()
		return edit{}, false
	}
	if w.insert(b2) != nil {
		w.remove(a2)
		restore()
		return edit{}, false
	}
	return edit{"swap " + c, a.table, func() { w.remove(a2); w.remove(b2); restore() }}, true
}

// add inserts a copy of a row under another key.
func (w *world) add(rnd *rand.Rand, r ledgerRow) (edit, bool) {
	k := r.key[rnd.IntN(len(r.key))]
	added := r.with(k, spoil(rnd, r.values[k]))
	if w.insert(added) != nil {
		return edit{}, false
	}
	return edit{"insert by " + k, r.table, func() { w.remove(added) }}, true
}

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
