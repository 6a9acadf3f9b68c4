package e2e_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // reaches PostgreSQL behind Tutela's back
	_ "modernc.org/sqlite"             // and SQLite
)

// database is a system's store, reached behind its back.
type database struct {
	db       *sql.DB
	postgres bool
}

// behind opens the store of a system for editing.
func (s *system) behind(t testing.TB) *database {
	t.Helper()
	driver, source := "pgx", s.postgres
	if s.postgres == "" {
		driver, source = "sqlite", "file:"+filepath.Join(s.dir, "tutela.db")+"?_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, source)
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	return &database{db, s.postgres != ""}
}

// row is a row as it is stored.
type row struct {
	table   string
	columns []string
	values  []any
}

// with is a copy of the row with one value changed.
func (r row) with(column int, v any) row {
	r.values = slices.Clone(r.values)
	r.values[column] = v
	return r
}

func (r row) String() string {
	var parts []string
	for i, v := range r.values {
		text := fmt.Sprintf("%v", v)
		if b, ok := v.([]byte); ok {
			text = fmt.Sprintf("%d bytes %.8x", len(b), b)
		}
		parts = append(parts, r.columns[i]+"="+text)
	}
	return r.table + "(" + strings.Join(parts, " ") + ")"
}

// get reads the value of a column.
func (r row) get(column string) any { return r.values[slices.Index(r.columns, column)] }

// column is the place of a column.
func (r row) column(name string) int { return slices.Index(r.columns, name) }

// rows reads a whole table.
func (d *database) rows(t testing.TB, table string) []row {
	t.Helper()
	found, err := d.db.QueryContext(t.Context(), "SELECT * FROM "+table)
	must(t, err)
	columns, err := found.Columns()
	must(t, err)
	var list []row
	for found.Next() {
		r := row{table, columns, make([]any, len(columns))}
		into := make([]any, len(columns))
		for i := range into {
			into[i] = &r.values[i]
		}
		must(t, found.Scan(into...))
		list = append(list, r)
	}
	must(t, errors.Join(found.Err(), found.Close()))
	return list
}

// place writes placeholder n.
func (d *database) place(n int) string {
	if d.postgres {
		return fmt.Sprintf("$%d", n+1)
	}
	return "?"
}

// insert adds a row; it fails when the key is taken.
func (d *database) insert(t testing.TB, r row) error {
	t.Helper()
	places := make([]string, len(r.values))
	for i := range places {
		places[i] = d.place(i)
	}
	_, err := d.db.ExecContext(t.Context(), fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)",
		r.table, strings.Join(r.columns, ", "), strings.Join(places, ", ")), r.values...)
	return err
}

// remove deletes exactly one row.
func (d *database) remove(t testing.TB, r row) {
	t.Helper()
	where := make([]string, len(r.columns))
	for i, c := range r.columns {
		where[i] = c + " IS NOT DISTINCT FROM " + d.place(i)
	}
	done, err := d.db.ExecContext(t.Context(), "DELETE FROM "+r.table+" WHERE "+strings.Join(where, " AND "), r.values...)
	must(t, err)
	if n, err := done.RowsAffected(); err != nil || n != 1 {
		t.Fatalf("%d rows were deleted, %v: %v", n, err, r)
	}
}

// replace puts one row in another's place, or leaves everything as it was and says so.
func (d *database) replace(t testing.TB, old, changed row) bool {
	t.Helper()
	d.remove(t, old)
	if d.insert(t, changed) == nil {
		return true
	}
	must(t, d.insert(t, old))
	return false
}

// edit is an act of tampering, and how to undo it.
type edit struct {
	what string
	rows []row
	undo func()
}

func (e edit) String() string { return fmt.Sprintf("%s %v", e.what, e.rows) }

// tamper makes one random edit of a table; false when what the dice said was no change.
func (d *database) tamper(t testing.TB, dice *rand.Rand, table string) (edit, bool) {
	t.Helper()
	all := d.rows(t, table)
	r := all[dice.IntN(len(all))]
	c := dice.IntN(len(r.columns))
	spoiled := r.with(c, spoil(dice, r.values[c]))
	switch dice.IntN(4) {
	case 0:
		d.remove(t, r)
		return edit{"delete", []row{r}, func() { must(t, d.insert(t, r)) }}, true
	case 1:
		ok := !contains(all, spoiled) && d.replace(t, r, spoiled)
		return edit{"change " + r.columns[c], []row{r, spoiled}, func() { d.remove(t, spoiled); must(t, d.insert(t, r)) }}, ok
	case 2:
		ok := !contains(all, spoiled) && d.insert(t, spoiled) == nil
		return edit{"copy with another " + r.columns[c], []row{r, spoiled}, func() { d.remove(t, spoiled) }}, ok
	default:
		return d.swap(t, all, r, all[dice.IntN(len(all))], c)
	}
}

// swap exchanges one value of two rows of a table.
func (d *database) swap(t testing.TB, all []row, a, b row, c int) (edit, bool) {
	t.Helper()
	a2, b2 := a.with(c, b.values[c]), b.with(c, a.values[c])
	if contains(all, a2) || contains(all, b2) { // the same value, or the rows would only change places
		return edit{}, false
	}
	d.remove(t, a)
	d.remove(t, b)
	restore := func() { must(t, d.insert(t, a)); must(t, d.insert(t, b)) }
	if d.insert(t, a2) != nil {
		restore()
		return edit{}, false
	}
	if d.insert(t, b2) != nil {
		d.remove(t, a2)
		restore()
		return edit{}, false
	}
	return edit{"swap " + a.columns[c], []row{a, b}, func() { d.remove(t, a2); d.remove(t, b2); restore() }}, true
}

func contains(all []row, r row) bool {
	return slices.ContainsFunc(all, func(other row) bool { return equal(r, other) })
}

func equal(a, b row) bool {
	return slices.EqualFunc(a.values, b.values, func(x, y any) bool {
		xb, isBytes := x.([]byte)
		yb, _ := y.([]byte)
		return isBytes && bytes.Equal(xb, yb) || !isBytes && x == y
	})
}

// spoil makes another value of the same type.
func spoil(dice *rand.Rand, v any) any {
	switch v := v.(type) {
	case []byte:
		if len(v) == 0 {
			return []byte{1}
		}
		b := slices.Clone(v)
		b[dice.IntN(len(b))] ^= 1 << dice.IntN(8)
		return b
	case int64:
		if dice.IntN(2) == 0 {
			return v + 1
		}
		return v ^ 1<<dice.IntN(63)
	case string:
		return v + "x"
	default: // NULL
		return dice.Int64()
	}
}
