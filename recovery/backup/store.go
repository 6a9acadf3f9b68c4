package backup

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/store"
)

// Migrations make this package's table: what was kept, and what the next increment goes on from. A
// backup does not hold it: what was restored begins a series of its own.
func Migrations() []store.Migration {
	return []store.Migration{{ID: "0400_backup", SQL: `
CREATE TABLE backups (
	series {{text}} NOT NULL, sequence {{int}} NOT NULL, made {{int}} NOT NULL, -- Unix milliseconds
	manifest {{bytes}} NOT NULL, state {{bytes}} NOT NULL,
	PRIMARY KEY (series, sequence)
) {{clustered}};
`}}
}

func backupsTable() *store.Table {
	return &store.Table{Name: "backups", Key: 2, Columns: []store.Column{
		{Name: "series", Kind: store.Text}, {Name: "sequence"}, {Name: "made"}, {Name: "manifest", Kind: store.Bytes}, {Name: "state", Kind: store.Bytes},
	}}
}

// state is what the next increment goes on from.
type state struct {
	Mark audit.Mark `json:"mark"`
	Keys keyState   `json:"keys"`
}

// record is a backup that was made, as the table keeps it.
type record struct {
	Manifest
	state
}

func (r record) row() (store.Rows, error) {
	text, err := json.Marshal(r.state)
	if err != nil {
		return store.Rows{}, fmt.Errorf("encode state: %w", err)
	}
	return store.Rows{Table: backupsTable(), Rows: [][]any{{r.Series, r.Sequence, r.order(), r.signed, text}}}, nil
}

// newest reads the backup that was made last.
func newest(ctx context.Context, q store.Querier) (r record, found bool, err error) {
	list, err := recent(ctx, q, 1)
	if err != nil || len(list) == 0 {
		return r, false, err
	}
	return list[0], true, nil
}

// recent reads the backups that were made last, the newest first.
func recent(ctx context.Context, q store.Querier, n int) ([]record, error) {
	return records(ctx, q, "", n)
}

// fulls is recent of full backups alone.
func fulls(ctx context.Context, q store.Querier, n int) ([]record, error) {
	return records(ctx, q, "WHERE sequence = 0", n)
}

func records(ctx context.Context, q store.Querier, where string, n int) ([]record, error) {
	var list []record
	err := q.Query(ctx, "SELECT manifest, state FROM backups "+where+" ORDER BY made DESC, sequence DESC LIMIT ?", []any{int64(n)}, func(s store.Scanner) error {
		var text, goesOn []byte
		if err := s.Scan(&text, &goesOn); err != nil {
			return err
		}
		var r record
		var err error
		if r.Manifest, err = decodeManifest(text); err != nil {
			return err
		}
		if err := json.Unmarshal(goesOn, &r.state); err != nil {
			return fmt.Errorf("decode state: %w", err)
		}
		list = append(list, r)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read backups: %w", err)
	}
	return list, nil
}

// forgetIncrements removes the rows of increments of other series than the newest.
func forgetIncrements(ctx context.Context, db *store.DB, series string) error {
	return db.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM backups WHERE series <> ? AND sequence > 0", series)
		return err
	})
}
