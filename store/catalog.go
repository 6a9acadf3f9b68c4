package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/tutela-health/tutela/internal/errs"
)

// Tables describes every table there is, by name, the columns of its key first. It is for what keeps
// rows without knowing them: a backup.
func (db *DB) Tables(ctx context.Context) ([]*Table, error) {
	sql := sqliteCatalog
	if db.Engine() == Postgres {
		sql = postgresCatalog
	}
	var list []*Table
	var places []int64 // of the last table's columns in its key, 0 for none
	err := db.Query(ctx, sql, nil, func(s Scanner) error {
		var table, column, kind string
		var place int64
		if err := s.Scan(&table, &column, &kind, &place); err != nil {
			return err
		}
		if len(list) == 0 || list[len(list)-1].Name != table {
			list, places = append(list, &Table{Name: table}), nil
		}
		k, err := kindOf(kind)
		if err != nil {
			return fmt.Errorf("table %s: %w", table, err)
		}
		places = list[len(list)-1].add(Column{column, k}, place, places)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	return list, nil
}

// add puts a column where it belongs: those of the key in its order, then the others in theirs.
func (t *Table) add(c Column, place int64, places []int64) []int64 {
	at := len(t.Columns)
	if place > 0 {
		at, _ = slices.BinarySearchFunc(places[:t.Key], place, cmp.Compare[int64])
		t.Key++
	}
	t.Columns = slices.Insert(t.Columns, at, c)
	return slices.Insert(places, at, place)
}

// The catalogues: table, column, type, and place in the primary key from 1, or 0.
const (
	sqliteCatalog = `SELECT m.name, c.name, c.type, c.pk FROM sqlite_master m JOIN pragma_table_info(m.name) c
WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY m.name, c.cid`
	postgresCatalog = `SELECT c.relname::text, a.attname::text, t.typname::text,
	(COALESCE(array_position(i.indkey::int2[], a.attnum), -1) + 1)::bigint
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
ORDER BY c.relname COLLATE "C", a.attnum`
)

func kindOf(name string) (Kind, error) {
	switch name {
	case "INTEGER", "int8":
		return Int, nil
	case "BLOB", "bytea":
		return Bytes, nil
	case "TEXT", "text":
		return Text, nil
	}
	return 0, errs.New(errs.Internal, "a column has the unknown type %s", name)
}

// Select is the statement that reads the table's columns in their order; what follows narrows or sorts.
func (t *Table) Select(what string) string {
	return fmt.Sprintf("SELECT %s FROM %s %s", each(t.Columns, ", ", "%[1]s"), t.Name, what)
}

// ByKey sorts rows by the table's key.
func (t *Table) ByKey() string {
	if t.Key == 0 {
		return ""
	}
	return "ORDER BY " + each(t.Columns[:t.Key], ", ", "%[1]s")
}

// ScanRow reads a row of Select as Rows take it: int64, []byte, string, or nil.
func (t *Table) ScanRow(s Scanner) ([]any, error) {
	ints, texts, dest := make([]*int64, len(t.Columns)), make([]*string, len(t.Columns)), make([]any, len(t.Columns))
	row := make([]any, len(t.Columns))
	for i, c := range t.Columns {
		switch c.Kind {
		case Int:
			dest[i] = &ints[i]
		case Text:
			dest[i] = &texts[i]
		case Bytes:
			dest[i] = new([]byte)
		}
	}
	if err := s.Scan(dest...); err != nil {
		return nil, fmt.Errorf("table %s: %w", t.Name, err)
	}
	for i := range row {
		switch b, _ := dest[i].(*[]byte); {
		case b != nil && *b != nil:
			row[i] = *b
		case ints[i] != nil:
			row[i] = *ints[i]
		case texts[i] != nil:
			row[i] = *texts[i]
		}
	}
	return row, nil
}
