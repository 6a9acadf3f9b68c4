package backup

import (
	"context"
	"slices"
	"time"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// loader carries out operations on a database.
type loader struct {
	ctx     context.Context //nolint:containedctx // lives as long as the call
	db      *store.DB
	in      *reader
	tables  []*store.Table // of the database
	keyring bool
	done    func(rows int)

	table   *store.Table // of rows
	rows    [][]any      // to be put
	bytes   int          // of rows
	removed [][]any
}

// A transaction puts so many rows, or about so many bytes.
const (
	batchRows  = 2000
	batchBytes = 4 << 20
)

func (l *loader) run() error {
	for {
		op, err := l.in.next()
		if err != nil {
			if err = untilEnd(err); err != nil {
				return err
			}
			return l.flush()
		}
		if err := l.apply(op); err != nil {
			return err
		}
	}
}

func (l *loader) apply(op operation) error {
	switch op.kind {
	case opTable:
		if err := l.flush(); err != nil {
			return err
		}
		l.table = l.in.table
		return l.fits()
	case opClear:
		if err := l.flush(); err != nil {
			return err
		}
		return l.db.Update(l.ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(l.ctx, "DELETE FROM "+l.table.Name) // a name of the catalogue
			return err
		})
	case opRemove:
		l.removed = append(l.removed, op.values)
	case opPut:
		l.rows = append(l.rows, op.values)
		l.bytes += sizeOf(op.values)
	}
	if len(l.rows)+len(l.removed) >= batchRows || l.bytes >= batchBytes {
		return l.flush()
	}
	return nil
}

func sizeOf(row []any) int {
	n := 0
	for _, v := range row {
		switch v := v.(type) {
		case []byte:
			n += len(v)
		case string:
			n += len(v)
		}
		n += 16
	}
	return n
}

// fits makes sure that a table is one of the database's and may come by this way, with columns that
// are there. A release may have added columns since, with defaults.
func (l *loader) fits() error {
	i := slices.IndexFunc(l.tables, func(t *store.Table) bool { return t.Name == l.table.Name })
	if i < 0 {
		return errs.New(errs.Unsupported, "the backup has a table %s that this release does not know: restore it with a newer one", l.table.Name)
	}
	how := treatmentOf(l.table.Name)
	if l.keyring != (how == keyed) || how == derived || how == passing {
		return errStream
	}
	there := l.tables[i]
	for n, c := range l.table.Columns {
		if !slices.Contains(there.Columns, c) || n < there.Key && there.Columns[n] != c {
			return errs.New(errs.Unsupported, "the backup's table %s has a column %s that this release does not know: restore it with a newer one", l.table.Name, c.Name)
		}
	}
	if l.table.Key != there.Key || l.table.Key == 0 {
		return errStream
	}
	if slices.Equal(l.table.Columns, there.Columns) {
		l.table = there // statements are prepared once for a Table
	}
	return nil
}

// flush makes what was gathered durable: what goes, then what comes.
func (l *loader) flush() error {
	if len(l.rows)+len(l.removed) == 0 {
		return nil
	}
	err := l.db.Update(l.ctx, func(tx *store.Tx) error {
		if err := l.generations(tx); err != nil {
			return err
		}
		if len(l.removed) > 0 {
			if err := tx.Delete(l.ctx, store.Rows{Table: l.table, Rows: l.removed}); err != nil {
				return err
			}
		}
		return tx.Upsert(l.ctx, store.Rows{Table: l.table, Rows: l.rows})
	})
	l.done(len(l.rows))
	l.rows, l.removed, l.bytes = l.rows[:0], l.removed[:0], 0
	return err
}

// generations makes those known that wrapped keys are of, where the keyring is older than the table of them.
func (l *loader) generations(tx *store.Tx) error {
	if l.table.Name != keysTable {
		return nil
	}
	of, made, seen := l.column("generation"), l.column("created"), map[int64]bool{}
	for _, row := range l.rows {
		if of < 0 || made < 0 {
			return errStream
		}
		n, isInt := row[of].(int64)
		created, isToo := row[made].(int64)
		if !isInt || !isToo {
			return errStream
		}
		if seen[n] {
			continue
		}
		if err := tx.KnowGeneration(l.ctx, n, time.Unix(created, 0)); err != nil {
			return err
		}
		seen[n] = true
	}
	return nil
}

func (l *loader) column(name string) int {
	return slices.IndexFunc(l.table.Columns, func(c store.Column) bool { return c.Name == name })
}
