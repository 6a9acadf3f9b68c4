package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/tutela-health/tutela/store"
)

// The floor under creating is the engine alone, writing the rows that the creating left behind,
// byte for byte and in transactions of the size that group commit reached. They are read from the
// database afterwards, less what a copy from before holds.

// rows is one table's share of a transaction.
type rows struct {
	table   string
	columns string
	rows    [][]any
}

// transaction is what one commit wrote.
type transaction struct {
	lane   int64
	tables []rows
}

// tables that a create writes, with their columns in the order of the DDL, and how a row tells its resource.
func createdTables() []struct{ name, columns string } {
	return []struct{ name, columns string }{
		{"locators", "locator, bucket, version, kind, updated"},
		{"versions", "locator, bucket, version, moved, sealed"},
		{"terms0", "locator, token, bucket"},
		{"shared_keys", "locator, version, bucket, key_version, wrapped"},
	}
}

// written are the transactions by which creates brought a database from before to after.
func written(ctx context.Context, before, after string) ([]transaction, error) {
	old, err := readCreated(ctx, before, nil, 0)
	if err != nil {
		return nil, err
	}
	have := map[int64]bool{}
	for locator := range old.resources {
		have[locator] = true
	}
	fresh, err := readCreated(ctx, after, have, old.end)
	if err != nil {
		return nil, err
	}
	return fresh.transactions(), nil
}

// created is a database's resources, each with its rows by table, and its ledger's batches.
type created struct {
	resources map[int64]map[string][][]any
	batches   []batchRow
	end       int64 // the leaf after the last
}

type batchRow struct {
	node            string
	lane, seq       int64
	entries         int64
	prev, mac, blob []byte
}

// readCreated reads the rows of every resource that is not in skip, and the batches from a leaf on.
func readCreated(ctx context.Context, url string, skip map[int64]bool, from int64) (*created, error) {
	db, err := store.Open(ctx, store.Config{URL: url, Reserve: -1, MinFree: -1})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	c := &created{resources: map[int64]map[string][][]any{}}
	for _, t := range createdTables() {
		err := db.Query(ctx, "SELECT "+t.columns+" FROM "+t.name, nil, func(s store.Scanner) error {
			row, err := scanRow(s, t.name)
			if err == nil && !skip[row[0].(int64)] {
				c.add(t.name, row)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", t.name, err)
		}
	}
	return c, c.readBatches(ctx, db, from)
}

func (c *created) add(table string, row []any) {
	locator := row[0].(int64)
	if c.resources[locator] == nil {
		c.resources[locator] = map[string][][]any{}
	}
	c.resources[locator][table] = append(c.resources[locator][table], row)
}

func (c *created) readBatches(ctx context.Context, q store.Querier, from int64) error {
	const batches = `SELECT first_leaf, count, node, lane, seq, prev, mac, blob FROM ledger_batches WHERE first_leaf >= ? ORDER BY first_leaf`
	return q.Query(ctx, batches, []any{from}, func(s store.Scanner) error {
		var b batchRow
		var first int64
		err := s.Scan(&first, &b.entries, &b.node, &b.lane, &b.seq, &b.prev, &b.mac, &b.blob)
		c.end = first + b.entries
		c.batches = append(c.batches, b)
		return err
	})
}

// scanRow reads a row of one of createdTables.
func scanRow(s store.Scanner, table string) ([]any, error) {
	var n [5]int64
	var blob []byte
	switch table {
	case "terms0":
		err := s.Scan(&n[0], &n[1], &n[2])
		return []any{n[0], n[1], n[2]}, err
	case "versions":
		var moved *int64
		err := s.Scan(&n[0], &n[1], &n[2], &moved, &blob)
		row := []any{n[0], n[1], n[2], nil, blob}
		if moved != nil {
			row[3] = *moved
		}
		return row, err
	case "shared_keys":
		err := s.Scan(&n[0], &n[1], &n[2], &n[3], &blob)
		return []any{n[0], n[1], n[2], n[3], blob}, err
	default:
		err := s.Scan(&n[0], &n[1], &n[2], &n[3], &n[4])
		return []any{n[0], n[1], n[2], n[3], n[4]}, err
	}
}

// transactions deals the resources out to the batches in the order in which they were created, as
// many to each as it has entries.
func (c *created) transactions() []transaction {
	updated := func(locator int64) int64 { return c.resources[locator]["locators"][0][4].(int64) }
	left := slices.SortedFunc(maps.Keys(c.resources), func(a, b int64) int {
		return cmp.Or(cmp.Compare(updated(a), updated(b)), cmp.Compare(a, b))
	})
	var all []transaction
	for _, b := range c.batches {
		n := min(int(b.entries), len(left))
		if n == 0 {
			break
		}
		t := transaction{lane: b.lane}
		for _, table := range createdTables() {
			r := rows{table: table.name, columns: table.columns}
			for _, locator := range left[:n] {
				r.rows = append(r.rows, c.resources[locator][table.name]...)
			}
			if len(r.rows) > 0 {
				t.tables = append(t.tables, r)
			}
		}
		left = left[n:]
		t.tables = append(t.tables,
			rows{"ledger_pending", "node, lane, seq, prev, mac, blob", [][]any{{b.node, b.lane, b.seq, b.prev, b.mac, b.blob}}},
			rows{"ledger_heads", "node, lane, seq, hash, mac", [][]any{{b.node, b.lane, b.seq, b.prev, b.mac}}})
		all = append(all, t)
	}
	return all
}

// creates is how many resources the transactions write.
func creates(all []transaction) int {
	n := 0
	for _, t := range all {
		n += len(t.tables[0].rows)
	}
	return n
}
