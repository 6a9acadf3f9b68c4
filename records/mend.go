package records

import (
	"context"

	"github.com/tutela-health/tutela/store"
)

// tieRow is a row of ties as it stands.
type tieRow struct {
	tieAt
	mac int64
}

// eachTie gives the rows of ties for which a condition holds.
func eachTie(ctx context.Context, q store.Querier, condition string, args []any, yield func(tieRow)) error {
	return q.Query(ctx, "SELECT kind, subject, object, locator, since, until, mac FROM ties"+condition, args, func(s store.Scanner) error {
		var r tieRow
		if err := s.Scan(&r.kind, &r.subject, &r.object, &r.locator, &r.from, &r.until, &r.mac); err != nil {
			return err
		}
		yield(r)
		return nil
	})
}

// tiesOver are the ties that say they come from resources of a stretch, whether these are there or not.
func tiesOver(ctx context.Context, q store.Querier, part stretch) ([]tieRow, error) {
	var rows []tieRow
	err := eachTie(ctx, q, " WHERE locator >= ? AND locator <= ?", []any{part.first, part.last}, func(r tieRow) { rows = append(rows, r) })
	return rows, err
}

// mendTies makes the ties of some resources what follows from these: it takes away what does not,
// and puts back what was taken away or altered. It says how many rows it put right. Every node,
// this one too, hears of it. Of follow it leaves what was missing.
func (s *Store) mendTies(ctx context.Context, tx *store.Tx, rows []tieRow, follow map[tieAt]bool) (int, error) {
	gone, come := store.Rows{Table: s.tables.ties}, store.Rows{Table: s.tables.ties}
	changed := map[tieKey]bool{}
	for _, r := range rows {
		if follow[r.tieAt] && r.mac == s.tieMAC(r.tie, r.locator) {
			delete(follow, r.tieAt)
			continue
		}
		gone.Rows = append(gone.Rows, r.key(r.locator))
		changed[tieKey{r.kind, r.subject}] = true
	}
	for t := range follow { // what is left of it is missing, or altered and gone now
		come.Rows = append(come.Rows, s.tieRow(t.tie, t.locator))
		changed[tieKey{t.kind, t.subject}] = true
	}
	if len(changed) == 0 {
		return 0, nil
	}
	if err := tx.Delete(ctx, gone); err != nil {
		return 0, err
	}
	if err := tx.Upsert(ctx, come); err != nil { // a resource made meanwhile has written its own
		return 0, err
	}
	return len(gone.Rows) + len(come.Rows), tx.Insert(ctx, s.forgetTies(changed))
}

// forgetTies tells every node of subjects whose ties are no longer what it may remember.
func (s *Store) forgetTies(changed map[tieKey]bool) store.Rows {
	var list []store.Invalidation
	for k := range changed {
		list = append(list, store.Invalidation{Topic: TopicTies, Key: k.bytes()})
	}
	return s.db.Publish(list...)
}
