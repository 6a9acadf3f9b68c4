package evidence

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/tutela-health/tutela/store"
)

// Migrations make this package's tables. supply_statements is what came already, by the SHA-256 of what was
// signed; supply_bills the bills of materials, sealed, by the same.
func Migrations() []store.Migration {
	return []store.Migration{{ID: "0600_supply", SQL: `
CREATE TABLE supply_statements (id {{bytes}} NOT NULL PRIMARY KEY, received {{int}} NOT NULL) {{clustered}};
CREATE TABLE supply_bills (
	id {{bytes}} NOT NULL PRIMARY KEY, pipeline {{text}} NOT NULL, received {{int}} NOT NULL, about {{bytes}} NOT NULL, bill {{bytes}} NOT NULL
);
CREATE INDEX supply_bills_pipeline ON supply_bills (pipeline, received);
`}}
}

func statementsTable() *store.Table {
	return &store.Table{Name: "supply_statements", Key: 1, Columns: []store.Column{{Name: "id", Kind: store.Bytes}, {Name: "received"}}}
}

func billsTable() *store.Table {
	return &store.Table{Name: "supply_bills", Key: 1, Columns: []store.Column{
		{Name: "id", Kind: store.Bytes}, {Name: "pipeline", Kind: store.Text}, {Name: "received"},
		{Name: "about", Kind: store.Bytes}, {Name: "bill", Kind: store.Bytes},
	}}
}

// first claims that a statement did not come before.
func (s *Service) first(r *report, now time.Time) store.Claim {
	return store.Claim{Table: statementsTable(), Key: []any{r.digest[:]}, Set: []any{r.digest[:], now.UnixMilli()}}
}

// billRow is what a list shows of a bill.
type billRow struct{ id, sealed []byte }

// maxBills bounds what a list holds.
const maxBills = 1000

func (s *Service) billRows(ctx context.Context) ([]billRow, error) {
	var list []billRow
	err := s.cfg.DB.Query(ctx, `SELECT id, about FROM supply_bills ORDER BY received DESC, id LIMIT ?`, []any{int64(maxBills)}, func(sc store.Scanner) error {
		var r billRow
		if err := sc.Scan(&r.id, &r.sealed); err != nil {
			return err
		}
		list = append(list, r)
		return nil
	})
	return list, err
}

// billRow finds a bill by its id. An id that is none is not there either.
func (s *Service) billRow(ctx context.Context, id string) (key, sealed []byte, err error) {
	key, err = hex.DecodeString(id)
	if err != nil || len(key) != 32 {
		return nil, nil, notFound()
	}
	found, err := s.cfg.DB.QueryRow(ctx, `SELECT bill FROM supply_bills WHERE id = ?`, []any{key}, &sealed)
	if err == nil && !found {
		err = notFound()
	}
	return key, sealed, err
}

// older are the keys of a pipeline's bills that another one pushes out.
func (s *Service) older(ctx context.Context, pipeline string) ([][]any, error) {
	var list [][]any
	err := s.cfg.DB.Query(ctx, `SELECT id FROM supply_bills WHERE pipeline = ? ORDER BY received DESC, id LIMIT ? OFFSET ?`,
		[]any{pipeline, int64(maxBills), int64(keptBills - 1)}, func(sc store.Scanner) error {
			var id []byte
			if err := sc.Scan(&id); err != nil {
				return err
			}
			list = append(list, []any{id})
			return nil
		})
	return list, err
}
