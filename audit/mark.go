package audit

import (
	"context"
	"fmt"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/store"
)

// Mark is how far a reader of the ledger's rows has come: what it has seen of the tree and of each
// lane. Entries become visible out of order, and pending ones move into the tree: one number could
// not tell. The zero value is the beginning.
type Mark struct {
	Size  int64            `json:"size"`  // leaves in the tree
	Lanes map[string]int64 `json:"lanes"` // the last row of each
}

// MarkIn gives the mark of all that a view shows.
func (l *Log) MarkIn(ctx context.Context, q store.Querier) (Mark, error) {
	m := Mark{Lanes: map[string]int64{}}
	st, _, err := readState(ctx, q)
	if err != nil {
		return m, err
	}
	m.Size = st.size
	err = eachHead(ctx, q, func(id laneID, h head, _ []byte) error {
		m.Lanes[id.String()] = h.seq
		return nil
	})
	if err != nil {
		return m, fmt.Errorf("read ledger heads: %w", err)
	}
	return m, nil
}

// WritesSince yields what entries that came after a mark wrote, in no order: those in the tree and those
// that are pending. No query is open meanwhile.
func (l *Log) WritesSince(ctx context.Context, q store.Querier, m Mark, yield func(tutela.Write) error) error {
	for first := m.Size; ; {
		page, err := readPage(ctx, q, first, maxInt)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		for _, b := range page {
			if err := l.writesOf(ctx, b.batch, m, yield); err != nil {
				return err
			}
			first = b.first + 1
		}
	}
	var pending []batch
	err := everyPending(ctx, q, func(b batch) error {
		pending = append(pending, b)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read pending ledger rows: %w", err)
	}
	for _, b := range pending {
		if err := l.writesOf(ctx, b, m, yield); err != nil {
			return err
		}
	}
	return nil
}

// writesOf yields the writes of a row's entries, unless the mark covers it.
func (l *Log) writesOf(ctx context.Context, b batch, m Mark, yield func(tutela.Write) error) error {
	if b.seq <= m.Lanes[b.lane.String()] {
		return nil
	}
	entries, err := unbundle(b.blob)
	if err != nil {
		return tampered(pendingWhere(b.lane, b.seq), err.Error())
	}
	for _, text := range entries {
		o, err := l.open(ctx, Pending, text)
		if err != nil {
			return err
		}
		for _, w := range o.Entry.Writes {
			if err := yield(w); err != nil {
				return err
			}
		}
	}
	return nil
}

// RebuildPostings makes the postings anew from the entries: after a restore, since backups hold none. A
// posting of an entry whose header's key was destroyed cannot be made again.
func (l *Log) RebuildPostings(ctx context.Context) error {
	err := l.cfg.DB.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM ledger_postings")
		return err
	})
	for first := int64(minInt); err == nil; {
		var page []stored
		if page, err = readPage(ctx, l.cfg.DB, first, maxInt); err != nil || len(page) == 0 {
			break
		}
		err = l.postAll(ctx, page)
		first = page[len(page)-1].first + 1
	}
	if err != nil {
		return fmt.Errorf("rebuild postings: %w", err)
	}
	return nil
}

// postAll writes the postings of batches.
func (l *Log) postAll(ctx context.Context, page []stored) error {
	rows := store.Rows{Table: l.tables.postings}
	for _, b := range page {
		entries, err := unbundle(b.blob)
		if err != nil {
			return tampered(b.where(), err.Error())
		}
		found, err := l.batchTokens(ctx, entries)
		if err != nil {
			return err
		}
		for token := range found {
			rows.Rows = append(rows.Rows, []any{token, b.first})
		}
	}
	sortPostings(rows.Rows)
	return l.cfg.DB.Update(ctx, func(tx *store.Tx) error { return tx.Insert(ctx, rows) })
}
