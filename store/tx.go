package store

import (
	"context"

	"github.com/tutela-health/tutela/internal/clock"
)

// Tx is a read-write transaction of Update. It is for one goroutine, and only while Update's
// function runs. After an error of any method but QueryRow's "not found", return: on PostgreSQL
// nothing else works any more.
type Tx struct {
	transaction
	engine Engine
	clock  clock.Clock
}

// transaction is the engine's side of a Tx.
type transaction interface {
	Querier
	exec(ctx context.Context, sql string, args []any) (int64, error)
	// script runs statements separated by semicolons.
	script(ctx context.Context, sql string) error
	// write runs insert, upsert or remove for all rows, which are of one width.
	write(ctx context.Context, v verb, rows Rows) error
}

// Exec runs a statement and says how many rows it changed.
func (tx *Tx) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	return tx.exec(ctx, sql, args)
}

// Insert adds rows; it fails with ErrDuplicate when a key is taken.
func (tx *Tx) Insert(ctx context.Context, rows ...Rows) error { return tx.each(ctx, insert, rows) }

// Upsert adds rows, replacing those with the same key. A key may occur once in a call.
func (tx *Tx) Upsert(ctx context.Context, rows ...Rows) error { return tx.each(ctx, upsert, rows) }

// Delete removes rows by key, or by a prefix of it.
func (tx *Tx) Delete(ctx context.Context, rows ...Rows) error { return tx.each(ctx, remove, rows) }

func (tx *Tx) each(ctx context.Context, v verb, all []Rows) error {
	for _, rows := range all {
		for _, r := range rows.byWidth() {
			if err := tx.write(ctx, v, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// byWidth splits rows into runs of equal width, since prefixes of a key may differ in length.
func (r Rows) byWidth() []Rows {
	var runs []Rows
	start := 0
	for i := 1; i <= len(r.Rows); i++ {
		if i == len(r.Rows) || len(r.Rows[i]) != len(r.Rows[start]) {
			runs = append(runs, Rows{r.Table, r.Rows[start:i]})
			start = i
		}
	}
	return runs
}
