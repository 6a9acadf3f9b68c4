package audit

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

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
