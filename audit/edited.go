package audit

import (
	"bytes"
	"context"
	"math/rand/v2"

	"github.com/tutela-health/tutela/store"
)

// edited is a store in which one value is another: whoever reads it through here sees what
// somebody with the database's password would have put there.
type edited struct {
	store.Querier
	from, to []byte
}

// oneBitChanged changes one bit of a value, which should occur once: the ledger's values hold hashes or
// ciphertext, so none occurs twice by chance.
func oneBitChanged(q store.Querier, value []byte) edited {
	to := bytes.Clone(value)
	to[rand.IntN(len(to))] ^= 1 << rand.IntN(8)
	return edited{q, value, to}
}

// Query implements store.Querier.
func (e edited) Query(ctx context.Context, sql string, args []any, scan func(store.Scanner) error) error {
	return e.Querier.Query(ctx, sql, args, func(s store.Scanner) error { return scan(editedRow{s, e}) })
}

// QueryRow implements store.Querier.
func (e edited) QueryRow(ctx context.Context, sql string, args []any, dest ...any) (bool, error) {
	found, err := e.Querier.QueryRow(ctx, sql, args, dest...)
	e.swap(dest)
	return found, err
}

func (e edited) swap(dest []any) {
	for _, d := range dest {
		if b, ok := d.(*[]byte); ok && bytes.Equal(*b, e.from) {
			*b = bytes.Clone(e.to)
		}
	}
}

type editedRow struct {
	row store.Scanner
	e   edited
}

// Scan implements store.Scanner.
func (r editedRow) Scan(dest ...any) error {
	err := r.row.Scan(dest...)
	r.e.swap(dest)
	return err
}
