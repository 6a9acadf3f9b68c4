package audit

import (
	"context"
	"fmt"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/store"
)

// Receipt says that an entry is durable. Only Append's caller has one; its zero value is none.
type Receipt struct {
	ID string // the entry's id
}

// Valid tells a receipt from its zero value.
func (r Receipt) Valid() bool { return r.ID != "" }

// Append makes an entry durable and gives its receipt. It shares a transaction with whatever
// else commits at the moment. Without a receipt nothing may be answered.
func (l *Log) Append(ctx context.Context, e tutela.Entry, sections []tutela.Section) (Receipt, error) {
	if e.ID == "" {
		e.ID = NewID()
	}
	leaves, err := l.Encode(ctx, e, sections, nil)
	if err != nil {
		return Receipt{}, fmt.Errorf("append to ledger: %w", err)
	}
	if err := l.cfg.DB.Commit(ctx, store.Op{Entries: leaves}); err != nil {
		return Receipt{}, fmt.Errorf("append to ledger: %w", err)
	}
	return Receipt{e.ID}, nil
}
